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

export const stackCases: readonly Case[] = [
  {
    name: 'a stack makes the development VPC with subnets in as many zones as asked, and takes it away',
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
    name: 'a stack refuses parameters that its template does not allow, and a name that is taken',
    async run(stage) {
      const { a } = stage;
      const StackName = stage.name('vpc');
      const create = (values: Readonly<Record<string, string>>) =>
        a.cloudformation.createStack({ StackName, TemplateBody: vpcTemplate(), Parameters: parameters(values) });
      await create({ AvailabilityZoneCount: '1', VpcCidr: '10.71.0.0/16', NatGateways: 'None' });
      stage.cleanup(() => a.cloudformation.deleteStack({ StackName }));
      await stage.eventually('the stack', async () => (await status(a, StackName)) === 'CREATE_COMPLETE');
      await assert.rejects(create({ AvailabilityZoneCount: '1' }), { name: 'AlreadyExistsException' });
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
