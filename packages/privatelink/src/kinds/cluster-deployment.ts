import { defineKind, type ObjectKey } from '@postern/resources';
import { z } from 'zod';
import { admitCluster } from './admission.ts';
import { nameRef, principal, region, roleArn, userTags } from './fields.ts';
import { hiveConfigName } from './hive-config.ts';
import { linkColumns, type LinkStatus } from './status.ts';

/** Hive's `ClusterDeployment` and `ClusterProvision`; only what the PrivateLink controller reads is checked. */

const infraId = () =>
  z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is not an infra id such as acme-x7k2p`,
    });

const assumeRole = z.strictObject({ roleARN: roleArn(), externalID: z.string().max(1224).optional() });

const awsPlatform = z.looseObject({
  region: region(),
  credentialsSecretRef: nameRef().nullish(),
  credentialsAssumeRole: assumeRole.nullish(),
  userTags: userTags().nullish(),
  privateLink: z
    .strictObject({
      enabled: z.boolean(),
      additionalAllowedPrincipals: z.array(principal()).max(1000).nullish(),
    })
    .nullish(),
});

const clusterDeploymentSpec = z.looseObject({
  installed: z.boolean().optional(),
  preserveOnDelete: z.boolean().optional(),
  clusterMetadata: z.looseObject({ infraID: infraId(), adminKubeconfigSecretRef: nameRef().nullish() }).nullish(),
  platform: z.looseObject({ aws: awsPlatform.nullish() }).optional(),
});

export type ClusterDeploymentSpec = z.infer<typeof clusterDeploymentSpec>;

export const clusterDeploymentKind = defineKind<ClusterDeploymentSpec, LinkStatus>({
  apiVersion: 'hive.openshift.io/v1',
  kind: 'ClusterDeployment',
  description: 'A cluster of Hive; asks for a private link under spec.platform.aws.privateLink.',
  plural: 'clusterdeployments',
  scope: 'Namespaced',
  spec: clusterDeploymentSpec,
  uses({ spec, metadata: { namespace }, status }) {
    const names = [
      spec.platform?.aws?.credentialsSecretRef?.name,
      spec.clusterMetadata?.adminKubeconfigSecretRef?.name,
    ].filter((name) => name !== undefined);
    const provision = status?.provisionRef?.name;
    return [
      ...names.map((name): ObjectKey => ({ kind: 'Secret', namespace, name })),
      ...(provision === undefined ? [] : [{ kind: 'ClusterProvision', namespace, name: provision }]),
      { kind: 'HiveConfig', namespace: '', name: hiveConfigName },
    ];
  },
  admit: admitCluster,
  cluster: { shortNames: ['cd'], columns: [{ name: 'Region', path: '.spec.platform.aws.region' }, ...linkColumns] },
});

const clusterProvisionSpec = z.looseObject({
  clusterDeploymentRef: nameRef().nullish(),
  attempt: z.int().min(0).optional(),
  infraID: infraId().nullish(),
  prevInfraID: infraId().nullish(),
  adminKubeconfigSecretRef: nameRef().nullish(),
});

export type ClusterProvisionSpec = z.infer<typeof clusterProvisionSpec>;

export const clusterProvisionKind = defineKind<ClusterProvisionSpec>({
  apiVersion: 'hive.openshift.io/v1',
  kind: 'ClusterProvision',
  description: 'One attempt to install a cluster.',
  plural: 'clusterprovisions',
  scope: 'Namespaced',
  spec: clusterProvisionSpec,
  uses: ({ spec, metadata: { namespace } }) =>
    spec.adminKubeconfigSecretRef?.name === undefined
      ? []
      : [{ kind: 'Secret', namespace, name: spec.adminKubeconfigSecretRef.name }],
});
