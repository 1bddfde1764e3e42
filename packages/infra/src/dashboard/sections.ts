/** The runbook's other sections, each for one feature. */
import type { AwsSide, ConnectSide, DnsRoute, Instance } from '../config/model.ts';
import { workloadLabels } from '../kustomize/component.ts';
import { connectNames, tunnelPort } from '../stacks/connect.ts';
import { natNames } from '../stacks/nat.ts';
import { command, shell, table } from './markdown.ts';
import { awsCommand } from './vpn.ts';

export function natSection({ gcp, nat }: Instance): string {
  const where = ['--project', gcp.projectID, '--region', gcp.region];
  return `## Egress addresses (NAT)

${nat!.staticIPs} reserved addresses; the customer's allowlist holds all of them.

${command(
  shell(
    'gcloud',
    'compute',
    'addresses',
    'list',
    '--project',
    gcp.projectID,
    '--filter=name~^postern-nat-',
    '--format=table(name, address, status)',
  ),
)}
Which of them is in use, and by whom:

${command(shell('gcloud', 'compute', 'routers', 'get-nat-mapping-info', natNames.router, ...where))}
`;
}

export function privateLinkSection(instance: Instance, aws: AwsSide): string {
  return `## PrivateLink

${table(
  ['service', 'ports', 'private DNS'],
  aws.privateLinks.map((link) => [link.endpoint, link.ports.join(', '), link.privateDnsEnabled ? 'on' : 'off']),
)}
State of each endpoint. \`pendingAcceptance\`: the customer has to accept it; \`privateDnsEnabled\` works only from \`available\` on.

${awsCommand(aws, instance, 'describe-vpc-endpoints', 'VpcEndpoints[].{Id:VpcEndpointId,Service:ServiceName,State:State,PrivateDns:PrivateDnsEnabled,Name:DnsEntries[0].DnsName}')}
Who may enter, and on which ports:

${awsCommand(aws, instance, 'describe-security-groups', 'SecurityGroups[].IpPermissions[].{From:FromPort,To:ToPort,Ranges:IpRanges[].CidrIp}')}
Available, and still a time-out? The customer looks at the load balancer's listener, its target's security group and the host's own firewall.
`;
}

export function dnsSection({ gcp }: Instance, routes: readonly DnsRoute[]): string {
  return `## Private names

${table(
  ['asked for', 'answered with', 'by'],
  routes.map(({ source, destination, resolverIP }) => [source, destination, resolverIP ?? 'the pod’s resolver']),
)}
Workloads that carry the dns-proxy:

${command(
  shell(
    'kubectl',
    'get',
    'deployments,statefulsets',
    '--namespace',
    gcp.namespace,
    '--selector',
    `${workloadLabels.dnsProxy}=true`,
  ),
)}
`;
}

export function connectSection({ gcp }: Instance, connect: ConnectSide): string {
  const project = ['--project', gcp.projectID];
  const name = connectNames.server;
  return `## Tunnel

Agents (${connect.agents.join(', ') || 'none yet'}) dial the static address, TCP ${tunnelPort}, from ${connect.sourceRanges.join(', ') || 'anywhere'}.

${command(shell('gcloud', 'compute', 'addresses', 'describe', connectNames.address, ...project, '--region', gcp.region, '--format=value(address)'))}
The server, and who is connected:

${command(shell('kubectl', 'get', 'pods,services', '--namespace', gcp.namespace, '--selector', `app.kubernetes.io/name=${name}`))}
${command(shell('kubectl', 'exec', '--namespace', gcp.namespace, `statefulset/${name}`, '--', 'postern', 'tunnel', 'status', '--admin', 'http://127.0.0.1:9090'))}
What was refused in the last day:

${command(
  shell(
    'gcloud',
    'logging',
    'read',
    `resource.type="k8s_container" AND resource.labels.container_name="${name}" AND jsonPayload.event=("session.refuse" OR "certificate.refuse" OR "connection.refuse")`,
    ...project,
    '--freshness=1d',
    '--limit=50',
    '--format=table(timestamp, jsonPayload.event, jsonPayload.client, jsonPayload.agent, jsonPayload.destination, jsonPayload.reason)',
  ),
)}
The authority that issues the peers' certificates:

${command(shell('gcloud', 'privateca', 'roots', 'list', ...project, '--location', gcp.region, '--pool', connectNames.caPool))}
`;
}
