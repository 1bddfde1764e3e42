import { defineKind, type ObjectKey } from '@postern/resources';
import { z } from 'zod';
import { nameRef, region, securityGroupId, subnetId, userTags, vpcId, zoneName } from './fields.ts';

/** Hive's singleton `HiveConfig/hive`; only what the PrivateLink controller reads is checked, the rest is Hive's. */

const inventoryEntry = z.strictObject({
  region: region(),
  vpcID: vpcId(),
  subnets: z.array(z.strictObject({ subnetID: subnetId(), availabilityZone: zoneName() })).nullish(),
  // Ours. Without them: the VPC's default group, and no bound but AWS's own.
  securityGroupIDs: z.array(securityGroupId()).min(1).max(16).optional(),
  endpointQuota: z.int().min(1).max(100_000).optional(),
});

const associatedVpc = z.strictObject({
  region: region(),
  vpcID: vpcId(),
  credentialsSecretRef: nameRef().nullish(),
});

const probe = z.strictObject({
  vantagePoint: z.string().min(1).max(253),
  ports: z.array(z.int().min(1).max(65535)).min(1).max(16).optional(),
});

export const awsPrivateLinkSchema = z.strictObject({
  endpointVPCInventory: z.array(inventoryEntry).nullish(),
  credentialsSecretRef: nameRef(),
  associatedVPCs: z.array(associatedVpc).nullish(),
  dnsRecordType: z.enum(['Alias', 'ARecord']).nullish(),
  // Ours: Ready also means reachable from there; tags for everything we make.
  probe: probe.optional(),
  userTags: userTags().optional(),
});

const hiveConfigSpec = z.looseObject({
  targetNamespace: z.string().max(63).optional(),
  disabledControllers: z.array(z.string()).nullish(),
  serviceProviderCredentialsConfig: z
    .looseObject({ aws: z.looseObject({ credentialsSecretRef: nameRef().nullish() }).nullish() })
    .nullish(),
  awsPrivateLink: awsPrivateLinkSchema.nullish(),
});

export type HiveConfigSpec = z.infer<typeof hiveConfigSpec>;
export type AwsPrivateLink = z.infer<typeof awsPrivateLinkSchema>;
export type InventoryEntry = z.infer<typeof inventoryEntry>;
export type AssociatedVpc = z.infer<typeof associatedVpc>;

export const hiveConfigName = 'hive';
/** Where Hive keeps its own Secrets unless HiveConfig says otherwise. */
const targetNamespaceDefault = 'hive';

export function targetNamespace(spec: HiveConfigSpec | undefined): string {
  return spec?.targetNamespace === undefined || spec.targetNamespace === ''
    ? targetNamespaceDefault
    : spec.targetNamespace;
}

export const hiveConfigKind = defineKind<HiveConfigSpec, { readonly conditions?: unknown }>({
  apiVersion: 'hive.openshift.io/v1',
  kind: 'HiveConfig',
  description: "Hive's singleton: the VPCs for endpoints, the credentials, the VPCs that resolve the zones.",
  plural: 'hiveconfigs',
  scope: 'Cluster',
  spec: hiveConfigSpec,
  uses({ spec }) {
    const namespace = targetNamespace(spec);
    const names = [
      spec.awsPrivateLink?.credentialsSecretRef.name,
      spec.serviceProviderCredentialsConfig?.aws?.credentialsSecretRef?.name,
      ...(spec.awsPrivateLink?.associatedVPCs ?? []).map((vpc) => vpc.credentialsSecretRef?.name),
    ];
    return names.flatMap((name): ObjectKey[] => (name === undefined ? [] : [{ kind: 'Secret', namespace, name }]));
  },
  cluster: {
    rules: [
      {
        at: [],
        rule: `self.metadata.name == '${hiveConfigName}'`,
        message: `there is one HiveConfig, and its name is ${hiveConfigName}`,
      },
    ],
  },
});
