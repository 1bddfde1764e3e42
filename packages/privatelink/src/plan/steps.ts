import type { VpcUsage, ZoneVpc } from './observed.ts';

/** The planner's vocabulary: what to look at, what to do, what to wait for. Data, so that it can be printed, tested and counted. */

export type DesiredRecord =
  | { readonly kind: 'alias'; readonly dnsName: string; readonly hostedZoneId: string }
  | { readonly kind: 'addresses'; readonly ttlSeconds: number; readonly addresses: readonly string[] };

type Tags = Readonly<Record<string, string>>;

export type Step =
  | { readonly kind: 'create-service'; readonly loadBalancerArn: string; readonly tags: Tags; readonly after: string }
  | {
      readonly kind: 'modify-service';
      readonly id: string;
      readonly acceptanceOff: boolean;
      readonly addLoadBalancerArns: readonly string[];
      readonly removeLoadBalancerArns: readonly string[];
    }
  | { readonly kind: 'tag-service'; readonly id: string; readonly tags: Tags }
  | {
      readonly kind: 'modify-principals';
      readonly id: string;
      readonly add: readonly string[];
      readonly remove: readonly string[];
    }
  | { readonly kind: 'delete-services'; readonly ids: readonly string[] }
  | {
      readonly kind: 'create-endpoint';
      readonly vpcId: string;
      readonly subnetIds: readonly string[];
      /** Undefined: the VPC's default group, by AWS's own choice. */
      readonly groupIds: readonly string[] | undefined;
      readonly serviceName: string;
      readonly tags: Tags;
      /** How full the VPC was when it was chosen: a plan that is no longer true is made anew. */
      readonly planned: VpcUsage | undefined;
      /** The endpoint it replaces, for the client token. */
      readonly after: string;
    }
  | {
      readonly kind: 'modify-endpoint';
      readonly id: string;
      readonly addSubnetIds: readonly string[];
      readonly removeSubnetIds: readonly string[];
      readonly addGroupIds: readonly string[];
      readonly removeGroupIds: readonly string[];
    }
  | { readonly kind: 'tag-endpoint'; readonly id: string; readonly tags: Tags }
  | { readonly kind: 'accept-connection'; readonly serviceId: string; readonly endpointId: string }
  | { readonly kind: 'delete-endpoints'; readonly ids: readonly string[] }
  | { readonly kind: 'create-zone'; readonly name: string; readonly vpc: ZoneVpc; readonly tags: Tags }
  | { readonly kind: 'tag-zone'; readonly id: string; readonly tags: Tags }
  | { readonly kind: 'put-record'; readonly zoneId: string; readonly name: string; readonly record: DesiredRecord }
  | {
      readonly kind: 'associate';
      readonly zoneId: string;
      readonly vpc: ZoneVpc;
      /** The Secret of the account that owns the VPC; undefined: the hub's own. */
      readonly secretName: string | undefined;
    }
  | {
      readonly kind: 'disassociate';
      readonly zoneId: string;
      readonly vpc: ZoneVpc;
      readonly secretName: string | undefined;
    }
  | { readonly kind: 'withdraw-authorisation'; readonly zoneId: string; readonly vpc: ZoneVpc }
  | { readonly kind: 'delete-records'; readonly zoneId: string }
  | { readonly kind: 'delete-zone'; readonly zoneId: string }
  | { readonly kind: 'reject-connections'; readonly serviceId: string; readonly endpointIds: readonly string[] };

export type Look =
  | 'load-balancer'
  | 'services'
  | 'hub-principal'
  | 'principals'
  | 'endpoints'
  | 'service-zones'
  | 'usage'
  | 'default-group'
  | 'zone'
  | 'record'
  | 'addresses'
  | 'authorisations'
  | 'connections'
  | 'reachable';

/** What is waited for. Each has its pace in `waits.ts`. */
export type WaitFor =
  | 'load-balancer-to-exist'
  | 'load-balancer-to-be-active'
  | 'service-to-be-available'
  | 'service-to-be-visible'
  | 'endpoint-to-be-available'
  | 'endpoint-to-have-dns'
  | 'endpoint-to-be-gone'
  | 'service-to-be-gone'
  | 'host-to-be-reachable';

export type Next =
  | { readonly kind: 'look'; readonly at: Look }
  | { readonly kind: 'act'; readonly step: Step; readonly why: string }
  | { readonly kind: 'wait'; readonly for: WaitFor; readonly reason: string; readonly message: string }
  /** Nothing to do about it here: a person or a configuration must change something. */
  | { readonly kind: 'fail'; readonly reason: string; readonly message: string }
  | { readonly kind: 'done'; readonly message: string };

/** The condition reason under which the failure of a step or a look is reported; Hive's names. */
export const reasonOf: Readonly<Record<Step['kind'] | Look, string>> = {
  'load-balancer': 'DiscoveringNLBFailed',
  services: 'VPCEndpointServiceReconcileFailed',
  'hub-principal': 'VPCEndpointServiceReconcileFailed',
  principals: 'VPCEndpointServiceReconcileFailed',
  'create-service': 'VPCEndpointServiceReconcileFailed',
  'modify-service': 'VPCEndpointServiceReconcileFailed',
  'tag-service': 'VPCEndpointServiceReconcileFailed',
  'modify-principals': 'VPCEndpointServiceReconcileFailed',
  'delete-services': 'VPCEndpointServiceReconcileFailed',
  endpoints: 'VPCEndpointReconcileFailed',
  'service-zones': 'VPCEndpointReconcileFailed',
  usage: 'VPCEndpointReconcileFailed',
  'default-group': 'VPCEndpointReconcileFailed',
  'create-endpoint': 'VPCEndpointReconcileFailed',
  'modify-endpoint': 'VPCEndpointReconcileFailed',
  'tag-endpoint': 'VPCEndpointReconcileFailed',
  'accept-connection': 'VPCEndpointReconcileFailed',
  'delete-endpoints': 'VPCEndpointReconcileFailed',
  zone: 'PrivateHostedZoneReconcileFailed',
  record: 'PrivateHostedZoneReconcileFailed',
  addresses: 'PrivateHostedZoneReconcileFailed',
  'create-zone': 'PrivateHostedZoneReconcileFailed',
  'tag-zone': 'PrivateHostedZoneReconcileFailed',
  'put-record': 'PrivateHostedZoneReconcileFailed',
  'delete-records': 'PrivateHostedZoneReconcileFailed',
  'delete-zone': 'PrivateHostedZoneReconcileFailed',
  associate: 'AssociatingVPCsToHostedZoneFailed',
  disassociate: 'AssociatingVPCsToHostedZoneFailed',
  authorisations: 'AssociatingVPCsToHostedZoneFailed',
  'withdraw-authorisation': 'AssociatingVPCsToHostedZoneFailed',
  connections: 'VPCEndpointServiceReconcileFailed',
  'reject-connections': 'VPCEndpointServiceReconcileFailed',
  reachable: 'EndpointNotReachable',
};

/** Hive's progress reasons, for the steps that have one. */
export const progressOf: Partial<Record<Step['kind'], { readonly reason: string; readonly message: string }>> = {
  'create-service': { reason: 'ReconciledVPCEndpointService', message: 'reconciled the VPC endpoint service' },
  'modify-service': { reason: 'ReconciledVPCEndpointService', message: 'reconciled the VPC endpoint service' },
  'modify-principals': { reason: 'ReconciledVPCEndpointService', message: 'reconciled the VPC endpoint service' },
  'create-endpoint': { reason: 'ReconciledVPCEndpoint', message: 'reconciled the VPC endpoint' },
  'create-zone': { reason: 'ReconciledPrivateHostedZone', message: 'reconciled the private hosted zone' },
  associate: { reason: 'ReconciledAssociationsToVPCs', message: 'reconciled the associations of the hosted zone' },
  disassociate: { reason: 'ReconciledAssociationsToVPCs', message: 'reconciled the associations of the hosted zone' },
};
