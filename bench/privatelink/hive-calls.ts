/**
 * The calls that Hive's documented algorithm makes for one cluster, as data, step by step. Counted for its good: every poll
 * answers at the first try, every list has one page, nothing is throttled or repeated. PURE.
 *
 * Source: openshift/hive at c02e5173 (August 2026), `pkg/controller/awsprivatelink` and docs/awsprivatelink.md of that tree;
 * the functions named are in awsprivatelink_controller.go unless another file is.
 */
export interface HiveStep {
  readonly action: string;
  /** What it is made for, and where it stands in Hive. */
  readonly why: string;
  /** A call that changes something, also where it changes nothing. */
  readonly write: boolean;
  /** Once for each of these; once for the cluster where nothing is said. */
  readonly each?: 'own VPC' | 'foreign VPC';
  /** Only with `dnsRecordType: ARecord`. */
  readonly onlyARecord?: true;
}

const read = (action: string, why: string): HiveStep => ({ action, why, write: false });
const write = (action: string, why: string): HiveStep => ({ action, why, write: true });

const findService = read(
  'ec2:DescribeVpcEndpointServiceConfigurations',
  'find the service by its tag (ensureVPCEndpointService)',
);
const findEndpoint = read('ec2:DescribeVpcEndpoints', 'find the endpoint by its tag (createVPCEndpoint)');
const findLoadBalancer: readonly HiveStep[] = [
  read('elasticloadbalancing:DescribeLoadBalancers', 'find the load balancer by name (discoverNLBForCluster)'),
  read('elasticloadbalancing:DescribeLoadBalancers', 'poll it by ARN until active, the first look at once'),
];
const principals: readonly HiveStep[] = [
  read('sts:GetCallerIdentity', 'the default principal (ensureVPCEndpointService)'),
  read('ec2:DescribeVpcEndpointServicePermissions', 'the allowed principals'),
];
const zone: readonly HiveStep[] = [
  read('route53:ListHostedZonesByName', 'find the zone by name (ensureHostedZone, findHostedZone)'),
];
const record: readonly HiveStep[] = [
  {
    ...read('ec2:DescribeNetworkInterfaces', 'the addresses of the endpoint (reconcileHostedZoneRecords)'),
    onlyARecord: true,
  },
  write('route53:ChangeResourceRecordSets', 'UPSERT of the record, at every sync'),
];
const associations: readonly HiveStep[] = [
  read('route53:GetHostedZone', 'the associated VPCs (reconcileHostedZoneAssociations)'),
];

/** From a ClusterDeployment whose load balancer is active to Ready. */
export const hiveCreate: readonly HiveStep[] = [
  ...findLoadBalancer,
  findService,
  write('ec2:CreateVpcEndpointServiceConfiguration', 'create the service'),
  read('ec2:DescribeVpcEndpointServiceConfigurations', 'poll it until Available'),
  ...principals,
  write('ec2:ModifyVpcEndpointServicePermissions', 'let the hub in'),
  findEndpoint,
  read('ec2:DescribeVpcEndpointServices', 'the zones of the service as the hub sees them (chooseVPCForVPCEndpoint)'),
  read('ec2:DescribeVpcEndpoints', 'count the endpoints of the candidate VPCs'),
  write('ec2:CreateVpcEndpoint', 'create the endpoint'),
  read('ec2:DescribeVpcEndpoints', 'poll it until available'),
  ...zone,
  write('route53:CreateHostedZone', 'create the zone'),
  ...record,
  ...associations,
  { ...write('route53:AssociateVPCWithHostedZone', 'associate'), each: 'own VPC' },
  { ...write('route53:CreateVPCAssociationAuthorization', 'authorise'), each: 'foreign VPC' },
  { ...write('route53:AssociateVPCWithHostedZone', 'associate, by the owner of the VPC'), each: 'foreign VPC' },
  { ...write('route53:DeleteVPCAssociationAuthorization', 'withdraw the authorisation'), each: 'foreign VPC' },
];

/** A sync of a cluster that is Ready and as it should be: every two hours, and once after a restart when those are over. */
export const hiveSync: readonly HiveStep[] = [
  ...findLoadBalancer,
  findService,
  ...principals,
  findEndpoint,
  ...zone,
  ...record,
  ...associations,
];
/** shouldSync: two hours for an installed cluster. */
export const hiveResyncMinutes = 120;

export interface HiveCase {
  readonly recordType: 'Alias' | 'ARecord';
  /** Associated VPCs of the hub's own account, and of others. */
  readonly ownVpcs: number;
  readonly foreignVpcs: number;
}

export function countCalls(steps: readonly HiveStep[], { recordType, ownVpcs, foreignVpcs }: HiveCase) {
  let calls = 0;
  let writes = 0;
  for (const { write: changes, each, onlyARecord } of steps) {
    if (onlyARecord === true && recordType !== 'ARecord') continue;
    const times = each === 'own VPC' ? ownVpcs : each === 'foreign VPC' ? foreignVpcs : 1;
    calls += times;
    if (changes) writes += times;
  }
  return { calls, writes };
}
