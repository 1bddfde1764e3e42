/** kubernetes/dns-proxy: the sidecar that answers the pod's DNS questions, and the pod's DNS settings that point at it. */
import type { Problem } from '../config/check.ts';
import type { DnsRoute } from '../config/model.ts';
import { serviceDnsName } from '../config/spellings.ts';
import { serviceID } from '../stacks/endpoints.ts';
import {
  adminProbe,
  componentKustomization,
  imageName,
  images,
  podPatches,
  securityContext,
  workloadLabels,
} from './component.ts';
import type { Component, KustomizeInput } from './input.ts';
import { yamlFile } from './yaml.ts';

const adminPort = 9153;
const name = 'postern-dns-proxy';
/** Where the proxy leaves what its lean second image starts from; without it, it runs in the first and takes 40 MB more. */
const scratch = 'postern-dns-proxy-tmp';

/** The tenth address of the range that GKE itself manages for Services: right for new clusters, and only assumed. */
const assumedClusterDNS = '34.118.224.10';

/** Kubernetes' own: a name with fewer dots is tried with the search list first. */
const ndots = '5';

export function dnsProxy({ instance, outputs, image }: KustomizeInput): Component {
  const problems: Problem[] = [];
  const upstream = instance.gcp.clusterDNS ?? outputs.clusterDNS;
  if (upstream === undefined)
    problems.push({
      severity: 'warning',
      path: ['spec', 'infrastructure', 'gcp'],
      message: `clusterDNS is not given and the stack gke not yet applied; the dns-proxy asks ${assumedClusterDNS}`,
    });
  const routes = instance.routes.map((route, i) => resolved(route, i, problems));
  const config = {
    apiVersion: 'postern.dev/v1',
    kind: 'DNSProxy',
    listen: '127.0.0.1:53',
    admin: `127.0.0.1:${adminPort}`,
    upstreams: [hostPort(upstream ?? assumedClusterDNS)],
    routes,
  };
  const { files: patchFiles, patches } = podPatches(workloadLabels.dnsProxy, podSpec(instance.gcp.namespace));
  const files = new Map<string, string>([
    [
      'dns-proxy/kustomization.yaml',
      yamlFile(
        componentKustomization({
          // The name's hash changes with the routes, so that the pods roll.
          configMapGenerator: [{ name, files: ['dns-proxy.yaml'] }],
          patches,
          images: images(image),
        }),
      ),
    ],
    ['dns-proxy/dns-proxy.yaml', yamlFile(config)],
  ]);
  for (const [path, patch] of patchFiles) files.set(`dns-proxy/${path}`, yamlFile(patch));
  return { files, problems };

  /** An endpoint that is named by its service has its own name once the stack gave it. */
  function resolved(route: DnsRoute, index: number, found: Problem[]): DnsRoute {
    const link = instance.aws?.privateLinks.find(
      ({ endpoint }) => route.destination === endpoint || route.destination === serviceDnsName(endpoint),
    );
    if (link === undefined) return route;
    const destination = outputs.endpointNames[serviceID(link)];
    if (destination !== undefined) return { ...route, destination };
    found.push({
      severity: 'warning',
      path: ['spec', 'infrastructure', 'privateDNS', 'routes', index, 'destination'],
      message: `stands for the endpoint of ${serviceID(link)}, whose name is known once the stack awsvpn is applied; generate again then`,
    });
    return route;
  }
}

function hostPort(ip: string): string {
  return ip.includes(':') ? `[${ip}]:53` : `${ip}:53`;
}

function podSpec(namespace: string): object {
  return {
    // Only the sidecar is listed: a resolver that asks all servers at once would leak private names, and take the faster answer.
    dnsPolicy: 'None',
    // A capability that is added reaches only root, unless the program's file carries it too. Kubernetes counts this sysctl as safe.
    securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '53' }] },
    dnsConfig: {
      nameservers: ['127.0.0.1'],
      searches: [`${namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'],
      options: [{ name: 'ndots', value: ndots }],
    },
    initContainers: [
      {
        name: 'dns-proxy',
        image: imageName,
        args: ['dns-proxy', '--config', '/etc/postern/dns-proxy.yaml'],
        // A native sidecar: ready before the product starts, and still there when it ends.
        restartPolicy: 'Always',
        startupProbe: adminProbe(adminPort, '/readyz', { periodSeconds: 1, failureThreshold: 60 }),
        livenessProbe: adminProbe(adminPort, '/healthz', { periodSeconds: 30, failureThreshold: 3 }),
        resources: { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '256Mi' } },
        securityContext: securityContext(['NET_BIND_SERVICE']),
        volumeMounts: [
          { name, mountPath: '/etc/postern', readOnly: true },
          { name: scratch, mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name, configMap: { name } },
      { name: scratch, emptyDir: { sizeLimit: '32Mi' } },
    ],
  };
}
