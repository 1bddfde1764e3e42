/** Stack `eks`: cluster, managed node groups, add-ons with network policies enforced, and who may enter. */
import { cidrText } from '@postern/core';
import { output, resource } from '@postern/terraform';
import type { TerraformStack } from 'cdktn';
import { deployerGroup } from '../baseline/labels.ts';
import type { Project } from '../plan/project.ts';
import type { AwsSandbox, NodeGroup } from '../plan/sandbox.ts';

/** References into the stacks below, as expressions of this one. */
export interface EksInputs {
  readonly privateSubnetIDs: string;
  /** By project: `${...["NAME"]}`. */
  readonly deployRoleArn: (project: string) => string;
}

/** In standard support at the time of writing. */
const defaultVersion = '1.34';

const nodePolicies = [
  'AmazonEKSWorkerNodePolicy',
  'AmazonEC2ContainerRegistryPullOnly',
  'AmazonEKS_CNI_Policy',
] as const;

export function eksStack(
  stack: TerraformStack,
  { name, spec }: AwsSandbox,
  projects: readonly Project[],
  inputs: EksInputs,
): void {
  const {
    version = defaultVersion,
    access = 'access-entries',
    admins = [],
    publicAccessCIDRs = [],
  } = spec.kubernetes ?? {};
  const clusterRole = serviceRole(stack, `postern-${name}-cluster`, 'cluster', 'eks.amazonaws.com', [
    'AmazonEKSClusterPolicy',
  ]);
  const cluster = resource(
    stack,
    'aws_eks_cluster',
    'main',
    {
      name,
      version,
      role_arn: clusterRole.role.ref('arn'),
      vpc_config: {
        subnet_ids: inputs.privateSubnetIDs as `\${${string}}`,
        endpoint_private_access: true,
        endpoint_public_access: publicAccessCIDRs.length > 0,
        ...(publicAccessCIDRs.length === 0 ? {} : { public_access_cidrs: publicAccessCIDRs.map(cidrText) }),
      },
      access_config: {
        authentication_mode: access === 'access-entries' ? 'API' : 'API_AND_CONFIG_MAP',
        // The maker is an administrator only where nobody else is named: an invisible one is no access plan.
        bootstrap_cluster_creator_admin_permissions: admins.length === 0,
      },
      enabled_cluster_log_types: ['api', 'audit', 'authenticator'],
      // Our own add-ons below, with network policies on; the default CNI would not enforce any.
      bootstrap_self_managed_addons: false,
    },
    { dependsOn: clusterRole.attachments },
  );
  const cni = resource(stack, 'aws_eks_addon', 'vpc_cni', {
    cluster_name: cluster.ref('name'),
    addon_name: 'vpc-cni',
    resolve_conflicts_on_update: 'OVERWRITE',
    configuration_values: JSON.stringify({
      enableNetworkPolicy: 'true',
      env: {
        // Strict: a new pod is closed until its policies are in place; otherwise it is open for its first seconds.
        NETWORK_POLICY_ENFORCING_MODE: 'strict',
        ...(spec.network.prefixDelegation === true ? { ENABLE_PREFIX_DELEGATION: 'true' } : {}),
      },
    }),
  });
  const nodeRole = serviceRole(stack, `postern-${name}-node`, 'node', 'ec2.amazonaws.com', nodePolicies);
  const groups = spec.nodeGroups.map((group) =>
    nodeGroup(stack, group, {
      cluster: cluster.ref('name'),
      role: nodeRole.role.ref('arn'),
      subnets: inputs.privateSubnetIDs,
      after: [cni, ...nodeRole.attachments],
      sandbox: name,
    }),
  );
  resource(stack, 'aws_eks_addon', 'kube_proxy', { cluster_name: cluster.ref('name'), addon_name: 'kube-proxy' });
  for (const addon of ['coredns', 'eks-pod-identity-agent'] as const)
    resource(
      stack,
      'aws_eks_addon',
      addon.replaceAll('-', '_'),
      { cluster_name: cluster.ref('name'), addon_name: addon },
      { dependsOn: groups },
    );
  volumes(stack, name, cluster.ref('name'), groups);
  for (const [i, arn] of admins.entries()) {
    const entry = resource(stack, 'aws_eks_access_entry', `admin_${i}`, {
      cluster_name: cluster.ref('name'),
      principal_arn: arn,
      type: 'STANDARD',
    });
    resource(
      stack,
      'aws_eks_access_policy_association',
      `admin_${i}`,
      {
        cluster_name: cluster.ref('name'),
        principal_arn: arn,
        policy_arn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy',
        access_scope: { type: 'cluster' },
      },
      { dependsOn: [entry] },
    );
  }
  // A group that only RoleBindings in the tenant's namespaces know, no access policy, and a user name of AWS's making: role and session.
  if (access === 'access-entries')
    for (const project of projects)
      resource(stack, 'aws_eks_access_entry', `project_${project.name.replaceAll('-', '_')}`, {
        cluster_name: cluster.ref('name'),
        principal_arn: inputs.deployRoleArn(project.name),
        kubernetes_groups: [deployerGroup(project.tenant)],
        type: 'STANDARD',
      });
  output(stack, 'cluster_name', cluster.ref('name'), 'aws eks update-kubeconfig --name ...');
  output(stack, 'endpoint', cluster.ref('endpoint'), 'The API server.');
  output(stack, 'node_role_arn', nodeRole.role.ref('arn'), 'The nodes’ role.');
}

function serviceRole(
  stack: TerraformStack,
  roleName: string,
  id: string,
  service: string,
  policies: readonly string[],
) {
  const role = resource(stack, 'aws_iam_role', id, {
    name: roleName,
    assume_role_policy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: service },
          Action: service.startsWith('pods.') ? ['sts:AssumeRole', 'sts:TagSession'] : 'sts:AssumeRole',
        },
      ],
    }),
  });
  const attachments = policies.map((policy) =>
    resource(stack, 'aws_iam_role_policy_attachment', `${id}_${policy.replace(/^.*\//, '')}`, {
      role: role.ref('name'),
      policy_arn: `arn:aws:iam::aws:policy/${policy}`,
    }),
  );
  return { role, attachments };
}

interface NodeSettings {
  readonly cluster: `\${${string}}`;
  readonly role: `\${${string}}`;
  readonly subnets: string;
  readonly after: readonly { readonly address: string }[];
  readonly sandbox: string;
}

function nodeGroup(stack: TerraformStack, group: NodeGroup, { cluster, role, subnets, after, sandbox }: NodeSettings) {
  const id = group.name.replaceAll('-', '_');
  const template = resource(stack, 'aws_launch_template', id, {
    name: `postern-${sandbox}-${group.name}`,
    // One hop: a pod’s packet has made its first one before it leaves the node, and never reaches the node’s credentials.
    metadata_options: { http_endpoint: 'enabled', http_tokens: 'required', http_put_response_hop_limit: 1 },
    block_device_mappings: [
      {
        device_name: '/dev/xvda',
        ebs: { volume_size: group.diskGiB ?? 50, volume_type: 'gp3', encrypted: 'true', delete_on_termination: 'true' },
      },
    ],
  });
  return resource(
    stack,
    'aws_eks_node_group',
    id,
    {
      cluster_name: cluster,
      node_group_name: group.name,
      node_role_arn: role,
      subnet_ids: subnets as `\${${string}}`,
      ami_type: group.instanceTypes.every((type) => /^[a-z]+\d+g/.test(type))
        ? 'AL2023_ARM_64_STANDARD'
        : 'AL2023_x86_64_STANDARD',
      capacity_type: group.capacity === 'spot' ? 'SPOT' : 'ON_DEMAND',
      instance_types: group.instanceTypes,
      scaling_config: {
        min_size: group.min,
        max_size: group.max,
        desired_size: group.desired ?? Math.max(group.min, 1),
      },
      update_config: { max_unavailable: 1 },
      launch_template: { id: template.ref('id'), version: template.ref('latest_version') },
    },
    { dependsOn: after, lifecycle: { ignore_changes: ['scaling_config[0].desired_size'] } },
  );
}

/** Volumes: the driver with an identity of its own, so that no node may touch disks. */
function volumes(
  stack: TerraformStack,
  sandbox: string,
  cluster: `\${${string}}`,
  after: readonly { readonly address: string }[],
): void {
  const driver = serviceRole(stack, `postern-${sandbox}-volumes`, 'volumes', 'pods.eks.amazonaws.com', [
    'service-role/AmazonEBSCSIDriverPolicy',
  ]);
  resource(
    stack,
    'aws_eks_addon',
    'volumes',
    {
      cluster_name: cluster,
      addon_name: 'aws-ebs-csi-driver',
      pod_identity_association: [{ role_arn: driver.role.ref('arn'), service_account: 'ebs-csi-controller-sa' }],
    },
    { dependsOn: [...after, ...driver.attachments] },
  );
}
