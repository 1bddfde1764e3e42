/** kubernetes/connect-client: the tunnel's client beside the product, and the product's proxy settings. */
import { tunnelPort } from '../stacks/connect.ts';
import {
  adminProbe,
  componentKustomization,
  imageName,
  images,
  podPatches,
  securityContext,
  selected,
  workloadLabels,
} from './component.ts';
import type { Component, KustomizeInput } from './input.ts';
import { yamlFile } from './yaml.ts';

const name = 'postern-tunnel-client';
const proxySettings = 'postern-tunnel-proxy';
const adminPort = 9092;
const httpProxy = '127.0.0.1:3128';

export function connectClient(input: KustomizeInput): Component {
  const { instance, image } = input;
  const { serverName } = instance.connect!;
  const config = {
    apiVersion: 'postern.dev/v1',
    kind: 'TunnelClient',
    server: `postern-tunnel-server.${instance.gcp.namespace}.svc.cluster.local:${tunnelPort}`,
    serverName,
    serverCA: '/var/run/postern/ca.pem',
    credentials: '/var/run/postern/credentials.json',
    admin: `127.0.0.1:${adminPort}`,
    proxy: { http: httpProxy, socks5: '127.0.0.1:1080' },
  };
  const { files: patchFiles, patches } = podPatches(workloadLabels.connectClient, podSpec());
  const environment = proxyEnvironment(input);
  const kustomization = componentKustomization({
    configMapGenerator: [
      { name, files: ['client.yaml'] },
      { name: proxySettings, literals: Object.entries(environment).map(([key, value]) => `${key}=${value}`) },
    ],
    patches,
    // The product's own container is its pod's first. The others find the same settings in the ConfigMap.
    replacements: Object.keys(environment).map((key) => ({
      source: { kind: 'ConfigMap', name: proxySettings, fieldPath: `data.${key}` },
      targets: selected(workloadLabels.connectClient).map((select) => ({
        select,
        fieldPaths: [`spec.template.spec.containers.0.env.[name=${key}].value`],
        options: { create: true },
      })),
    })),
    images: images(image),
  });
  const files = new Map<string, string>([
    ['connect-client/kustomization.yaml', yamlFile(kustomization)],
    ['connect-client/client.yaml', yamlFile(config)],
  ]);
  for (const [path, patch] of patchFiles) files.set(`connect-client/${path}`, yamlFile(patch));
  return { files, problems: [] };
}

/** Both spellings: curl reads http_proxy in lower case only (CVE-2016-5385 is why), Go and Java the upper. */
export function proxyEnvironment(input: KustomizeInput): Readonly<Record<string, string>> {
  const upper = {
    HTTP_PROXY: `http://${httpProxy}`,
    HTTPS_PROXY: `http://${httpProxy}`,
    NO_PROXY: noProxy(input).join(','),
  };
  const lower = Object.entries(upper).map(([key, value]) => [key.toLowerCase(), value]);
  return { ...upper, ...(Object.fromEntries(lower) as Record<string, string>) };
}

/** Everything inside, or health checks and the product's own calls would go through the tunnel and be refused there. */
function noProxy({ instance, outputs, services }: KustomizeInput): string[] {
  const { gcp, aws, connect, routes } = instance;
  return [
    ...new Set([
      'localhost',
      '127.0.0.1',
      '::1',
      '.svc',
      '.svc.cluster.local',
      '.cluster.local',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'cloud-sql-proxy',
      'metadata',
      'metadata.google.internal',
      '169.254.169.254',
      '.googleapis.com',
      ...services,
      ...gcp.nodeCIDRs,
      ...gcp.podCIDRs,
      ...(outputs.servicesCIDR === undefined ? [] : [outputs.servicesCIDR]),
      // What the other paths carry.
      ...(aws === undefined ? [] : [aws.vpcCIDR]),
      ...routes.flatMap(({ source, destination }) => [source, destination]),
      ...connect!.noProxy,
    ]),
  ];
}

function podSpec(): object {
  return {
    // Lets the non-root sidecar read its Secret, and nobody else.
    securityContext: { fsGroup: 65532 },
    initContainers: [
      {
        name: 'tunnel-client',
        image: imageName,
        args: ['tunnel', 'client', '--config', '/etc/postern-client/client.yaml'],
        restartPolicy: 'Always',
        startupProbe: adminProbe(adminPort, '/healthz', { periodSeconds: 1, failureThreshold: 60 }),
        livenessProbe: adminProbe(adminPort, '/healthz', { periodSeconds: 30, failureThreshold: 3 }),
        resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
        securityContext: securityContext(),
        volumeMounts: [
          { name, mountPath: '/etc/postern-client', readOnly: true },
          { name: `${name}-identity`, mountPath: '/var/run/postern', readOnly: true },
        ],
      },
    ],
    volumes: [
      { name, configMap: { name } },
      // credentials.json and ca.pem. Made by hand, once: see the guide.
      { name: `${name}-identity`, secret: { secretName: name, defaultMode: 0o440 } },
    ],
  };
}
