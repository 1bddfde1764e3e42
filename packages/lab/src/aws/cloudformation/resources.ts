/** The resource types that a stack may have: each made by EC2's own operations, with the caller's permissions. */
import { authorize } from '../access/authorize.ts';
import { resourcesOf } from '../access/resources.ts';
import { ec2Operations } from '../ec2/operations.ts';
import { notSimulated } from '../error.ts';
import { Call } from '../world/call.ts';
import type { Made } from './records.ts';

type Properties = Readonly<Record<string, unknown>>;
type Output = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any -- outputs of many operations
type Ec2 = (action: string, input: Properties) => Output;

/** EC2 on behalf of a stack's maker. */
export function ec2As(call: Call): Ec2 {
  return (action, input) => {
    const may = (what: string, resources: readonly string[]): void =>
      authorize(call.world, call.principal, 'ec2', call.region, what, resources);
    const { world, region, principal, requestId, url } = call;
    const inner = new Call({ world, service: 'ec2', action, region, principal, requestId, input, authorize: may, url });
    may(`ec2:${action}`, resourcesOf(inner));
    const handler = (ec2Operations as Readonly<Record<string, unknown>>)[action] as (
      call: Call,
      input: unknown,
    ) => Output;
    return handler(inner, input);
  };
}

type Making = Omit<Made, 'logical' | 'type'>;
type Maker = (ec2: Ec2, properties: Properties, tags: Readonly<Record<string, string>>) => Making;

function tagged(type: string, properties: Properties, own: Readonly<Record<string, string>>): Properties {
  const given = (properties['Tags'] ?? []) as Array<{ Key: string; Value: string }>;
  const Tags = [...given, ...Object.entries(own).map(([Key, Value]) => ({ Key, Value }))];
  return Tags.length === 0 ? {} : { TagSpecifications: [{ ResourceType: type, Tags }] };
}

const pick = (properties: Properties, ...names: string[]): Properties =>
  Object.fromEntries(names.filter((name) => name in properties).map((name) => [name, properties[name]]));

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_EC2.html */
const makers: Readonly<Record<string, Maker>> = {
  'AWS::EC2::VPC'(ec2, properties, tags) {
    const input = { ...pick(properties, 'CidrBlock', 'InstanceTenancy'), ...tagged('vpc', properties, tags) };
    const VpcId = String(ec2('CreateVpc', input)['Vpc'].VpcId);
    for (const attribute of ['EnableDnsSupport', 'EnableDnsHostnames'])
      if (attribute in properties)
        ec2('ModifyVpcAttribute', { VpcId, [attribute]: { Value: String(properties[attribute]) === 'true' } });
    const group = ec2('DescribeSecurityGroups', { Filters: [{ Name: 'vpc-id', Values: [VpcId] }] });
    const attributes = {
      VpcId,
      CidrBlock: String(properties['CidrBlock']),
      DefaultSecurityGroup: String(group['SecurityGroups'][0].GroupId),
    };
    return { physical: VpcId, attributes, undo: { action: 'DeleteVpc', input: { VpcId } } };
  },
  'AWS::EC2::Subnet'(ec2, properties, tags) {
    const input = {
      ...pick(properties, 'VpcId', 'CidrBlock', 'AvailabilityZone', 'AvailabilityZoneId'),
      ...tagged('subnet', properties, tags),
    };
    const made = ec2('CreateSubnet', input)['Subnet'];
    const SubnetId = String(made.SubnetId);
    if (String(properties['MapPublicIpOnLaunch']) === 'true')
      ec2('ModifySubnetAttribute', { SubnetId, MapPublicIpOnLaunch: { Value: true } });
    const attributes = { SubnetId, VpcId: String(made.VpcId), AvailabilityZone: String(made.AvailabilityZone) };
    return { physical: SubnetId, attributes, undo: { action: 'DeleteSubnet', input: { SubnetId } } };
  },
  'AWS::EC2::InternetGateway'(ec2, properties, tags) {
    const made = ec2('CreateInternetGateway', tagged('internet-gateway', properties, tags));
    const InternetGatewayId = String(made['InternetGateway'].InternetGatewayId);
    const undo = { action: 'DeleteInternetGateway', input: { InternetGatewayId } };
    return { physical: InternetGatewayId, attributes: { InternetGatewayId }, undo };
  },
  'AWS::EC2::VPCGatewayAttachment'(ec2, properties) {
    const input = pick(properties, 'VpcId', 'InternetGatewayId');
    ec2('AttachInternetGateway', input);
    return {
      physical: `IGW|${String(input['VpcId'])}`,
      attributes: {},
      undo: { action: 'DetachInternetGateway', input },
    };
  },
  'AWS::EC2::RouteTable'(ec2, properties, tags) {
    const input = { ...pick(properties, 'VpcId'), ...tagged('route-table', properties, tags) };
    const RouteTableId = String(ec2('CreateRouteTable', input)['RouteTable'].RouteTableId);
    const undo = { action: 'DeleteRouteTable', input: { RouteTableId } };
    return { physical: RouteTableId, attributes: { RouteTableId }, undo };
  },
  'AWS::EC2::Route'(ec2, properties) {
    ec2('CreateRoute', properties);
    const input = pick(properties, 'RouteTableId', 'DestinationCidrBlock');
    const physical = `${String(input['RouteTableId'])}|${String(input['DestinationCidrBlock'])}`;
    return { physical, attributes: {}, undo: { action: 'DeleteRoute', input } };
  },
  'AWS::EC2::SubnetRouteTableAssociation'(ec2, properties) {
    const AssociationId = String(
      ec2('AssociateRouteTable', pick(properties, 'SubnetId', 'RouteTableId'))['AssociationId'],
    );
    const undo = { action: 'DisassociateRouteTable', input: { AssociationId } };
    return { physical: AssociationId, attributes: { Id: AssociationId }, undo };
  },
  'AWS::EC2::EIP'(ec2, properties, tags) {
    const made = ec2('AllocateAddress', { Domain: 'vpc', ...tagged('elastic-ip', properties, tags) });
    const AllocationId = String(made['AllocationId']);
    const attributes = { AllocationId, PublicIp: String(made['PublicIp']) };
    return { physical: attributes.PublicIp, attributes, undo: { action: 'ReleaseAddress', input: { AllocationId } } };
  },
  'AWS::EC2::NatGateway'(ec2, properties, tags) {
    const input = {
      ...pick(properties, 'SubnetId', 'AllocationId', 'ConnectivityType'),
      ...tagged('natgateway', properties, tags),
    };
    const NatGatewayId = String(ec2('CreateNatGateway', input)['NatGateway'].NatGatewayId);
    const undo = { action: 'DeleteNatGateway', input: { NatGatewayId } };
    return { physical: NatGatewayId, attributes: { NatGatewayId }, undo };
  },
};

export function make(
  call: Call,
  stack: { readonly id: string; readonly name: string },
  logical: string,
  type: string,
  properties: Properties,
): Made {
  const maker = makers[type];
  if (maker === undefined)
    throw notSimulated(`the resource type ${type}; stacks may have ${Object.keys(makers).join(', ')}`);
  // `aws:` tags are CloudFormation's own and cannot be given by hand; ours are spelt without the colon.
  const tags = { 'cloudformation-stack-name': stack.name, 'cloudformation-logical-id': logical };
  return { logical, type, ...maker(ec2As(call), properties, tags) };
}
