import type { DesiredLink, InventoryVpc } from './desired.ts';
import { ownerTag, tagsFor } from './names.ts';
import { type KnownIds, missingTags } from './next-service.ts';
import { type EndpointView, type Observed, type ServiceView, stateIs, unseenState } from './observed.ts';
import type { Next } from './steps.ts';
import { chooseVpc, subnetsFor } from './vpc-choice.ts';

/** Our half: the endpoint in one of our VPCs. */

const goodStates = ['available', 'pending', 'pendingAcceptance'] as const;

/** The next move for the endpoint; undefined when it is as it should be. */
export function nextForEndpoint(
  desired: DesiredLink,
  observed: Observed,
  service: ServiceView,
  known: KnownIds,
): Next | undefined {
  const { endpoints } = observed;
  if (endpoints === undefined) return { kind: 'look', at: 'endpoints' };
  const bad = badEndpoints(endpoints, service);
  if (bad.length > 0)
    return {
      kind: 'act',
      step: { kind: 'delete-endpoints', ids: bad.map(({ id }) => id) },
      why: bad
        .map(({ id, state, serviceName }) => `${id} is ${serviceName === service.name ? state : 'of another service'}`)
        .join(', '),
    };
  const endpoint = chosenEndpoint(endpoints, service, known.endpointId);
  if (endpoint === undefined) return createEndpoint(desired, observed, service, known);
  if (stateIs(endpoint.state, 'pendingAcceptance') && observed.accepted?.includes(endpoint.id) !== true)
    return {
      kind: 'act',
      step: { kind: 'accept-connection', serviceId: service.id, endpointId: endpoint.id },
      why: 'it was made while the service still required acceptance',
    };
  if (!stateIs(endpoint.state, 'available'))
    return {
      kind: 'wait',
      for: 'endpoint-to-be-available',
      reason: 'ReconciledVPCEndpoint',
      message: `waiting for the VPC endpoint ${endpoint.id} to ${stateIs(endpoint.state, unseenState) ? 'be listed' : 'become available'}`,
    };
  return driftOfEndpoint(desired, observed, endpoint);
}

/** The one to work with: the one in the status while it is good, else an available one, else one on its way. */
export function chosenEndpoint(
  endpoints: readonly EndpointView[],
  service: ServiceView,
  statusId: string | undefined,
): EndpointView | undefined {
  const good = goodEndpoints(endpoints, service);
  const rank = ({ id, state }: EndpointView): number => (id === statusId ? 0 : stateIs(state, 'available') ? 1 : 2);
  return good.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))[0];
}

export function goodEndpoints(endpoints: readonly EndpointView[], service: ServiceView): EndpointView[] {
  return endpoints.filter(
    ({ state, serviceName }) =>
      stateIs(state, unseenState) || (stateIs(state, ...goodStates) && serviceName === service.name),
  );
}

/** Rejected, failed and expired ones never recover, and hold a place in the quota; so does one of another service. */
function badEndpoints(endpoints: readonly EndpointView[], service: ServiceView): EndpointView[] {
  return endpoints.filter(
    ({ state, serviceName }) =>
      !stateIs(state, 'deleting', 'deleted', unseenState) &&
      (!stateIs(state, ...goodStates) || serviceName !== service.name),
  );
}

function createEndpoint(desired: DesiredLink, observed: Observed, service: ServiceView, known: KnownIds): Next {
  if (desired.inventory.length === 0)
    return {
      kind: 'fail',
      reason: 'UnsupportedRegion',
      message: `no VPC of the endpointVPCInventory in HiveConfig is in region ${desired.region}; add one there`,
    };
  if (observed.serviceZones === undefined) return { kind: 'look', at: 'service-zones' };
  if (observed.serviceZones === null)
    return {
      kind: 'wait',
      for: 'service-to-be-visible',
      reason: 'ReconciledVPCEndpointService',
      message: `waiting for the VPC endpoint service ${service.name} to be visible to the hub account`,
    };
  if (observed.usage === undefined) return { kind: 'look', at: 'usage' };
  const choice = chooseVpc(desired.inventory, observed.serviceZones, observed.usage);
  if (choice.kind === 'no-zones')
    return {
      kind: 'fail',
      reason: 'NoSupportedAZsInInventory',
      message: `no VPC of the endpointVPCInventory in ${desired.region} has a subnet in the service's zones ${choice.serviceZones.toSorted().join(', ')}; add such a subnet`,
    };
  if (choice.kind === 'full') {
    const full = choice.usage.map(({ vpcId, endpoints, quota }) => `${vpcId} (${endpoints} of ${quota})`);
    return {
      kind: 'fail',
      reason: 'VPCEndpointQuotaExceeded',
      message: `every suitable VPC of the endpointVPCInventory in ${desired.region} is full: ${full.join(', ')}; add a VPC, or have the quota "Interface VPC endpoints per VPC" raised`,
    };
  }
  return {
    kind: 'act',
    step: {
      kind: 'create-endpoint',
      vpcId: choice.vpcId,
      subnetIds: choice.subnetIds,
      groupIds: inventoryVpc(desired, choice.vpcId)?.securityGroupIds,
      serviceName: service.name,
      tags: tagsFor(desired.owner, 'vpc-endpoint', desired.userTags),
      planned: observed.usage.find(({ vpcId }) => vpcId === choice.vpcId),
      after: known.endpointId ?? '',
    },
    why: `no endpoint for ${desired.owner} exists; ${choice.vpcId} has the fewest`,
  };
}

function driftOfEndpoint(desired: DesiredLink, observed: Observed, endpoint: EndpointView): Next | undefined {
  const tags = missingTags(tagsFor(desired.owner, 'vpc-endpoint', desired.userTags), endpoint.tags);
  if (tags !== undefined)
    return { kind: 'act', step: { kind: 'tag-endpoint', id: endpoint.id, tags }, why: 'its tags differ' };
  // A VPC that left the inventory keeps its endpoints as they are: nobody says any more what they should be.
  const vpc = inventoryVpc(desired, endpoint.vpcId);
  if (vpc === undefined) return undefined;
  const subnets = driftOfSubnets(vpc, observed.serviceZones, endpoint);
  if (subnets === 'look') return { kind: 'look', at: 'service-zones' };
  const groups = driftOfGroups(vpc, observed.defaultGroups?.[vpc.vpcId], endpoint);
  if (groups === 'look') return { kind: 'look', at: 'default-group' };
  if (subnets.add.length + subnets.remove.length + groups.add.length + groups.remove.length === 0) return undefined;
  return {
    kind: 'act',
    step: {
      kind: 'modify-endpoint',
      id: endpoint.id,
      addSubnetIds: subnets.add,
      removeSubnetIds: subnets.remove,
      addGroupIds: groups.add,
      removeGroupIds: groups.remove,
    },
    why: subnets.add.length + subnets.remove.length > 0 ? 'its subnets differ' : 'its security groups differ',
  };
}

interface Drift {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}
const noDrift: Drift = { add: [], remove: [] };

function driftOfSubnets(
  vpc: InventoryVpc,
  serviceZones: readonly string[] | null | undefined,
  endpoint: EndpointView,
): Drift | 'look' {
  const inUse = preferring(vpc, endpoint.subnetIds);
  const allZones = inUse.subnets.map(({ zone }) => zone);
  // Only a difference from the whole inventory is worth the call that tells which zones the service has.
  if (isEmpty(difference(subnetsFor(inUse, allZones), endpoint.subnetIds))) return noDrift;
  if (serviceZones === undefined) return 'look';
  if (serviceZones === null) return noDrift;
  const wanted = subnetsFor(inUse, serviceZones);
  return wanted.length === 0 ? noDrift : difference(wanted, endpoint.subnetIds);
}

/** Of two subnets in one zone the one in use comes first: moving there would be change without gain. */
function preferring(vpc: InventoryVpc, subnetIds: readonly string[]): InventoryVpc {
  const used = vpc.subnets.filter(({ subnetId }) => subnetIds.includes(subnetId));
  return { ...vpc, subnets: [...used, ...vpc.subnets.filter((subnet) => !used.includes(subnet))] };
}

function driftOfGroups(
  vpc: InventoryVpc,
  defaultGroup: string | null | undefined,
  endpoint: EndpointView,
): Drift | 'look' {
  if (vpc.securityGroupIds !== undefined) return difference(vpc.securityGroupIds, endpoint.groupIds);
  if (defaultGroup === undefined) return 'look';
  return defaultGroup === null ? noDrift : difference([defaultGroup], endpoint.groupIds);
}

function difference(wanted: readonly string[], actual: readonly string[]): Drift {
  return {
    add: wanted.filter((id) => !actual.includes(id)).toSorted(),
    remove: actual.filter((id) => !wanted.includes(id)).toSorted(),
  };
}

function isEmpty({ add, remove }: Drift): boolean {
  return add.length + remove.length === 0;
}

function inventoryVpc(desired: DesiredLink, vpcId: string): InventoryVpc | undefined {
  return desired.inventory.find((vpc) => vpc.vpcId === vpcId);
}

/** Whether the tags say that it is ours. */
export function ownedBy(owner: string, tags: Readonly<Record<string, string>>): boolean {
  return tags[ownerTag] === owner;
}
