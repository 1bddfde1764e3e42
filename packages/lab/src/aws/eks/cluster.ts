/** EKS clusters. https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html */
import type * as sdk from '@aws-sdk/client-eks';
import { interfaces, securityGroups, subnets } from '../ec2/records.ts';
import { addRule } from '../ec2/security-group.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { dnsSuffix } from '../world/partition.ts';
import { removeGroup } from './cluster-group.ts';
import {
  accessEntries,
  addons,
  type Cluster,
  clusters,
  inUse,
  needCluster,
  nodegroups,
  podIdentities,
  update,
} from './records.ts';

const activeAfterMs = 800;
const goneAfterMs = 500;
/** https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html: where the caller names none. */
const usualVersion = '1.34';

export const clusterOperations: Operations<typeof sdk> = {
  CreateCluster(call, input) {
    const name = input.name ?? '';
    const arn = call.arn('eks', `cluster/${name}`);
    if (!/^[0-9A-Za-z][\w-]{0,99}$/.test(name))
      throw new AwsError('InvalidParameterException', `'${name}' is no cluster name`);
    if (clusters.get(call.world, arn) !== undefined) throw inUse(`Cluster already exists with name: ${name}`);
    const wanted = input.resourcesVpcConfig ?? {};
    const found = (wanted.subnetIds ?? []).map((id) => {
      const subnet = subnets.mine(call, id);
      if (subnet === undefined) throw new AwsError('InvalidParameterException', `The subnet ID '${id}' does not exist`);
      return subnet;
    });
    if (new Set(found.map(({ zoneId }) => zoneId)).size < 2)
      throw new AwsError('InvalidParameterException', 'Subnets specified must be in at least two different AZs');
    const vpc = found[0]!.vpc;
    const group = securityGroups.put(call.world, {
      ...call.born(call.world.id('sg'), { 'aws:eks:cluster-name': name, [`kubernetes.io/cluster/${name}`]: 'owned' }),
      name: `eks-cluster-sg-${name}-${call.world.hex(8)}`,
      description:
        'EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.',
      vpc,
    });
    addRule(call, group, false, { peerGroup: group.id, peerAccount: group.account });
    addRule(call, group, true, { cidr: '0.0.0.0/0' });
    const cluster: Cluster = {
      ...call.born(arn, { ...input.tags }),
      name,
      version: input.version ?? usualVersion,
      roleArn: input.roleArn ?? '',
      oidcId: call.world.hex(32).toUpperCase(),
      network: {
        subnets: wanted.subnetIds ?? [],
        groups: wanted.securityGroupIds ?? [],
        vpc,
        clusterGroup: group.id,
        publicAccess: wanted.endpointPublicAccess ?? true,
        privateAccess: wanted.endpointPrivateAccess ?? false,
        cidrs: wanted.publicAccessCidrs ?? ['0.0.0.0/0'],
      },
      serviceCidr: input.kubernetesNetworkConfig?.serviceIpv4Cidr ?? '172.20.0.0/16',
      logging: (input.logging?.clusterLogging ?? [])
        .filter(({ enabled }) => enabled === true)
        .flatMap(({ types }) => types ?? []),
      encryption: input.encryptionConfig ?? [],
      authentication: input.accessConfig?.authenticationMode ?? 'CONFIG_MAP',
      creatorAdmin: input.accessConfig?.bootstrapClusterCreatorAdminPermissions ?? true,
      supportType: input.upgradePolicy?.supportType ?? 'EXTENDED',
      deletionProtection: input.deletionProtection ?? false,
      state: 'CREATING',
    };
    clusters.put(call.world, cluster);
    clusters.later(call, cluster, 'ACTIVE', activeAfterMs);
    return { cluster: show(call, cluster) };
  },

  DescribeCluster: (call, input) => ({ cluster: show(call, needCluster(call, input.name)) }),

  ListClusters(call, input) {
    const { items, next } = page(call, clusters.list(call), ({ id }) => id, {
      max: input.maxResults,
      token: input.nextToken,
      usual: 100,
      most: 100,
    });
    return { clusters: items.map(({ name }) => name), nextToken: next };
  },

  DeleteCluster(call, input) {
    const cluster = needCluster(call, input.name);
    if (cluster.deletionProtection)
      throw new AwsError('InvalidRequestException', `Cluster ${cluster.name} has deletion protection enabled`);
    if (nodegroups.all(call.world).some((one) => one.cluster === cluster.id))
      throw inUse(`Cluster has nodegroups attached`);
    clusters.become(call.world, cluster, 'DELETING');
    clusters.later(call, cluster, 'gone', goneAfterMs);
    const shown = show(call, cluster);
    for (const kind of [addons, accessEntries, podIdentities])
      for (const one of kind.all(call.world).filter((record) => record.cluster === cluster.id))
        kind.remove(call.world, one.id);
    if (!interfaces.all(call.world).some(({ groups }) => groups.includes(cluster.network.clusterGroup)))
      removeGroup(call.world, cluster.network.clusterGroup);
    return { cluster: shown };
  },

  UpdateClusterConfig(call, input) {
    const cluster = needCluster(call, input.name);
    const wanted = input.resourcesVpcConfig;
    const { network } = cluster;
    cluster.network = {
      ...network,
      publicAccess: wanted?.endpointPublicAccess ?? network.publicAccess,
      privateAccess: wanted?.endpointPrivateAccess ?? network.privateAccess,
      cidrs: wanted?.publicAccessCidrs ?? network.cidrs,
    };
    for (const { types = [], enabled } of input.logging?.clusterLogging ?? [])
      cluster.logging = [
        ...cluster.logging.filter((type) => !types.includes(type)),
        ...(enabled === true ? types : []),
      ];
    cluster.authentication = input.accessConfig?.authenticationMode ?? cluster.authentication;
    cluster.supportType = input.upgradePolicy?.supportType ?? cluster.supportType;
    cluster.deletionProtection = input.deletionProtection ?? cluster.deletionProtection;
    return { update: update(call, 'EndpointAccessUpdate') };
  },

  UpdateClusterVersion(call, input) {
    needCluster(call, input.name).version = input.version ?? usualVersion;
    return { update: update(call, 'VersionUpdate') };
  },

  // Updates are done when they are answered.
  DescribeUpdate: (call, input) => ({ update: { ...update(call, 'VersionUpdate'), id: input.updateId } }),

  TagResource(call, input) {
    Object.assign(tagged(call, input.resourceArn).tags, input.tags);
    return {};
  },
  UntagResource(call, input) {
    for (const key of input.tagKeys ?? []) delete tagged(call, input.resourceArn).tags[key];
    return {};
  },
  ListTagsForResource: (call, input) => ({ tags: tagged(call, input.resourceArn).tags }),
};

function tagged(call: Call, arn: string | undefined): { tags: Record<string, string> } {
  const found =
    clusters.mine(call, arn) ??
    nodegroups.mine(call, arn) ??
    addons.mine(call, arn) ??
    accessEntries.mine(call, arn) ??
    podIdentities.mine(call, arn);
  if (found === undefined) throw new AwsError('NotFoundException', `The resource ${arn ?? ''} does not exist`, 404);
  return found;
}

const logTypes: readonly sdk.LogType[] = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'];

function show(call: Call, cluster: Cluster): sdk.Cluster {
  const { network } = cluster;
  const off = logTypes.filter((type) => !cluster.logging.includes(type));
  return {
    name: cluster.name,
    arn: cluster.id,
    createdAt: new Date(cluster.createdAtMs),
    version: cluster.version,
    platformVersion: 'eks.1',
    status: cluster.state as sdk.ClusterStatus,
    roleArn: cluster.roleArn,
    // A name that resolves nowhere, because there is no Kubernetes here, unless PUT /_postern/kubernetes has named one.
    ...(cluster.state === 'CREATING'
      ? {}
      : {
          endpoint:
            call.world.apiServer?.endpoint ??
            `https://${cluster.oidcId}.gr7.${call.region}.eks.${dnsSuffix(call.region)}`,
        }),
    certificateAuthority: {
      data:
        call.world.apiServer?.certificateAuthority ??
        Buffer.from('the simulator has no certificate authority').toString('base64'),
    },
    identity: { oidc: { issuer: `https://oidc.eks.${call.region}.${dnsSuffix(call.region)}/id/${cluster.oidcId}` } },
    resourcesVpcConfig: {
      subnetIds: network.subnets,
      securityGroupIds: network.groups,
      clusterSecurityGroupId: network.clusterGroup,
      vpcId: network.vpc,
      endpointPublicAccess: network.publicAccess,
      endpointPrivateAccess: network.privateAccess,
      publicAccessCidrs: network.cidrs,
    },
    kubernetesNetworkConfig: {
      serviceIpv4Cidr: cluster.serviceCidr,
      ipFamily: 'ipv4',
      elasticLoadBalancing: { enabled: false },
    },
    logging: {
      clusterLogging: [
        ...(cluster.logging.length > 0 ? [{ types: cluster.logging, enabled: true }] : []),
        ...(off.length > 0 ? [{ types: off, enabled: false }] : []),
      ],
    },
    ...(cluster.encryption.length > 0 ? { encryptionConfig: cluster.encryption } : {}),
    accessConfig: {
      authenticationMode: cluster.authentication,
      bootstrapClusterCreatorAdminPermissions: cluster.creatorAdmin,
    },
    upgradePolicy: { supportType: cluster.supportType },
    deletionProtection: cluster.deletionProtection,
    health: { issues: [] },
    tags: cluster.tags,
  };
}
