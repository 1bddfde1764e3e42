import { stringify } from 'yaml';

/**
 * CloudFormation for a development VPC: a public and a private subnet in each of one to six zones, one route table for all
 * public subnets and one for each private one, as the PrivateLink document's walk-through has it.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
 */

const zonesMax = 6;

type Json = Record<string, unknown>;

const ref = (name: string): Json => ({ Ref: name });
const att = (name: string, attribute: string): Json => ({ 'Fn::GetAtt': [name, attribute] });
const onlyIf = (condition: string, value: unknown): Json => ({ 'Fn::If': [condition, value, ref('AWS::NoValue')] });
const named = (suffix: string): Json[] => [
  { Key: 'Name', Value: { 'Fn::Join': ['-', [ref('AWS::StackName'), suffix]] } },
];
/** The n-th block, n from 0; six zones have twelve. */
const block = (n: number): Json => ({
  'Fn::Select': [n, { 'Fn::Cidr': [ref('VpcCidr'), zonesMax * 2, ref('SubnetBits')] }],
});
const zone = (n: number): Json => ({ 'Fn::Select': [n, { 'Fn::GetAZs': ref('AWS::Region') }] });

const hasZone = (n: number): string => `HasZone${n + 1}`;
const hasNat = (n: number): string => `HasNat${n + 1}`;

export function vpcTemplate(): string {
  const zones = Array.from({ length: zonesMax }, (_, n) => n);
  const template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'A VPC for development with private links: public and private subnets in one to six zones.',
    Parameters: parameters,
    Conditions: Object.assign({}, ...zones.map(conditions)) as Json,
    Resources: { ...shared, ...(Object.assign({}, ...zones.map(zoneResources)) as Json) },
    Outputs: {
      VpcId: { Description: 'ID of the new VPC.', Value: ref('Vpc') },
      PublicSubnetIds: subnetList('public', 'PublicSubnet', zones),
      PrivateSubnetIds: subnetList('private', 'PrivateSubnet', zones),
    },
  };
  return stringify(template, { lineWidth: 0, aliasDuplicateObjects: false });
}

const parameters = {
  AvailabilityZoneCount: {
    Type: 'Number',
    Default: 3,
    MinValue: 1,
    MaxValue: zonesMax,
    Description: 'In how many zones there are subnets.',
  },
  VpcCidr: {
    Type: 'String',
    Default: '10.0.0.0/16',
    AllowedPattern: '^([0-9]{1,3}\\.){3}[0-9]{1,3}/(1[6-9]|2[0-4])$',
    ConstraintDescription: 'must be a network from /16 to /24, such as 10.0.0.0/16',
    Description: 'The addresses of the VPC; VPCs that are to be peered must not overlap.',
  },
  SubnetBits: {
    Type: 'Number',
    Default: 12,
    MinValue: 4,
    MaxValue: 13,
    Description: 'Host bits of each subnet: 12 makes a /20. Twelve such subnets must fit into the VPC.',
  },
  NatGateways: {
    Type: 'String',
    Default: 'PerZone',
    AllowedValues: ['PerZone', 'None'],
    Description: 'PerZone lets private subnets out, as a cluster needs it; None for a VPC that only holds endpoints.',
  },
};

/** A zone is there when the count reaches it: conditions can only compare for equality. */
function conditions(n: number): Json {
  const counts = Array.from({ length: zonesMax - n }, (_, i) => n + 1 + i);
  const equal = counts.map((count) => ({ 'Fn::Equals': [ref('AvailabilityZoneCount'), count] }));
  const wantsNat = { 'Fn::Equals': [ref('NatGateways'), 'PerZone'] };
  return {
    [hasZone(n)]: equal.length === 1 ? equal[0] : { 'Fn::Or': equal },
    [hasNat(n)]: { 'Fn::And': [{ Condition: hasZone(n) }, wantsNat] },
  };
}

const shared = {
  Vpc: {
    Type: 'AWS::EC2::VPC',
    // Private zones resolve only where both are on.
    Properties: { CidrBlock: ref('VpcCidr'), EnableDnsSupport: true, EnableDnsHostnames: true, Tags: named('vpc') },
  },
  InternetGateway: { Type: 'AWS::EC2::InternetGateway', Properties: { Tags: named('igw') } },
  GatewayAttachment: {
    Type: 'AWS::EC2::VPCGatewayAttachment',
    Properties: { VpcId: ref('Vpc'), InternetGatewayId: ref('InternetGateway') },
  },
  PublicRouteTable: {
    Type: 'AWS::EC2::RouteTable',
    Properties: { VpcId: ref('Vpc'), Tags: named('public') },
  },
  PublicRoute: {
    Type: 'AWS::EC2::Route',
    DependsOn: 'GatewayAttachment',
    Properties: {
      RouteTableId: ref('PublicRouteTable'),
      DestinationCidrBlock: '0.0.0.0/0',
      GatewayId: ref('InternetGateway'),
    },
  },
};

function zoneResources(n: number): Json {
  const at = n + 1;
  const resource = (Condition: string, Type: string, Properties: Json, more: Json = {}): Json => ({
    Type,
    Condition,
    ...more,
    Properties,
  });
  const subnet = (kind: 'public' | 'private', index: number): Json =>
    resource(hasZone(n), 'AWS::EC2::Subnet', {
      VpcId: ref('Vpc'),
      CidrBlock: block(index),
      AvailabilityZone: zone(n),
      Tags: named(`${kind}-${at}`),
    });
  const association = (name: string, table: string): Json =>
    resource(hasZone(n), 'AWS::EC2::SubnetRouteTableAssociation', { SubnetId: ref(name), RouteTableId: ref(table) });
  return {
    [`PublicSubnet${at}`]: subnet('public', n),
    [`PublicAssociation${at}`]: association(`PublicSubnet${at}`, 'PublicRouteTable'),
    [`PrivateSubnet${at}`]: subnet('private', zonesMax + n),
    [`PrivateRouteTable${at}`]: resource(hasZone(n), 'AWS::EC2::RouteTable', {
      VpcId: ref('Vpc'),
      Tags: named(`private-${at}`),
    }),
    [`PrivateAssociation${at}`]: association(`PrivateSubnet${at}`, `PrivateRouteTable${at}`),
    [`NatAddress${at}`]: resource(hasNat(n), 'AWS::EC2::EIP', { Domain: 'vpc' }, { DependsOn: 'GatewayAttachment' }),
    [`NatGateway${at}`]: resource(hasNat(n), 'AWS::EC2::NatGateway', {
      AllocationId: att(`NatAddress${at}`, 'AllocationId'),
      SubnetId: ref(`PublicSubnet${at}`),
    }),
    [`PrivateRoute${at}`]: resource(hasNat(n), 'AWS::EC2::Route', {
      RouteTableId: ref(`PrivateRouteTable${at}`),
      DestinationCidrBlock: '0.0.0.0/0',
      NatGatewayId: ref(`NatGateway${at}`),
    }),
  };
}

function subnetList(kind: string, name: string, zones: readonly number[]): Json {
  const ids = zones.map((n) => (n === 0 ? ref(`${name}1`) : onlyIf(hasZone(n), ref(`${name}${n + 1}`))));
  return { Description: `Subnet IDs of the ${kind} subnets.`, Value: { 'Fn::Join': [',', ids] } };
}
