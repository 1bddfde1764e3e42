/** Managed node groups and add-ons: their records, without nodes. https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html */
import type * as sdk from '@aws-sdk/client-eks';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { associate } from './access.ts';
import {
  type Addon,
  addons,
  type Cluster,
  emptyIssues,
  inUse,
  needCluster,
  type Nodegroup,
  nodegroups,
  notFound,
  podIdentities,
  update,
} from './records.ts';

const activeAfterMs = 600;
const goneAfterMs = 400;

export const nodegroupOperations: Operations<typeof sdk> = {
  CreateNodegroup(call, input) {
    const cluster = needCluster(call, input.clusterName);
    if (find(call, cluster, input.nodegroupName) !== undefined)
      throw inUse(`NodeGroup already exists with name ${input.nodegroupName ?? ''} and cluster name ${cluster.name}`);
    const group: Nodegroup = {
      ...call.born(
        call.arn(
          'eks',
          `nodegroup/${cluster.name}/${input.nodegroupName ?? ''}/${call.world.hex(8)}-${call.world.hex(12)}`,
        ),
        { ...input.tags },
      ),
      cluster: cluster.id,
      name: input.nodegroupName ?? '',
      settings: input,
      version: input.version ?? cluster.version,
      hash: call.world.hex(12),
      state: 'CREATING',
    };
    nodegroups.put(call.world, group);
    nodegroups.later(call, group, 'ACTIVE', activeAfterMs);
    return { nodegroup: show(cluster, group) };
  },

  DescribeNodegroup(call, input) {
    const cluster = needCluster(call, input.clusterName);
    return { nodegroup: show(cluster, needGroup(call, cluster, input.nodegroupName)) };
  },

  ListNodegroups(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const own = nodegroups.list(call).filter((one) => one.cluster === cluster.id);
    const { items, next } = page(call, own, ({ id }) => id, {
      max: input.maxResults,
      token: input.nextToken,
      usual: 100,
      most: 100,
    });
    return { nodegroups: items.map(({ name }) => name), nextToken: next };
  },

  UpdateNodegroupConfig(call, input) {
    const group = needGroup(call, needCluster(call, input.clusterName), input.nodegroupName);
    const labels = { ...group.settings.labels, ...input.labels?.addOrUpdateLabels };
    for (const key of input.labels?.removeLabels ?? []) delete labels[key];
    const changed = new Set(
      [...(input.taints?.addOrUpdateTaints ?? []), ...(input.taints?.removeTaints ?? [])].map(({ key }) => key),
    );
    const taints = [
      ...(group.settings.taints ?? []).filter(({ key }) => !changed.has(key)),
      ...(input.taints?.addOrUpdateTaints ?? []),
    ];
    group.settings = {
      ...group.settings,
      labels,
      taints,
      scalingConfig: { ...group.settings.scalingConfig, ...input.scalingConfig },
      updateConfig: input.updateConfig ?? group.settings.updateConfig,
    };
    return { update: update(call, 'ConfigUpdate') };
  },

  UpdateNodegroupVersion(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const group = needGroup(call, cluster, input.nodegroupName);
    group.version = input.version ?? cluster.version;
    return { update: update(call, 'VersionUpdate') };
  },

  DeleteNodegroup(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const group = needGroup(call, cluster, input.nodegroupName);
    nodegroups.become(call.world, group, 'DELETING');
    nodegroups.later(call, group, 'gone', goneAfterMs);
    return { nodegroup: show(cluster, group) };
  },

  CreateAddon(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const name = input.addonName ?? '';
    if (addonOf(call, cluster, name) !== undefined) throw inUse(`Addon already exists.`);
    const addon: Addon = {
      ...call.born(call.arn('eks', `addon/${cluster.name}/${name}/${call.world.hex(8)}`), { ...input.tags }),
      cluster: cluster.id,
      name,
      version: input.addonVersion ?? 'v1.0.0-eksbuild.1',
      ...(input.serviceAccountRoleArn === undefined ? {} : { roleArn: input.serviceAccountRoleArn }),
      ...(input.configurationValues === undefined ? {} : { values: input.configurationValues }),
      identities: identify(call, cluster, name, input.podIdentityAssociations ?? []),
      state: 'CREATING',
    };
    addons.put(call.world, addon);
    addons.later(call, addon, 'ACTIVE', activeAfterMs);
    return { addon: showAddon(cluster, addon) };
  },
  DescribeAddon(call, input) {
    const cluster = needCluster(call, input.clusterName);
    return { addon: showAddon(cluster, needAddon(call, cluster, input.addonName)) };
  },
  ListAddons(call, input) {
    const cluster = needCluster(call, input.clusterName);
    return {
      addons: addons
        .list(call)
        .filter((one) => one.cluster === cluster.id)
        .map(({ name }) => name),
    };
  },
  UpdateAddon(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const addon = needAddon(call, cluster, input.addonName);
    addon.version = input.addonVersion ?? addon.version;
    if (input.serviceAccountRoleArn !== undefined) addon.roleArn = input.serviceAccountRoleArn;
    if (input.configurationValues !== undefined) addon.values = input.configurationValues;
    // What is given takes the place of what was; an empty list takes all away, and nothing leaves them as they are.
    if (input.podIdentityAssociations !== undefined) {
      forget(call, addon);
      addon.identities = identify(call, cluster, addon.name, input.podIdentityAssociations);
    }
    return { update: update(call, 'AddonUpdate') };
  },
  DeleteAddon(call, input) {
    const cluster = needCluster(call, input.clusterName);
    const addon = needAddon(call, cluster, input.addonName);
    forget(call, addon);
    addons.become(call.world, addon, 'DELETING');
    addons.later(call, addon, 'gone', goneAfterMs);
    return { addon: showAddon(cluster, addon) };
  },
  DescribeAddonVersions: (_call, input) => ({
    addons:
      input.addonName === undefined
        ? []
        : [
            {
              addonName: input.addonName,
              addonVersions: [
                {
                  addonVersion: 'v1.0.0-eksbuild.1',
                  compatibilities: [{ clusterVersion: input.kubernetesVersion, defaultVersion: true }],
                },
              ],
            },
          ],
  }),
};

/**
 * The associations an add-on brings for its service accounts, in the namespace it runs in.
 * https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAddon.html (podIdentityAssociations)
 */
function identify(
  call: Call,
  cluster: Cluster,
  addon: string,
  wanted: readonly sdk.AddonPodIdentityAssociations[],
): string[] {
  return wanted.map((one) => associate(call, cluster, { ...one, namespace: namespaceOf(addon) }).id);
}

function forget(call: Call, addon: Addon): void {
  for (const id of addon.identities) podIdentities.remove(call.world, id);
  addon.identities = [];
}

/** AWS's own add-ons run in kube-system but for a few. */
function namespaceOf(addon: string): string {
  return (
    { 'amazon-cloudwatch-observability': 'amazon-cloudwatch', adot: 'opentelemetry-operator-system' }[addon] ??
    'kube-system'
  );
}

function find(call: Call, cluster: Cluster, name: string | undefined): Nodegroup | undefined {
  return nodegroups.list(call).find((one) => one.cluster === cluster.id && one.name === name);
}

function needGroup(call: Call, cluster: Cluster, name: string | undefined): Nodegroup {
  const group = find(call, cluster, name);
  if (group === undefined) throw notFound(`No node group found for name: ${name ?? ''}.`);
  return group;
}

function addonOf(call: Call, cluster: Cluster, name: string | undefined): Addon | undefined {
  return addons.list(call).find((one) => one.cluster === cluster.id && one.name === name);
}

function needAddon(call: Call, cluster: Cluster, name: string | undefined): Addon {
  const addon = addonOf(call, cluster, name);
  if (addon === undefined) throw notFound(`No addon: ${name ?? ''} found in cluster: ${cluster.name}`);
  return addon;
}

function show(cluster: Cluster, group: Nodegroup): sdk.Nodegroup {
  const { settings } = group;
  return {
    nodegroupName: group.name,
    nodegroupArn: group.id,
    clusterName: cluster.name,
    version: group.version,
    releaseVersion: settings.releaseVersion ?? `${group.version}.0-20260101`,
    createdAt: new Date(group.createdAtMs),
    modifiedAt: new Date(group.createdAtMs),
    status: group.state as sdk.NodegroupStatus,
    capacityType: settings.capacityType ?? 'ON_DEMAND',
    scalingConfig: { minSize: 1, maxSize: 2, desiredSize: 2, ...settings.scalingConfig },
    instanceTypes: settings.instanceTypes ?? (settings.launchTemplate === undefined ? ['t3.medium'] : undefined),
    subnets: settings.subnets,
    ...(settings.remoteAccess === undefined ? {} : { remoteAccess: settings.remoteAccess }),
    amiType: settings.amiType ?? 'AL2023_x86_64_STANDARD',
    nodeRole: settings.nodeRole,
    labels: settings.labels ?? {},
    ...(settings.taints === undefined ? {} : { taints: settings.taints }),
    resources: { autoScalingGroups: [{ name: `eks-${group.name}-${group.hash}` }] },
    ...(settings.launchTemplate === undefined
      ? { diskSize: settings.diskSize ?? 20 }
      : { launchTemplate: settings.launchTemplate }),
    health: emptyIssues,
    updateConfig: settings.updateConfig ?? { maxUnavailable: 1 },
    tags: group.tags,
  };
}

function showAddon(cluster: Cluster, addon: Addon): sdk.Addon {
  return {
    addonName: addon.name,
    addonArn: addon.id,
    clusterName: cluster.name,
    addonVersion: addon.version,
    status: addon.state as sdk.AddonStatus,
    health: emptyIssues,
    createdAt: new Date(addon.createdAtMs),
    modifiedAt: new Date(addon.createdAtMs),
    serviceAccountRoleArn: addon.roleArn,
    configurationValues: addon.values,
    podIdentityAssociations: addon.identities,
    tags: addon.tags,
  };
}
