/** kubernetes/connect-server: the tunnel's server, at the address and with the identity that the stack `connect` made. */
import type { Instance } from '../config/model.ts';
import { connectNames, tunnelPort } from '../stacks/connect.ts';
import { adminProbe, componentKustomization, imageName, images, securityContext } from './component.ts';
import type { Component, KustomizeInput } from './input.ts';
import { yamlFile } from './yaml.ts';

const name = connectNames.server;
const adminPort = 9090;

export function connectServer({ instance, image }: KustomizeInput): Component {
  const { serverName, sourceRanges, rules } = instance.connect!;
  const server = {
    apiVersion: 'postern.dev/v1',
    kind: 'TunnelServer',
    listen: `0.0.0.0:${tunnelPort}`,
    admin: `127.0.0.1:${adminPort}`,
    serverName,
    dataDir: '/var/lib/postern',
    policyFile: './policy.yaml',
    // The clients' pods come from inside; the firewall and the load balancer hold the customer's ranges.
    sourceRanges:
      sourceRanges.length === 0 ? [] : [...sourceRanges, ...instance.gcp.nodeCIDRs, ...instance.gcp.podCIDRs],
    certificates: { lifetime: '24h' },
    audit: { retention: '720h' },
  };
  const policy = { apiVersion: 'postern.dev/v1', kind: 'TunnelPolicy', rules };
  const kustomization = componentKustomization({
    resources: ['resources.yaml'],
    configMapGenerator: [{ name, files: ['server.yaml', 'policy.yaml'] }],
    images: images(image),
  });
  const files = new Map<string, string>([
    ['connect-server/kustomization.yaml', yamlFile(kustomization)],
    ['connect-server/server.yaml', yamlFile(server)],
    ['connect-server/policy.yaml', yamlFile(policy)],
    ['connect-server/resources.yaml', yamlFile(serviceAccount(instance), service(instance), statefulSet(instance))],
  ]);
  const problems =
    rules.length > 0
      ? []
      : [
          {
            severity: 'warning' as const,
            path: ['spec', 'infrastructure', 'connect'],
            message: 'has no rules: the tunnel comes up and lets nobody through',
          },
        ];
  return { files, problems };
}

function metadata({ gcp }: Instance, annotations?: Readonly<Record<string, string>>): object {
  return {
    name,
    namespace: gcp.namespace,
    labels: { 'app.kubernetes.io/name': name },
    ...(annotations !== undefined && { annotations }),
  };
}

function serviceAccount(instance: Instance): object {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata(instance, {
      'iam.gke.io/gcp-service-account': `${name}@${instance.gcp.projectID}.iam.gserviceaccount.com`,
    }),
    automountServiceAccountToken: false,
  };
}

function service(instance: Instance): object {
  const { sourceRanges } = instance.connect!;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(instance, {
      // By name: the same manifest before and after the address is reserved.
      'networking.gke.io/load-balancer-ip-addresses': connectNames.address,
      'cloud.google.com/l4-rbs': 'enabled',
    }),
    spec: {
      type: 'LoadBalancer',
      // Keeps the agents' own addresses, which the server checks and the audit log names.
      externalTrafficPolicy: 'Local',
      ...(sourceRanges.length > 0 && { loadBalancerSourceRanges: sourceRanges }),
      selector: { 'app.kubernetes.io/name': name },
      ports: [{ name: 'grpc', port: tunnelPort, targetPort: tunnelPort, protocol: 'TCP' }],
    },
  };
}

/** One replica: the embedded authority and the audit log live in one SQLite file, on one disk. */
function statefulSet(instance: Instance): object {
  const labels = { 'app.kubernetes.io/name': name };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata(instance),
    spec: {
      replicas: 1,
      serviceName: name,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 30,
          securityContext: { fsGroup: 65532, fsGroupChangePolicy: 'OnRootMismatch' },
          containers: [
            {
              name,
              image: imageName,
              args: ['tunnel', 'server', '--config', '/etc/postern/server.yaml'],
              ports: [{ name: 'grpc', containerPort: tunnelPort }],
              readinessProbe: adminProbe(adminPort, '/readyz', { periodSeconds: 5 }),
              livenessProbe: adminProbe(adminPort, '/healthz', { periodSeconds: 30, failureThreshold: 3 }),
              resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } },
              securityContext: securityContext(),
              volumeMounts: [
                { name: 'config', mountPath: '/etc/postern', readOnly: true },
                { name: 'data', mountPath: '/var/lib/postern' },
              ],
            },
          ],
          volumes: [{ name: 'config', configMap: { name } }],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOncePod'], resources: { requests: { storage: '10Gi' } } },
        },
      ],
    },
  };
}
