/** CloudFormation: the development VPC's own template, on whatever has CloudFormation. */
import assert from 'node:assert/strict';
import { vpcTemplate } from '@postern/privatelink';
import type { Case } from '../support/case.ts';
import type { Clients } from '../support/clients.ts';

const parameters = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }));

async function outputsOf(a: Clients, StackName: string): Promise<Record<string, string>> {
  const { Stacks } = await a.cloudformation.describeStacks({ StackName });
  const outputs = Stacks?.[0]?.Outputs ?? [];
  return Object.fromEntries(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
}

const status = async (a: Clients, StackName: string): Promise<string> =>
  a.cloudformation.describeStacks({ StackName }).then(
    ({ Stacks }) => Stacks?.[0]?.StackStatus ?? 'gone',
    () => 'gone',
  );

/** What every CloudFormation has: a resource that depends on another, one on a condition, and one that is not made. */
const small = {
  Parameters: { Block: { Type: 'String' }, Second: { Type: 'String', Default: 'no' } },
  Conditions: {
    HasSecond: { 'Fn::Equals': [{ Ref: 'Second' }, 'yes'] },
    HasThird: { 'Fn::Not': [{ Condition: 'HasSecond' }] },
  },
  Resources: {
    One: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.71.0.0/24' } },
    Two: {
      Type: 'AWS::EC2::Subnet',
      Condition: 'HasSecond',
      Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.71.1.0/24' },
    },
    Three: {
      Type: 'AWS::EC2::Subnet',
      Condition: 'HasThird',
      Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.71.2.0/24' },
    },
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: { Ref: 'Block' } } },
  },
  Outputs: {
    VpcId: { Value: { Ref: 'Vpc' } },
    Ids: { Value: { 'Fn::Join': ['+', [{ Ref: 'One' }, { Ref: 'Two' }]] } },
  },
};

export const stackCases: readonly Case[] = [
  {
    name: 'a stack makes the development VPC with subnets in as many zones as asked, and takes it away',
    motoLacks: 'moto has no Fn::Cidr',
    async run(stage) {
      const { a } = stage;
      const StackName = stage.name('vpc');
      await a.cloudformation.createStack({
        StackName,
        TemplateBody: vpcTemplate(),
        Parameters: parameters({ AvailabilityZoneCount: '2', VpcCidr: '10.70.0.0/16' }),
      });
      const remove = async () => {
        await a.cloudformation.deleteStack({ StackName });
        await stage.eventually('the stack to be gone', async () =>
          ['gone', 'DELETE_COMPLETE'].includes(await status(a, StackName)),
        );
      };
      stage.cleanup(remove);
      await stage.eventually('the stack', async () => (await status(a, StackName)) === 'CREATE_COMPLETE');
      const { VpcId = '', PublicSubnetIds = '', PrivateSubnetIds = '' } = await outputsOf(a, StackName);
      assert.match(VpcId, /^vpc-/);
      const [open, closed] = [PublicSubnetIds.split(','), PrivateSubnetIds.split(',')];
      assert.deepEqual([open.length, closed.length], [2, 2]);
      const { Subnets = [] } = await a.ec2.describeSubnets({ SubnetIds: [...open, ...closed] });
      assert.deepEqual([...new Set(Subnets.map(({ VpcId: vpc }) => vpc))], [VpcId]);
      assert.deepEqual(
        Subnets.map(({ CidrBlock = '' }) => CidrBlock).toSorted((x, y) => (x < y ? -1 : 1)),
        ['10.70.0.0/20', '10.70.112.0/20', '10.70.16.0/20', '10.70.96.0/20'],
      );
      assert.equal(new Set(Subnets.map(({ AvailabilityZone }) => AvailabilityZone)).size, 2);
      const gateways = async (subnet: string): Promise<(string | undefined)[]> => {
        const { RouteTables } = await a.ec2.describeRouteTables({
          Filters: [{ Name: 'association.subnet-id', Values: [subnet] }],
        });
        const out = RouteTables?.[0]?.Routes?.find((route) => route.DestinationCidrBlock === '0.0.0.0/0');
        return [out?.GatewayId?.slice(0, 4), out?.NatGatewayId?.slice(0, 4)].filter((id) => id !== undefined);
      };
      assert.deepEqual(await gateways(open[0]!), ['igw-']);
      assert.deepEqual(await gateways(closed[0]!), ['nat-']);
      for (const Attribute of ['enableDnsSupport', 'enableDnsHostnames'] as const) {
        const got = await a.ec2.describeVpcAttribute({ VpcId, Attribute });
        assert.equal((got.EnableDnsSupport ?? got.EnableDnsHostnames)?.Value, true, Attribute);
      }
      await remove();
      await assert.rejects(a.ec2.describeVpcs({ VpcIds: [VpcId] }), { name: 'InvalidVpcID.NotFound' });
    },
  },
  {
    name: 'a stack has parameters, conditions and outputs; its name is taken until it is gone',
    async run(stage) {
      const { a } = stage;
      const StackName = stage.name('small');
      const create = () =>
        a.cloudformation.createStack({
          StackName,
          TemplateBody: JSON.stringify(small),
          Parameters: parameters({ Block: '10.71.0.0/16', Second: 'yes' }),
        });
      await create();
      stage.cleanup(() => a.cloudformation.deleteStack({ StackName }));
      await stage.eventually('the stack', async () => (await status(a, StackName)) === 'CREATE_COMPLETE');
      const { Ids = '', VpcId = '' } = await outputsOf(a, StackName);
      const { Subnets = [] } = await a.ec2.describeSubnets({ SubnetIds: Ids.split('+') });
      assert.deepEqual(
        Subnets.map(({ CidrBlock = '', VpcId: vpc }) => `${vpc} ${CidrBlock}`).toSorted((x, y) => (x < y ? -1 : 1)),
        [`${VpcId} 10.71.0.0/24`, `${VpcId} 10.71.1.0/24`],
      );
      await assert.rejects(create(), { name: 'AlreadyExistsException' });
      await assert.rejects(a.cloudformation.describeStacks({ StackName: stage.name('none') }), {
        name: 'ValidationError',
      });
    },
  },
  {
    name: 'a parameter outside its bounds is refused',
    motoLacks: 'moto does not hold parameters against MinValue, MaxValue and AllowedPattern',
    async run(stage) {
      const { a } = stage;
      for (const values of [{ AvailabilityZoneCount: '7' }, { VpcCidr: 'nonsense' }, { Unknown: 'x' }])
        await assert.rejects(
          a.cloudformation.createStack({
            StackName: stage.name('vpc'),
            TemplateBody: vpcTemplate(),
            Parameters: parameters(values),
          }),
          { name: 'ValidationError' },
        );
    },
  },
];
