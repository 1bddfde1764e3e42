/** What the plumbing sees of two VPCs that must reach one another, and what lies between them. */

/** One end: a VPC, and whose credentials reach it. */
export interface VpcRef {
  readonly id: string;
  readonly region: string;
  /** The end with the endpoints, or one that must reach them. */
  readonly side: 'endpoint' | 'associated';
  /** The Secret of the account that owns it; undefined: the hub's own. */
  readonly secretName: string | undefined;
}

export interface VpcView extends VpcRef {
  readonly account: string;
  /** All of its IPv4 blocks, the primary one first. */
  readonly cidrs: readonly string[];
  readonly tables: readonly RouteTableView[];
}

export interface RouteTableView {
  readonly id: string;
  readonly main: boolean;
  /** Subnets that name it; all others use the main one. */
  readonly subnetIds: readonly string[];
  readonly routes: readonly RouteView[];
}

export interface RouteView {
  readonly destination: string;
  /** `local`, or the id of a peering, transit gateway, interface ... */
  readonly target: string;
  /** Its target is gone: what it matches is dropped. */
  readonly blackhole: boolean;
}

export interface SubnetView {
  readonly id: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly freeAddresses: number;
}

export type RulePeer =
  | { readonly kind: 'cidr'; readonly cidr: string }
  | { readonly kind: 'group'; readonly groupId: string; readonly account: string };

/** One rule that lets something in. */
export interface RuleView {
  /** `tcp`, or `-1` for everything. */
  readonly protocol: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly peer: RulePeer;
  readonly description: string;
}

export interface GroupView {
  readonly id: string;
  readonly name: string;
  readonly vpcId: string;
  readonly rules: readonly RuleView[];
}

export interface PeeringView {
  readonly id: string;
  readonly state: string;
  readonly requesterVpc: string;
  readonly accepterVpc: string;
  readonly accepterRegion: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The VPC that holds endpoints, as its owner sees it. */
export interface EndpointView {
  readonly vpc: VpcView;
  /** Groups that its endpoints wear: those of the inventory, or the VPC's default one. */
  readonly groups: readonly GroupView[];
}

/** A VPC that must reach the endpoints. */
export interface AssociatedView {
  readonly vpc: VpcView;
  /** The group of the cluster's workers there, where an installer made one. */
  readonly workers: GroupView | undefined;
  /** Between this VPC and the endpoints' one, in either direction, also such as have ended. */
  readonly peerings: readonly PeeringView[];
}

/** Peerings that are there, or will be without anybody's doing but an acceptance. */
const openStates: ReadonlySet<string> = new Set(['initiating-request', 'pending-acceptance', 'provisioning', 'active']);

export function openPeering(peerings: readonly PeeringView[]): PeeringView | undefined {
  const open = peerings.filter(({ state }) => openStates.has(state));
  return open.find(({ state }) => state === 'active') ?? open[0];
}

/** AWS's own tag in the documented walk-through marks a peering as made for private links. */
export const plumbingTag = { key: 'hive-private-link', value: 'owned' } as const;

export function isOurs({ tags }: PeeringView): boolean {
  return tags[plumbingTag.key] === plumbingTag.value;
}
