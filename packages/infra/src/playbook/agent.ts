/** playbook/agent: everything the customer's IT admin needs to run the tunnel's agent. */
import type { ConnectSide, Instance } from '../config/model.ts';
import { adminProbe, securityContext } from '../kustomize/component.ts';
import type { ImageReference } from '../kustomize/input.ts';
import { yamlFile } from '../kustomize/yaml.ts';
import { tunnelPort } from '../stacks/connect.ts';
import type { KnownOutputs } from '../stacks/outputs.ts';

export interface AgentInput {
  readonly instance: Instance;
  readonly connect: ConnectSide;
  readonly outputs: KnownOutputs;
  readonly image: ImageReference;
}

const adminPort = 9091;

/** Where agents dial: the static address once it is known, the server's name until then. */
export function serverAddress({ connect, outputs }: AgentInput): string {
  return `${outputs.connectAddress ?? connect.serverName}:${tunnelPort}`;
}

/** What the rules would let these agents reach: the customer strikes out what they do not want. */
export function allowed({ connect }: AgentInput): string[] {
  return [...new Set(connect.rules.flatMap((rule) => rule.destinations))].toSorted();
}

export function agentBundle(input: AgentInput): Map<string, string> {
  return new Map([
    ['agent/agent.yaml', agentYaml(input)],
    ['agent/egress.txt', egress(input)],
    ['agent/postern-agent.service', systemdUnit()],
    ['agent/container.sh', container(input.image)],
    ['agent/kubernetes/kustomization.yaml', agentKustomization(input.image)],
    ['agent/kubernetes/agent.yaml', agentYaml(input, '/var/run/postern')],
    ['agent/kubernetes/resources.yaml', kubernetes()],
    ['agent/README.md', readme(input)],
  ]);
}

function agentYaml(input: AgentInput, identity = '.'): string {
  return yamlFile({
    apiVersion: 'postern.dev/v1',
    kind: 'TunnelAgent',
    server: serverAddress(input),
    serverName: input.connect.serverName,
    serverCA: `${identity}/ca.pem`,
    credentials: `${identity}/credentials.json`,
    admin: `127.0.0.1:${adminPort}`,
    allow: allowed(input),
  });
}

function egress(input: AgentInput): string {
  const lines = allowed(input).map((destination) => `tcp  ${destination}   # what the product may reach`);
  return `# What the agent's host must be able to reach. Nothing needs to come in.
tcp  ${serverAddress(input)}   # the tunnel's server: HTTP/2, TLS 1.3
${lines.map((line) => `${line}\n`).join('')}`;
}

/** \`LoadCredential\` hands both files to the service alone, whatever user it runs as. */
function systemdUnit(): string {
  return `# /etc/systemd/system/postern-agent.service
[Unit]
Description=Postern tunnel agent
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/local/bin/postern tunnel agent --config /etc/postern/agent.yaml
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=5
User=postern
Group=postern
StateDirectory=postern
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
ReadWritePaths=/etc/postern
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

function imageText({ repository, tag, digest }: ImageReference): string {
  return digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`;
}

function container(image: ImageReference): string {
  return `#!/bin/sh
# The agent as a container, with nothing it does not need. Run beside agent.yaml, ca.pem and credentials.json (mode 0600).
set -eu
exec docker run --rm --name postern-agent \\
  --user "$(id -u):$(id -g)" \\
  --read-only --cap-drop ALL --security-opt no-new-privileges \\
  --memory 512m --pids-limit 128 \\
  --volume "$PWD:/etc/postern" \\
  '${imageText(image)}' tunnel agent --config /etc/postern/agent.yaml
`;
}

function agentKustomization({ repository, tag, digest }: ImageReference): string {
  return yamlFile({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['resources.yaml'],
    configMapGenerator: [{ name: 'postern-agent', files: ['agent.yaml'] }],
    images: [{ name: 'postern', newName: repository, ...(digest === undefined ? { newTag: tag } : { digest }) }],
  });
}

function kubernetes(): string {
  const labels = { 'app.kubernetes.io/name': 'postern-agent' };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'postern-agent', labels },
    spec: {
      // Two agents of one identity: the server picks at random, and one may restart.
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          securityContext: { fsGroup: 65532 },
          containers: [
            {
              name: 'agent',
              image: 'postern',
              args: ['tunnel', 'agent', '--config', '/etc/postern/agent.yaml'],
              readinessProbe: adminProbe(adminPort, '/readyz', { periodSeconds: 5 }),
              livenessProbe: adminProbe(adminPort, '/healthz', { periodSeconds: 30, failureThreshold: 3 }),
              resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } },
              securityContext: securityContext(),
              volumeMounts: [
                { name: 'config', mountPath: '/etc/postern', readOnly: true },
                { name: 'identity', mountPath: '/var/run/postern', readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: 'config', configMap: { name: 'postern-agent' } },
            { name: 'identity', secret: { secretName: 'postern-agent', defaultMode: 0o440 } },
          ],
        },
      },
    },
  };
  return yamlFile(deployment);
}

function readme(input: AgentInput): string {
  const { connect, outputs } = input;
  const address =
    outputs.connectAddress === undefined
      ? `The server's address is not reserved yet; until it is, \`${connect.serverName}\` stands in its place.`
      : `The server's address is ${outputs.connectAddress}; it does not change.`;
  return `# The agent

It runs in your network, dials out over one TCP connection, and lets the product reach exactly what \`agent.yaml\` allows. Nothing
dials in. ${address}

You received \`credentials.json\` (the agent's identity: keep it secret, mode 0600) and \`ca.pem\` (whom the agent believes).

1. Let the host reach what \`egress.txt\` lists, and nothing else.
2. Read \`allow\` in \`agent.yaml\`. It is yours: the agent checks it at each connection, whatever the other side asks for.
3. Before you start: \`postern tunnel doctor --config agent.yaml\` checks DNS, egress, proxy, TLS, clock, credentials and each destination.
4. Start it one of these ways:
   - systemd: \`agent.yaml\`, \`ca.pem\` and \`credentials.json\` to \`/etc/postern\` (owner \`postern\`), \`postern-agent.service\` to
     \`/etc/systemd/system\`, then \`systemctl enable --now postern-agent\`
   - a container: \`sh container.sh\`
   - Kubernetes: \`kubectl create secret generic postern-agent --from-file=credentials.json --from-file=ca.pem\`, then
     \`kubectl apply -k kubernetes\`
5. Two agents with the same credentials make it highly available.

To stop it all at once: \`postern tunnel agent pause --config agent.yaml\`. It ends every connection within a second and holds
across restarts, until \`resume\`.

## Hardening
- Run it on a host of its own, in a network segment that reaches only what \`egress.txt\` lists.
- TLS inspection, if you must, belongs between the agent and your hosts. The connection to the server is mutual TLS 1.3 and does not
  survive interception.
- The agent logs every connection as a line of JSON; send them to your own log as well.
- To rotate the identity, ask for new credentials, replace the file, restart. Certificates are renewed by themselves within a day.
`;
}
