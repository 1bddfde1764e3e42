/** An instance with every default filled in: what stacks, manifests, dashboard and playbook are generated from. */
import { type Destination, destinationText } from '@postern/core';
import type { InstanceDocument } from './schema.ts';

type Infrastructure = InstanceDocument['spec']['infrastructure'];
type Connect = NonNullable<Infrastructure['connect']>;
type Aws = NonNullable<NonNullable<Infrastructure['privateCodeHost']>['aws']>;

export const defaults = {
  /** The range of auto-mode networks: every subnet Google makes by itself lies in it. */
  nodeCIDRs: ['10.128.0.0/9'],
  vpcCIDR: '10.200.0.0/20',
} as const;

export type PrivateLink = Aws['privateLinks'][number];
export type DnsRoute = Infrastructure['privateDNS']['routes'][number];
export type NodePool = NonNullable<Infrastructure['gcp']['gke']>[string];

export interface AwsSide {
  readonly accountID: string;
  readonly region: string;
  readonly highAvailable: boolean;
  readonly vpcCIDR: string;
  readonly privateLinks: readonly PrivateLink[];
}

export interface ConnectRule {
  readonly name: string;
  readonly clients: readonly string[];
  readonly agents: readonly string[];
  readonly destinations: readonly string[];
}

export interface ConnectSide {
  readonly serverName: string;
  readonly sourceRanges: readonly string[];
  readonly agents: readonly string[];
  readonly noProxy: readonly string[];
  readonly rules: readonly ConnectRule[];
}

export type Backend =
  | { readonly kind: 'local' }
  | { readonly kind: 'gcs'; readonly bucket: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly region: string };

/** A feature that is off is undefined here, whatever its section says. */
export interface Instance {
  readonly name: string;
  readonly gcp: {
    readonly projectID: string;
    readonly region: string;
    readonly network: string;
    readonly cluster: string;
    readonly namespace: string;
    readonly clusterDNS: string | undefined;
    readonly nodeCIDRs: readonly string[];
    readonly podCIDRs: readonly string[];
    readonly pools: Readonly<Record<string, NodePool>>;
  };
  readonly nat: { readonly staticIPs: number } | undefined;
  readonly aws: AwsSide | undefined;
  readonly vpn: { readonly gcpASN: number; readonly awsASN: number; readonly advertise: readonly string[] };
  readonly routes: readonly DnsRoute[];
  readonly connect: ConnectSide | undefined;
  readonly images: {
    readonly source: string | undefined;
    readonly repository: string | undefined;
    readonly tag: string | undefined;
  };
  readonly backend: Backend;
}

export function instanceOf(document: InstanceDocument): Instance {
  const { metadata, spec } = document;
  const { gcp, nat, privateCodeHost, vpn, privateDNS, connect } = spec.infrastructure;
  return {
    name: metadata.name,
    gcp: {
      projectID: gcp.projectID,
      region: gcp.region,
      network: gcp.network,
      cluster: gcp.cluster ?? metadata.name,
      namespace: gcp.namespace,
      clusterDNS: gcp.clusterDNS,
      nodeCIDRs: gcp.nodeCIDRs ?? defaults.nodeCIDRs,
      podCIDRs: gcp.podCIDRs,
      pools: gcp.gke ?? {},
    },
    nat: nat?.enabled === true ? { staticIPs: nat.staticIPs } : undefined,
    aws:
      privateCodeHost?.enabled === true && privateCodeHost.aws !== undefined ? awsSide(privateCodeHost.aws) : undefined,
    vpn,
    routes: privateDNS.routes,
    connect: connect?.enabled === true ? connectSide(metadata.name, connect) : undefined,
    images: { source: spec.images.source, repository: spec.images.repository, tag: spec.images.tag },
    backend: backendOf(spec.terraform.backend),
  };
}

function awsSide(aws: Aws): AwsSide {
  return { ...aws, vpcCIDR: aws.vpcCIDR ?? defaults.vpcCIDR };
}

function connectSide(name: string, connect: Connect): ConnectSide {
  return {
    serverName: connect.serverName ?? `tunnel.${name}.internal`,
    sourceRanges: connect.sourceRanges,
    agents: connect.agents,
    noProxy: connect.noProxy,
    rules: connect.rules.map((rule) => ({
      ...rule,
      destinations: rule.destinations.map((destination: Destination) => destinationText(destination)),
    })),
  };
}

function backendOf({ gcs, s3 }: InstanceDocument['spec']['terraform']['backend']): Backend {
  if (gcs !== undefined) return { kind: 'gcs', bucket: gcs.bucket };
  if (s3 !== undefined) return { kind: 's3', ...s3 };
  return { kind: 'local' };
}
