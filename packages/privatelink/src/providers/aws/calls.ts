import * as ec2 from '@aws-sdk/client-ec2';
import * as elb from '@aws-sdk/client-elastic-load-balancing-v2';
import * as route53 from '@aws-sdk/client-route-53';
import * as sts from '@aws-sdk/client-sts';

/**
 * Every AWS call the code can make, by whose credentials make it. The clients are typed by these tables and can do nothing
 * else, so the least-privilege policies are read off them.
 */

export type ServiceName = 'ec2' | 'elasticloadbalancing' | 'route53' | 'sts';

/** What of an SDK command class is needed to call it and to know what comes back. */
interface SdkCommand<Input extends object, Output> {
  readonly input: Input;
  resolveMiddleware: (...args: never[]) => (args: never) => Promise<{ readonly output: Output }>;
}

export interface Call<Input extends object, Output> {
  /** IAM's prefix; also which client makes it. */
  readonly service: ServiceName;
  /** IAM's name of the action, which is the operation's. */
  readonly action: string;
  readonly command: new (input: Input) => SdkCommand<Input, Output>;
  /** Optional: without it the controller does less, says so, and goes on. */
  readonly optional: boolean;
}

function on<Input extends object, Output>(
  service: ServiceName,
  command: new (input: Input) => SdkCommand<Input, Output>,
  optional: 'optional' | 'required' = 'required',
): Call<Input, Output> {
  return { service, action: command.name.replace(/Command$/, ''), command, optional: optional === 'optional' };
}

/** The account that owns the cluster or service. */
export const customerCalls = {
  describeLoadBalancers: on('elasticloadbalancing', elb.DescribeLoadBalancersCommand),
  /** Only for a load balancer that is referred to by a tag. */
  describeLoadBalancerTags: on('elasticloadbalancing', elb.DescribeTagsCommand, 'optional'),
  createService: on('ec2', ec2.CreateVpcEndpointServiceConfigurationCommand),
  describeServices: on('ec2', ec2.DescribeVpcEndpointServiceConfigurationsCommand),
  modifyService: on('ec2', ec2.ModifyVpcEndpointServiceConfigurationCommand),
  describeServicePermissions: on('ec2', ec2.DescribeVpcEndpointServicePermissionsCommand),
  modifyServicePermissions: on('ec2', ec2.ModifyVpcEndpointServicePermissionsCommand),
  deleteServices: on('ec2', ec2.DeleteVpcEndpointServiceConfigurationsCommand),
  /** A service is made with its tags, which prove whose it is; AWS asks for this at its creation. */
  createTags: on('ec2', ec2.CreateTagsCommand),
  describeConnections: on('ec2', ec2.DescribeVpcEndpointConnectionsCommand, 'optional'),
  rejectConnections: on('ec2', ec2.RejectVpcEndpointConnectionsCommand, 'optional'),
  acceptConnections: on('ec2', ec2.AcceptVpcEndpointConnectionsCommand, 'optional'),
} as const;

/** The account with the inventory of endpoint VPCs. */
export const hubCalls = {
  getCallerIdentity: on('sts', sts.GetCallerIdentityCommand),
  describeVisibleServices: on('ec2', ec2.DescribeVpcEndpointServicesCommand),
  describeEndpoints: on('ec2', ec2.DescribeVpcEndpointsCommand),
  createEndpoint: on('ec2', ec2.CreateVpcEndpointCommand),
  modifyEndpoint: on('ec2', ec2.ModifyVpcEndpointCommand, 'optional'),
  deleteEndpoints: on('ec2', ec2.DeleteVpcEndpointsCommand),
  createTags: on('ec2', ec2.CreateTagsCommand),
  describeNetworkInterfaces: on('ec2', ec2.DescribeNetworkInterfacesCommand),
  describeSecurityGroups: on('ec2', ec2.DescribeSecurityGroupsCommand, 'optional'),
  createZone: on('route53', route53.CreateHostedZoneCommand),
  getZone: on('route53', route53.GetHostedZoneCommand),
  listZonesByName: on('route53', route53.ListHostedZonesByNameCommand, 'optional'),
  listZonesByVpc: on('route53', route53.ListHostedZonesByVPCCommand),
  listZoneTags: on('route53', route53.ListTagsForResourceCommand, 'optional'),
  changeZoneTags: on('route53', route53.ChangeTagsForResourceCommand, 'optional'),
  listRecords: on('route53', route53.ListResourceRecordSetsCommand),
  changeRecords: on('route53', route53.ChangeResourceRecordSetsCommand),
  deleteZone: on('route53', route53.DeleteHostedZoneCommand),
  associateVpc: on('route53', route53.AssociateVPCWithHostedZoneCommand),
  disassociateVpc: on('route53', route53.DisassociateVPCFromHostedZoneCommand),
  authoriseAssociation: on('route53', route53.CreateVPCAssociationAuthorizationCommand),
  listAuthorisations: on('route53', route53.ListVPCAssociationAuthorizationsCommand, 'optional'),
  withdrawAuthorisation: on('route53', route53.DeleteVPCAssociationAuthorizationCommand),
} as const;

/** The account that owns an associated VPC. */
export const associationCalls = {
  associateVpc: on('route53', route53.AssociateVPCWithHostedZoneCommand),
  disassociateVpc: on('route53', route53.DisassociateVPCFromHostedZoneCommand),
} as const;

/** Network plumbing in the account with the endpoint VPCs; only the commands that prepare and verify VPCs make these. */
export const endpointPlumbingCalls = {
  describeZones: on('ec2', ec2.DescribeAvailabilityZonesCommand),
  describeVpcs: on('ec2', ec2.DescribeVpcsCommand),
  describeSubnets: on('ec2', ec2.DescribeSubnetsCommand),
  describeRouteTables: on('ec2', ec2.DescribeRouteTablesCommand),
  describeGroups: on('ec2', ec2.DescribeSecurityGroupsCommand),
  describePeerings: on('ec2', ec2.DescribeVpcPeeringConnectionsCommand),
  describeEndpoints: on('ec2', ec2.DescribeVpcEndpointsCommand),
  acceptPeering: on('ec2', ec2.AcceptVpcPeeringConnectionCommand),
  createRoute: on('ec2', ec2.CreateRouteCommand),
  deleteRoute: on('ec2', ec2.DeleteRouteCommand),
  allowIngress: on('ec2', ec2.AuthorizeSecurityGroupIngressCommand),
  forbidIngress: on('ec2', ec2.RevokeSecurityGroupIngressCommand),
  describeTransitAttachments: on('ec2', ec2.DescribeTransitGatewayVpcAttachmentsCommand, 'optional'),
  getZone: on('route53', route53.GetHostedZoneCommand),
} as const;

/** Network plumbing in the account that owns an associated VPC. */
export const associatedPlumbingCalls = {
  describeVpcs: on('ec2', ec2.DescribeVpcsCommand),
  describeVpcAttribute: on('ec2', ec2.DescribeVpcAttributeCommand),
  describeRouteTables: on('ec2', ec2.DescribeRouteTablesCommand),
  describeGroups: on('ec2', ec2.DescribeSecurityGroupsCommand),
  describePeerings: on('ec2', ec2.DescribeVpcPeeringConnectionsCommand),
  createPeering: on('ec2', ec2.CreateVpcPeeringConnectionCommand),
  createTags: on('ec2', ec2.CreateTagsCommand),
  deletePeering: on('ec2', ec2.DeleteVpcPeeringConnectionCommand),
  createRoute: on('ec2', ec2.CreateRouteCommand),
  deleteRoute: on('ec2', ec2.DeleteRouteCommand),
  allowIngress: on('ec2', ec2.AuthorizeSecurityGroupIngressCommand),
  forbidIngress: on('ec2', ec2.RevokeSecurityGroupIngressCommand),
  describeTransitAttachments: on('ec2', ec2.DescribeTransitGatewayVpcAttachmentsCommand, 'optional'),
} as const;

/** The base identity of AssumeRole. */
export const baseCalls = {
  assumeRole: on('sts', sts.AssumeRoleCommand),
  getCallerIdentity: on('sts', sts.GetCallerIdentityCommand),
} as const;

export type CallTable = Readonly<Record<string, Call<never, unknown>>>;

/** The client that a table gives: one async function a call. */
export type ClientOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Call<infer Input, infer Output>
    ? (input: Input, signal?: AbortSignal) => Promise<Output>
    : never;
};

export type CustomerClient = ClientOf<typeof customerCalls>;
export type HubClient = ClientOf<typeof hubCalls>;
export type AssociationClient = ClientOf<typeof associationCalls>;
export type BaseClient = ClientOf<typeof baseCalls>;
export type EndpointPlumber = ClientOf<typeof endpointPlumbingCalls>;
export type AssociatedPlumber = ClientOf<typeof associatedPlumbingCalls>;

/** The optional actions of the hub and customer, as IAM writes them. */
export function iamAction(call: Pick<Call<never, unknown>, 'service' | 'action'>): string {
  return `${call.service}:${call.action}`;
}
