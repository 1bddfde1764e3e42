import type { AwsPrivateLink } from '../kinds/hive-config.ts';

/** What a link should be, from a ClusterDeployment or a PrivateLink and the HiveConfig; one shape for both. */
export interface DesiredLink {
  /** The infra id of a cluster, or an id made of a PrivateLink's name: the value of the tag that proves ownership. */
  readonly owner: string;
  readonly region: string;
  /** Empty while it cannot be known; `hostProblem` says why. */
  readonly hostName: string;
  readonly hostProblem: string | undefined;
  readonly loadBalancer: LoadBalancerRef;
  /** Sorted, without repeats, without the hub's own. */
  readonly additionalPrincipals: readonly string[];
  readonly inventory: readonly InventoryVpc[];
  readonly associatedVpcs: readonly AssociatedVpcRef[];
  /** Secrets by VPC id of associations that the configuration has forgotten. */
  readonly formerAssociations: Readonly<Record<string, string>>;
  readonly recordType: 'Alias' | 'ARecord';
  readonly userTags: Readonly<Record<string, string>>;
  readonly probe: { readonly vantagePoint: string; readonly ports: readonly number[] } | undefined;
}

export type LoadBalancerRef =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'arn'; readonly arn: string }
  | { readonly kind: 'tag'; readonly key: string; readonly value: string };

export interface InventoryVpc {
  readonly vpcId: string;
  readonly subnets: ReadonlyArray<{ readonly subnetId: string; readonly zone: string }>;
  readonly securityGroupIds: readonly string[] | undefined;
  readonly quota: number | undefined;
}

export interface AssociatedVpcRef {
  readonly vpcId: string;
  readonly region: string;
  /** The Secret of the account that owns the VPC; undefined: the hub's account owns it. */
  readonly secretName: string | undefined;
}

export function inventoryOf(config: AwsPrivateLink, region: string): InventoryVpc[] {
  return (config.endpointVPCInventory ?? [])
    .filter((entry) => entry.region.toLowerCase() === region.toLowerCase())
    .map((entry) => ({
      vpcId: entry.vpcID,
      subnets: (entry.subnets ?? []).map(({ subnetID, availabilityZone }) => ({
        subnetId: subnetID,
        zone: availabilityZone,
      })),
      securityGroupIds: entry.securityGroupIDs,
      quota: entry.endpointQuota,
    }));
}

/** One entry a VPC: of two that name the same one, the later carries the correction. */
export function associatedVpcsOf(config: AwsPrivateLink): AssociatedVpcRef[] {
  const byId = new Map<string, AssociatedVpcRef>();
  for (const { vpcID, region, credentialsSecretRef } of config.associatedVPCs ?? [])
    byId.set(vpcID, { vpcId: vpcID, region, secretName: credentialsSecretRef?.name });
  return [...byId.values()];
}
