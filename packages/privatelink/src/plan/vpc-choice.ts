import type { InventoryVpc } from './desired.ts';
import type { VpcUsage } from './observed.ts';

/** Which VPC of the inventory an endpoint goes to: by zones, then by free quota, then by fewest endpoints. */

export type VpcChoice =
  | { readonly kind: 'chosen'; readonly vpcId: string; readonly subnetIds: readonly string[] }
  | { readonly kind: 'no-zones'; readonly serviceZones: readonly string[] }
  | { readonly kind: 'full'; readonly usage: readonly VpcUsage[] };

export function chooseVpc(
  inventory: readonly InventoryVpc[],
  serviceZones: readonly string[],
  usage: readonly VpcUsage[],
): VpcChoice {
  const candidates = inventory
    .map((vpc) => ({ vpcId: vpc.vpcId, subnetIds: subnetsFor(vpc, serviceZones), usage: usageOf(usage, vpc) }))
    .filter(({ subnetIds }) => subnetIds.length > 0);
  if (candidates.length === 0) return { kind: 'no-zones', serviceZones };
  const free = candidates.filter(({ usage: { endpoints, quota } }) => quota === undefined || endpoints < quota);
  // A stable sort: of equals the first in the inventory, so that a pass repeated after a crash chooses the same.
  const [best] = free.toSorted((a, b) => a.usage.endpoints - b.usage.endpoints);
  if (best === undefined) return { kind: 'full', usage: candidates.map((candidate) => candidate.usage) };
  return { kind: 'chosen', vpcId: best.vpcId, subnetIds: best.subnetIds };
}

/** The VPC's subnets in the service's zones, one a zone: AWS refuses a second (DuplicateSubnetsInSameZone). */
export function subnetsFor(vpc: InventoryVpc, serviceZones: readonly string[]): string[] {
  const zones = new Map<string, string>();
  for (const { subnetId, zone } of vpc.subnets)
    if (serviceZones.includes(zone) && !zones.has(zone)) zones.set(zone, subnetId);
  return [...zones.values()].toSorted();
}

function usageOf(usage: readonly VpcUsage[], vpc: InventoryVpc): VpcUsage {
  const seen = usage.find(({ vpcId }) => vpcId === vpc.vpcId);
  const quotas = [vpc.quota, seen?.quota].filter((quota) => quota !== undefined);
  return {
    vpcId: vpc.vpcId,
    endpoints: seen?.endpoints ?? 0,
    quota: quotas.length === 0 ? undefined : Math.min(...quotas),
  };
}
