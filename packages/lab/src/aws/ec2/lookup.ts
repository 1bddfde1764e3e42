/** Finds a caller's records by id, or refuses with the code EC2 has for it. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';
import type { Kind, Stored } from '../world/kind.ts';

interface Naming {
  /** `InvalidVpcID.NotFound`. */
  readonly notFound: string;
  /** `vpc ID`, as in "The vpc ID 'vpc-1' does not exist". */
  readonly noun: string;
  readonly prefix: string;
  /** The code for what is no id at all, where it differs: `InvalidVpcId.Malformed`. */
  readonly malformed?: string;
}

const namings: Readonly<Record<string, Naming>> = {
  vpc: { notFound: 'InvalidVpcID.NotFound', noun: 'vpc ID', prefix: 'vpc-' },
  subnet: { notFound: 'InvalidSubnetID.NotFound', noun: 'subnet ID', prefix: 'subnet-' },
  'security-group': {
    notFound: 'InvalidGroup.NotFound',
    noun: 'security group',
    prefix: 'sg-',
    malformed: 'InvalidGroupId.Malformed',
  },
  'security-group-rule': {
    notFound: 'InvalidSecurityGroupRuleId.NotFound',
    noun: 'security group rule ID',
    prefix: 'sgr-',
  },
  'network-interface': { notFound: 'InvalidNetworkInterfaceID.NotFound', noun: 'networkInterface ID', prefix: 'eni-' },
  'route-table': { notFound: 'InvalidRouteTableID.NotFound', noun: 'routeTable ID', prefix: 'rtb-' },
  'network-acl': { notFound: 'InvalidNetworkAclID.NotFound', noun: 'networkAcl ID', prefix: 'acl-' },
  'dhcp-options': { notFound: 'InvalidDhcpOptionID.NotFound', noun: 'DHCP option ID', prefix: 'dopt-' },
  'internet-gateway': { notFound: 'InvalidInternetGatewayID.NotFound', noun: 'internetGateway ID', prefix: 'igw-' },
  'nat-gateway': { notFound: 'NatGatewayNotFound', noun: 'NAT gateway', prefix: 'nat-' },
  'elastic-ip': { notFound: 'InvalidAllocationID.NotFound', noun: 'allocation ID', prefix: 'eipalloc-' },
  'vpc-peering-connection': {
    notFound: 'InvalidVpcPeeringConnectionID.NotFound',
    noun: 'vpcPeeringConnection ID',
    prefix: 'pcx-',
  },
  'vpc-endpoint': { notFound: 'InvalidVpcEndpointId.NotFound', noun: 'Vpc Endpoint Id', prefix: 'vpce-' },
  'vpc-endpoint-service': {
    notFound: 'InvalidVpcEndpointServiceId.NotFound',
    noun: 'VpcEndpointService Id',
    prefix: 'vpce-svc-',
  },
  'vpn-gateway': { notFound: 'InvalidVpnGatewayID.NotFound', noun: 'vpnGateway ID', prefix: 'vgw-' },
  'customer-gateway': { notFound: 'InvalidCustomerGatewayID.NotFound', noun: 'customerGateway ID', prefix: 'cgw-' },
  'vpn-connection': { notFound: 'InvalidVpnConnectionID.NotFound', noun: 'vpnConnection ID', prefix: 'vpn-' },
  'transit-gateway': { notFound: 'InvalidTransitGatewayID.NotFound', noun: 'Transit Gateway', prefix: 'tgw-' },
  'transit-gateway-attachment': {
    notFound: 'InvalidTransitGatewayAttachmentID.NotFound',
    noun: 'Transit Gateway Attachment',
    prefix: 'tgw-attach-',
  },
  'transit-gateway-route-table': {
    notFound: 'InvalidRouteTableID.NotFound',
    noun: 'Transit Gateway Route Table',
    prefix: 'tgw-rtb-',
  },
  'vpc-flow-log': { notFound: 'InvalidFlowLogId.NotFound', noun: 'flow log ID', prefix: 'fl-' },
};

/** The caller's record of that id. */
export function need<T extends Stored>(call: Call, kind: Kind<T>, id: string | undefined): T {
  const record = kind.mine(call, id);
  if (record !== undefined) return record;
  throw absent(kind.name, id);
}

export function absent(kindName: string, id: string | undefined): AwsError {
  const naming = namings[kindName];
  if (naming === undefined) return new AwsError('InvalidParameterValue', `${kindName} '${id ?? ''}' does not exist`);
  if (id !== undefined && !id.startsWith(naming.prefix))
    return new AwsError(
      naming.malformed ?? `${naming.notFound.replace(/\.?NotFound$/, '')}.Malformed`,
      `Invalid id: "${id}" (expecting "${naming.prefix}...")`,
    );
  return new AwsError(naming.notFound, `The ${naming.noun} '${id ?? ''}' does not exist`);
}

/** The records a describe call asks for by id, or all of the caller's: an id that is not there refuses the whole call. */
export function chosen<T extends Stored>(call: Call, kind: Kind<T>, ids: readonly string[] | undefined): T[] {
  if (ids === undefined || ids.length === 0) return kind.list(call);
  return [...new Set(ids)].map((id) => need(call, kind, id));
}

/** What is in the way of a deletion. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
export function dependency(noun: string, id: string): AwsError {
  return new AwsError('DependencyViolation', `The ${noun} '${id}' has dependencies and cannot be deleted.`);
}
