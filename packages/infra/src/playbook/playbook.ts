/** playbook/: what is handed to the customer, for the paths that are switched on. */
import type { AwsSide, Instance } from '../config/model.ts';
import type { ImageReference } from '../kustomize/input.ts';
import type { KnownOutputs } from '../stacks/outputs.ts';
import { type AgentInput, agentBundle } from './agent.ts';
import { certificates } from './certificates.ts';
import { playbookTerraform } from './terraform.ts';

export interface PlaybookInput {
  readonly instance: Instance;
  readonly outputs: KnownOutputs;
  readonly image: ImageReference;
}

export function playbook(input: PlaybookInput): Map<string, string> {
  const { nat, aws, connect } = input.instance;
  if (nat === undefined && aws === undefined && connect === undefined) return new Map();
  return new Map([
    ['README.md', readme(input)],
    ['certificates.md', certificates()],
    ...(aws === undefined ? [] : playbookTerraform(input.instance, aws)),
    ...(connect === undefined ? [] : agentBundle({ ...input, connect } satisfies AgentInput)),
  ]);
}

function readme(input: PlaybookInput): string {
  const { nat, aws, connect } = input.instance;
  const sections = [
    ...(nat === undefined ? [] : [natSteps(input)]),
    ...(aws === undefined ? [] : [privateLinkSteps(aws)]),
    ...(connect === undefined ? [] : ['## Tunnel\n\nEverything is in `agent/`; start with its README.\n']),
  ];
  return `# Making a private host reachable

For the administrators of the host. Each section is one way; you were told which one is yours.

${sections.join('\n')}
## Certificates

If a private CA signed the host's certificate: \`certificates.md\`.
`;
}

function natSteps({ instance, outputs }: PlaybookInput): string {
  const addresses =
    outputs.allowlist.length > 0
      ? outputs.allowlist.map((address) => `- ${address}/32`).join('\n')
      : `The ${instance.nat!.staticIPs} addresses are reserved when our side is deployed, and then stand here.`;
  return `## Allowlist

Let these addresses reach the host, and no others. They are reserved for you alone and do not change.

${addresses}

Send back: the host's public name, and its port.
`;
}

function privateLinkSteps(aws: AwsSide): string {
  return `## AWS PrivateLink

\`terraform/\` makes an internal load balancer in front of the host and an endpoint service that only our account
${aws.accountID}, dedicated to you, may use. It goes to region ${aws.region}.

1. Choose who ends TLS. The host itself: leave \`certificate_arn\` out, bytes pass through untouched. The load balancer: give an ACM
   certificate for the host's own name; the product still asks for that name.
2. \`terraform init\`, then \`terraform apply\` with \`vpc_id\`, \`private_subnet_ids\` and \`target_ips\`.
3. Let the load balancer's subnets reach the host on these ports: security group, network ACL and the host's own firewall.
4. Send back: the output \`service_name\`, the host's DNS name, its ports, and whether a private CA signed its certificate.
5. We create the endpoint. Accept it (console: VPC, endpoint services, endpoint connections), unless you set
   \`acceptance_required = false\`; only our account may ask.
6. Only where the product shall use the host's own name through AWS's private DNS: set \`private_dns_name\`, apply, publish the TXT
   record of the output \`txt_record\` in your PUBLIC DNS (no address record is needed), set \`txt_record_is_published = true\`, apply
   again, and tell us once AWS says \`verified\`. Verifying a parent domain covers the names below it; a service has one such name.

Reachable but timing out? Listener and target group, the target's security group, network ACLs, the host's firewall, in that order:
DNS and the endpoint look healthy meanwhile.
`;
}
