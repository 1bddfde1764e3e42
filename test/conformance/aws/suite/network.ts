/** VPCs, subnets, security groups, route tables, tags, peering. */
import assert from 'node:assert/strict';
import type { Case } from '../support/case.ts';
import { vpcWithSubnets } from '../support/fixtures.ts';

export const networkCases: readonly Case[] = [
  {
    name: 'the caller has an account of twelve digits and an ARN that names it',
    async run({ a }) {
      const identity = await a.sts.getCallerIdentity({});
      assert.match(identity.Account ?? '', /^\d{12}$/);
      assert.ok(identity.Arn?.includes(`:${identity.Account}:`));
      assert.ok(identity.UserId);
    },
  },
  {
    name: 'a VPC comes with a default group, a main route table and a default ACL, and goes with them',
    async run({ a }) {
      const { Vpc: made } = await a.ec2.createVpc({
        CidrBlock: '10.20.0.0/16',
        TagSpecifications: [{ ResourceType: 'vpc', Tags: [{ Key: 'Name', Value: 'x' }] }],
      });
      const id = made!.VpcId!;
      const inVpc = { Filters: [{ Name: 'vpc-id', Values: [id] }] };
      assert.deepEqual(
        (await a.ec2.describeSecurityGroups(inVpc)).SecurityGroups?.map(({ GroupName }) => GroupName),
        ['default'],
      );
      const tables = await a.ec2.describeRouteTables(inVpc);
      assert.equal(tables.RouteTables?.[0]?.Associations?.[0]?.Main, true);
      assert.equal(tables.RouteTables?.[0]?.Routes?.[0]?.GatewayId, 'local');
      assert.equal((await a.ec2.describeNetworkAcls(inVpc)).NetworkAcls?.[0]?.IsDefault, true);
      const { Vpcs: found } = await a.ec2.describeVpcs({
        Filters: [
          { Name: 'vpc-id', Values: [id] },
          { Name: 'tag:Name', Values: ['x'] },
        ],
      });
      assert.equal(found?.[0]?.CidrBlock, '10.20.0.0/16');
      assert.equal(
        (await a.ec2.describeVpcAttribute({ VpcId: id, Attribute: 'enableDnsHostnames' })).EnableDnsHostnames?.Value,
        false,
      );
      await a.ec2.modifyVpcAttribute({ VpcId: id, EnableDnsHostnames: { Value: true } });
      assert.equal(
        (await a.ec2.describeVpcAttribute({ VpcId: id, Attribute: 'enableDnsHostnames' })).EnableDnsHostnames?.Value,
        true,
      );
      await a.ec2.deleteVpc({ VpcId: id });
      await assert.rejects(a.ec2.describeVpcs({ VpcIds: [id] }), { name: 'InvalidVpcID.NotFound' });
      await assert.rejects(a.ec2.deleteVpc({ VpcId: id }), { name: 'InvalidVpcID.NotFound' });
    },
  },
  {
    name: 'subnets lie in their VPC, do not overlap, and keep the VPC from being deleted',
    async run(stage) {
      const { a } = stage;
      const { vpc, subnets } = await vpcWithSubnets(stage, a, '10.21', 'a');
      await assert.rejects(a.ec2.createSubnet({ VpcId: vpc, CidrBlock: '10.99.0.0/24' }), {
        name: 'InvalidSubnet.Range',
      });
      await assert.rejects(a.ec2.createSubnet({ VpcId: vpc, CidrBlock: '10.21.0.0/25' }), {
        name: 'InvalidSubnet.Conflict',
      });
      await assert.rejects(a.ec2.deleteVpc({ VpcId: vpc }), { name: 'DependencyViolation' });
      const { Subnets: found } = await a.ec2.describeSubnets({ SubnetIds: subnets });
      assert.equal(found?.[0]?.AvailableIpAddressCount, 251, 'five addresses are reserved');
      assert.equal(found[0].AvailabilityZone, `${a.region}a`);
      assert.ok(found[0].AvailabilityZoneId);
      await assert.rejects(a.ec2.describeSubnets({ SubnetIds: ['subnet-0123456789abcdef0'] }), {
        name: 'InvalidSubnetID.NotFound',
      });
    },
  },
  {
    name: 'a security group keeps each rule once',
    async run(stage) {
      const { a } = stage;
      const { vpc } = await vpcWithSubnets(stage, a, '10.22', '');
      const make = async (name: string): Promise<string> => {
        const { GroupId: id } = await a.ec2.createSecurityGroup({ GroupName: name, Description: 'a test', VpcId: vpc });
        stage.cleanup(() =>
          a.ec2
            .deleteSecurityGroup({ GroupId: id })
            .catch((error: Error) => assert.equal(error.name, 'InvalidGroup.NotFound')),
        );
        return id!;
      };
      const [one, two] = [await make('one'), await make('two')];
      await assert.rejects(make('one'), { name: 'InvalidGroup.Duplicate' });
      const https = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: '10.0.0.0/8' }] };
      await a.ec2.authorizeSecurityGroupIngress({ GroupId: one, IpPermissions: [https] });
      await assert.rejects(a.ec2.authorizeSecurityGroupIngress({ GroupId: one, IpPermissions: [https] }), {
        name: 'InvalidPermission.Duplicate',
      });
      const fromTwo = { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: two }] };
      await a.ec2.authorizeSecurityGroupIngress({ GroupId: one, IpPermissions: [fromTwo] });
      const { SecurityGroups: found } = await a.ec2.describeSecurityGroups({ GroupIds: [one] });
      assert.equal(found?.[0]?.IpPermissions?.length, 2);
      assert.equal(
        found[0].IpPermissionsEgress?.[0]?.IpRanges?.[0]?.CidrIp,
        '0.0.0.0/0',
        'anything may leave at first',
      );
      const { SecurityGroupRules: rules } = await a.ec2.describeSecurityGroupRules({
        Filters: [{ Name: 'group-id', Values: [one] }],
      });
      assert.equal(rules?.length, 3);
      await a.ec2.revokeSecurityGroupIngress({ GroupId: one, IpPermissions: [https, fromTwo] });
      await assert.rejects(a.ec2.revokeSecurityGroupIngress({ GroupId: one, IpPermissions: [https] }), {
        name: 'InvalidPermission.NotFound',
      });
      await a.ec2.deleteSecurityGroup({ GroupId: two });
    },
  },
  {
    name: 'a security group stays while another one names it',
    motoLacks: 'moto deletes a group that rules of another refer to',
    async run(stage) {
      const { a } = stage;
      const { vpc } = await vpcWithSubnets(stage, a, '10.27', '');
      const make = async (GroupName: string): Promise<string> => {
        const { GroupId } = await a.ec2.createSecurityGroup({ GroupName, Description: 'a test', VpcId: vpc });
        return GroupId!;
      };
      const [one, two] = [await make('one'), await make('two')];
      await a.ec2.authorizeSecurityGroupIngress({
        GroupId: one,
        IpPermissions: [{ IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: two }] }],
      });
      await assert.rejects(a.ec2.deleteSecurityGroup({ GroupId: two }), { name: 'DependencyViolation' });
      await a.ec2.deleteSecurityGroup({ GroupId: one });
      await a.ec2.deleteSecurityGroup({ GroupId: two });
    },
  },
  {
    name: 'a route table takes a destination once, and cannot go while a subnet uses it',
    async run(stage) {
      const { a } = stage;
      const { vpc, subnets } = await vpcWithSubnets(stage, a, '10.23', 'a');
      const { InternetGateway: gateway } = await a.ec2.createInternetGateway({});
      const igw = gateway!.InternetGatewayId!;
      stage.cleanup(() => a.ec2.deleteInternetGateway({ InternetGatewayId: igw }));
      await a.ec2.attachInternetGateway({ InternetGatewayId: igw, VpcId: vpc });
      stage.cleanup(() => a.ec2.detachInternetGateway({ InternetGatewayId: igw, VpcId: vpc }));
      const { RouteTable: made } = await a.ec2.createRouteTable({ VpcId: vpc });
      const table = made!.RouteTableId!;
      const { AssociationId: association } = await a.ec2.associateRouteTable({
        RouteTableId: table,
        SubnetId: subnets[0]!,
      });
      const route = { RouteTableId: table, DestinationCidrBlock: '0.0.0.0/0' };
      await a.ec2.createRoute({ ...route, GatewayId: igw });
      const { RouteTables: found } = await a.ec2.describeRouteTables({
        Filters: [{ Name: 'association.subnet-id', Values: subnets }],
      });
      assert.equal(
        found?.[0]?.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === '0.0.0.0/0')?.GatewayId,
        igw,
      );
      await assert.rejects(a.ec2.deleteRouteTable({ RouteTableId: table }), { name: 'DependencyViolation' });
      await a.ec2.deleteRoute(route);
      await assert.rejects(a.ec2.deleteRoute(route), { name: 'InvalidRoute.NotFound' });
      await a.ec2.disassociateRouteTable({ AssociationId: association });
      await a.ec2.deleteRouteTable({ RouteTableId: table });
      await assert.rejects(a.ec2.describeRouteTables({ RouteTableIds: [table] }), {
        name: 'InvalidRouteTableID.NotFound',
      });
    },
  },
  {
    name: 'tags are set, found and taken away',
    async run(stage) {
      const { a } = stage;
      const { vpc } = await vpcWithSubnets(stage, a, '10.24', '');
      const value = stage.name('value');
      await a.ec2.createTags({
        Resources: [vpc],
        Tags: [
          { Key: 'k', Value: value },
          { Key: 'other', Value: '' },
        ],
      });
      assert.deepEqual(
        (await a.ec2.describeVpcs({ Filters: [{ Name: 'tag:k', Values: [value] }] })).Vpcs?.map(({ VpcId }) => VpcId),
        [vpc],
      );
      const { Tags: tags } = await a.ec2.describeTags({ Filters: [{ Name: 'resource-id', Values: [vpc] }] });
      assert.deepEqual(
        tags?.map(({ Key, ResourceType }) => [Key, ResourceType]),
        [
          ['k', 'vpc'],
          ['other', 'vpc'],
        ],
      );
      await a.ec2.deleteTags({ Resources: [vpc], Tags: [{ Key: 'k' }] });
      assert.deepEqual((await a.ec2.describeVpcs({ Filters: [{ Name: 'tag:k', Values: [value] }] })).Vpcs, []);
    },
  },
  {
    name: 'a peering waits for acceptance, then is active, then deleted',
    async run(stage) {
      const { a } = stage;
      const one = await vpcWithSubnets(stage, a, '10.25', '');
      const two = await vpcWithSubnets(stage, a, '10.26', '');
      const { VpcPeeringConnection: made } = await a.ec2.createVpcPeeringConnection({
        VpcId: one.vpc,
        PeerVpcId: two.vpc,
      });
      const id = made!.VpcPeeringConnectionId!;
      const status = async () =>
        (await a.ec2.describeVpcPeeringConnections({ VpcPeeringConnectionIds: [id] })).VpcPeeringConnections?.[0]
          ?.Status?.Code;
      await stage.eventually('the peering to wait', async () => (await status()) === 'pending-acceptance');
      await a.ec2.acceptVpcPeeringConnection({ VpcPeeringConnectionId: id });
      await stage.eventually('the peering to be active', async () => (await status()) === 'active');
      await a.ec2.deleteVpcPeeringConnection({ VpcPeeringConnectionId: id });
      await stage.eventually(
        'the peering to be deleted',
        async () => (await status().catch((error: Error) => error.name)) !== 'active',
      );
    },
  },
];
