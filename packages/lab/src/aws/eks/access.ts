/** Who may enter a cluster, and which roles its pods have. https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html */
import type * as sdk from '@aws-sdk/client-eks';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import {
  type AccessEntry,
  accessEntries,
  type Cluster,
  inUse,
  needCluster,
  notFound,
  podIdentities,
  type PodIdentity,
} from './records.ts';

/** https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html: what names may not begin with. */
const reservedUsername = /^(system:|eks:|aws:|amazon:|iam:)/;

export const accessOperations: Operations<typeof sdk> = {
  CreateAccessEntry(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const principal = input.principalArn ?? '';
    if (cluster.authentication === 'CONFIG_MAP')
      throw new AwsError(
        'InvalidRequestException',
        `The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.`,
      );
    if (find(call, cluster, principal) !== undefined)
      throw inUse(`The specified access entry resource is already in use on this cluster.`);
    if (reservedUsername.test(input.username ?? ''))
      throw new AwsError(
        'InvalidParameterException',
        'The username may not begin with system:, eks:, aws:, amazon: or iam:',
      );
    if ((input.kubernetesGroups ?? []).some((group) => group.startsWith('system:')))
      throw new AwsError('InvalidParameterException', 'The kubernetes group name may not begin with system:');
    const [, , , , account = '', resource = ''] = principal.split(':');
    const entry = accessEntries.put(call.world, {
      ...call.born(
        call.arn(
          'eks',
          `access-entry/${cluster.name}/${resource.split('/')[0]}/${account}/${resource.split('/').at(-1)}/${call.world.hex(8)}`,
        ),
        { ...input.tags },
      ),
      cluster: cluster.id,
      principal,
      groups: input.kubernetesGroups ?? [],
      username: input.username ?? usernameOf(principal),
      type: input.type ?? 'STANDARD',
      policies: [],
    });
    return { accessEntry: show(cluster, entry) };
  },

  DescribeAccessEntry(call, input) {
    const cluster = needCluster(call, input.clusterName);
    return { accessEntry: show(cluster, needEntry(call, cluster, input.principalArn)) };
  },

  ListAccessEntries(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const own = accessEntries.list(call).filter((one) => one.cluster === cluster.id);
    const wanted = own.filter(
      ({ policies }) =>
        input.associatedPolicyArn === undefined || policies.some(({ arn }) => arn === input.associatedPolicyArn),
    );
    return { accessEntries: wanted.map(({ principal }) => principal) };
  },

  UpdateAccessEntry(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const entry = needEntry(call, cluster, input.principalArn);
    entry.groups = input.kubernetesGroups ?? entry.groups;
    entry.username = input.username ?? entry.username;
    return { accessEntry: show(cluster, entry) };
  },

  DeleteAccessEntry(call, input) {
    const cluster = needCluster(call, input.clusterName);
    accessEntries.remove(call.world, needEntry(call, cluster, input.principalArn).id);
    return {};
  },

  AssociateAccessPolicy(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const entry = needEntry(call, cluster, input.principalArn);
    const arn = input.policyArn ?? '';
    if (!/^arn:aws[\w-]*:eks::aws:cluster-access-policy\/\w+$/.test(arn))
      throw new AwsError('InvalidParameterException', `The policyArn parameter format is not valid: ${arn}`);
    const added = { arn, scope: input.accessScope ?? { type: 'cluster' }, atMs: call.now };
    entry.policies = [...entry.policies.filter((one) => one.arn !== arn), added];
    return { clusterName: cluster.name, principalArn: entry.principal, associatedAccessPolicy: showPolicy(added) };
  },

  DisassociateAccessPolicy(call, input) {
    const entry = needEntry(call, needCluster(call, input.clusterName), input.principalArn);
    entry.policies = entry.policies.filter(({ arn }) => arn !== input.policyArn);
    return {};
  },

  ListAssociatedAccessPolicies(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const entry = needEntry(call, cluster, input.principalArn);
    return {
      clusterName: cluster.name,
      principalArn: entry.principal,
      associatedAccessPolicies: entry.policies.map(showPolicy),
    };
  },

  CreatePodIdentityAssociation(call, input) {
    const cluster = needCluster(call, input.clusterName);
    return { association: showIdentity(cluster, associate(call, cluster, input)) };
  },

  DescribePodIdentityAssociation(call, input) {
    const cluster = needCluster(call, input.clusterName);
    return { association: showIdentity(cluster, needIdentity(call, cluster, input.associationId)) };
  },

  ListPodIdentityAssociations(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const own = podIdentities.list(call).filter((one) => one.cluster === cluster.id);
    const wanted = own.filter(
      (one) =>
        (input.namespace ?? one.namespace) === one.namespace &&
        (input.serviceAccount ?? one.serviceAccount) === one.serviceAccount,
    );
    return {
      associations: wanted.map((one) => ({
        clusterName: cluster.name,
        namespace: one.namespace,
        serviceAccount: one.serviceAccount,
        associationArn: one.id,
        associationId: one.association,
      })),
    };
  },

  UpdatePodIdentityAssociation(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const one = needIdentity(call, cluster, input.associationId);
    one.roleArn = input.roleArn ?? one.roleArn;
    return { association: showIdentity(cluster, one) };
  },

  DeletePodIdentityAssociation(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const one = needIdentity(call, cluster, input.associationId);
    podIdentities.remove(call.world, one.id);
    return { association: showIdentity(cluster, one) };
  },
};

/** One role for one service account. https://docs.aws.amazon.com/eks/latest/APIReference/API_CreatePodIdentityAssociation.html */
export function associate(
  call: Call,
  cluster: Cluster,
  { namespace = '', serviceAccount = '', roleArn = '', tags }: Partial<sdk.CreatePodIdentityAssociationRequest>,
): PodIdentity {
  const same = podIdentities
    .list(call)
    .find((one) => one.cluster === cluster.id && one.namespace === namespace && one.serviceAccount === serviceAccount);
  if (same !== undefined) throw inUse(`Association already exists: ${same.association}`);
  const association = `a-${call.world.hex(17)}`;
  return podIdentities.put(call.world, {
    ...call.born(call.arn('eks', `podidentityassociation/${cluster.name}/${association}`), { ...tags }),
    cluster: cluster.id,
    association,
    namespace,
    serviceAccount,
    roleArn,
  });
}

/** A role's sessions are told apart by their name. */
function usernameOf(principal: string): string {
  const role = /^arn:(aws[\w-]*):iam::(\d{12}):role\/(?:.+\/)?([^/]+)$/.exec(principal);
  return role === null ? principal : `arn:${role[1]}:sts::${role[2]}:assumed-role/${role[3]}/{{SessionName}}`;
}

function find(call: Call, cluster: Cluster, principal: string | undefined): AccessEntry | undefined {
  return accessEntries.list(call).find((one) => one.cluster === cluster.id && one.principal === principal);
}

function needEntry(call: Call, cluster: Cluster, principal: string | undefined): AccessEntry {
  const entry = find(call, cluster, principal);
  if (entry === undefined)
    throw notFound(`The specified principalArn could not be found. You have entered ${principal ?? ''}.`);
  return entry;
}

function needIdentity(call: Call, cluster: Cluster, id: string | undefined): PodIdentity {
  const one = podIdentities.list(call).find((record) => record.cluster === cluster.id && record.association === id);
  if (one === undefined) throw notFound(`Association ${id ?? ''} does not exist in cluster ${cluster.name}`);
  return one;
}

function showPolicy({ arn, scope, atMs }: AccessEntry['policies'][number]): sdk.AssociatedAccessPolicy {
  return { policyArn: arn, accessScope: scope, associatedAt: new Date(atMs), modifiedAt: new Date(atMs) };
}

function show(cluster: Cluster, entry: AccessEntry): sdk.AccessEntry {
  return {
    clusterName: cluster.name,
    principalArn: entry.principal,
    accessEntryArn: entry.id,
    kubernetesGroups: entry.groups,
    username: entry.username,
    type: entry.type,
    createdAt: new Date(entry.createdAtMs),
    modifiedAt: new Date(entry.createdAtMs),
    tags: entry.tags,
  };
}

function showIdentity(cluster: Cluster, one: PodIdentity): sdk.PodIdentityAssociation {
  return {
    clusterName: cluster.name,
    namespace: one.namespace,
    serviceAccount: one.serviceAccount,
    roleArn: one.roleArn,
    associationArn: one.id,
    associationId: one.association,
    createdAt: new Date(one.createdAtMs),
    modifiedAt: new Date(one.createdAtMs),
    tags: one.tags,
  };
}
