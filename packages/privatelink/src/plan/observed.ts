/** What was seen, as plain data. A part is undefined until somebody has looked; null means looked and not there. */

export interface LoadBalancerView {
  readonly arn: string;
  readonly name: string;
  readonly type: string;
  readonly zones: readonly string[];
  /** provisioning, active, active_impaired, failed */
  readonly state: string;
}

export interface ServiceView {
  readonly id: string;
  readonly name: string;
  /** Pending, Available, Deleting, Deleted, Failed; in whatever letter case AWS writes it. */
  readonly state: string;
  readonly acceptanceRequired: boolean;
  readonly loadBalancerArns: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface EndpointView {
  readonly id: string;
  readonly state: string;
  readonly vpcId: string;
  readonly serviceName: string;
  readonly subnetIds: readonly string[];
  readonly groupIds: readonly string[];
  readonly networkInterfaceIds: readonly string[];
  readonly dnsEntries: ReadonlyArray<{ readonly name: string; readonly hostedZoneId: string }>;
  readonly tags: Readonly<Record<string, string>>;
}

/** How full a VPC of the inventory is. */
export interface VpcUsage {
  readonly vpcId: string;
  readonly endpoints: number;
  /** From the configuration, or learned from AWS's refusal; undefined while nobody knows. */
  readonly quota: number | undefined;
}

export interface ZoneVpc {
  readonly vpcId: string;
  readonly region: string;
}

export interface ZoneView {
  readonly id: string;
  readonly name: string;
  readonly private: boolean;
  readonly callerReference: string;
  readonly vpcs: readonly ZoneVpc[];
  /** Undefined while nobody looked, or nobody may. */
  readonly tags: Readonly<Record<string, string>> | undefined;
}

export type RecordView =
  | { readonly kind: 'alias'; readonly dnsName: string; readonly hostedZoneId: string }
  | { readonly kind: 'addresses'; readonly ttlSeconds: number; readonly addresses: readonly string[] }
  | { readonly kind: 'other' };

/** A third party's, or our own, connection to an endpoint service. */
export interface ConnectionView {
  readonly endpointId: string;
  readonly owner: string;
  readonly state: string;
}

export interface Observed {
  /** Whom the service must allow: the principal of the hub's credentials. */
  readonly hubPrincipal?: string;
  readonly loadBalancer?: LoadBalancerView | null;
  readonly services?: readonly ServiceView[];
  readonly principals?: readonly string[];
  readonly endpoints?: readonly EndpointView[];
  /** Zones of the service as the hub's account names them; null while the service cannot be seen from there. */
  readonly serviceZones?: readonly string[] | null;
  readonly usage?: readonly VpcUsage[];
  /** The default security group by VPC; null where we may not look. */
  readonly defaultGroups?: Readonly<Record<string, string | null>>;
  readonly addresses?: readonly string[];
  readonly zone?: ZoneView | null;
  readonly record?: RecordView | null;
  readonly connections?: readonly ConnectionView[];
  /** Endpoints whose connection was accepted in this pass. */
  readonly accepted?: readonly string[];
  readonly reachable?: { readonly ok: boolean; readonly detail: string };
  /** Associations that could not be changed in this pass, each with its reason; the others were still tried. */
  readonly failedAssociations?: Readonly<Record<string, string>>;
  /** VPCs that were authorised to be associated and never had that withdrawn. */
  readonly authorisations?: readonly ZoneVpc[];
  /** Optional permissions that turned out to be missing, as `route53:ChangeTagsForResource`. */
  readonly missingPermissions?: readonly string[];
}

/** Ours, for what the status names and AWS does not list (yet). */
export const unseenState = 'unseen';

/** AWS's casing differs between its API and its models; a compare that cares would never match (Hive's ce853e94f). */
export function stateIs(state: string, ...wanted: readonly string[]): boolean {
  return wanted.some((name) => name.toLowerCase() === state.toLowerCase());
}
