/** `endpointvpc add` and `remove`: what they do, what a second run finds, and that nothing half done stays. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AwsSimulator } from '@postern/lab/aws';
import { temporaryDirectory } from '@postern/testing';
import { AwsError } from '../../../../packages/privatelink/src/providers/aws/errors.ts';
import { killAfter, startSimulator } from '../harness.ts';
import { clients, region } from '../world.ts';
import { add, hiveText, makeStage, network, otherRegion, remove, type Stage } from './stage.ts';

let simulator: AwsSimulator;
let url: string;
before(async () => {
  simulator = await startSimulator();
  Object.assign(simulator.world.quotas, { vpcsPerRegion: 10_000 });
  ({ url } = simulator);
});
after(() => simulator.close());

const sideBySide = 6;

test('a VPC is connected across accounts and regions, once; a second run finds nothing to do', async () => {
  using dir = temporaryDirectory();
  const stage = await makeStage(url, dir.path);
  const start = network(simulator, stage);
  const dry = await add(url, dir.path, stage, { dryRun: true });
  assert.deepEqual(network(simulator, stage), start, 'a dry run changes nothing');
  const { steps } = await add(url, dir.path, stage);
  assert.deepEqual(steps, dry.steps, 'what a dry run shows is what is done');
  const now = network(simulator, stage);
  const far = clients(url, stage.thirdAccount, otherRegion);
  const hub = clients(url, stage.hubAccount);
  const tables = async (aws: typeof hub, vpc: string) => {
    const { RouteTables } = await aws.ec2.describeRouteTables({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] });
    return (RouteTables ?? []).map(({ Routes }) =>
      (Routes ?? []).filter((route) => route.VpcPeeringConnectionId).map((route) => route.DestinationCidrBlock),
    );
  };
  assert.deepEqual(await tables(hub, stage.hiveVpc), [
    ['10.1.0.0/16', '10.11.0.0/16'],
    ['10.1.0.0/16', '10.11.0.0/16'],
  ]);
  assert.deepEqual(await tables(far, stage.farVpc), [['10.1.0.0/16', '10.11.0.0/16']]);
  assert.deepEqual(await tables(hub, stage.endpointVpc), [['10.0.0.0/16', '10.2.0.0/16', '10.22.0.0/16']]);
  const rules = now.filter((line) => !start.includes(line) && line.includes(' in '));
  const peers = [stage.workers, '10.2.0.0/16', '10.22.0.0/16'];
  assert.deepEqual(
    rules.map((line) => line.split(' ').slice(2).join(' ')).toSorted(),
    peers.flatMap((peer) => [`tcp 22623-22623 ${peer}`, `tcp 6443-6443 ${peer}`]).toSorted(),
  );
  const text = hiveText(dir.path);
  assert.match(text, /# the hub\n/);
  assert.match(text, /# where endpoints go\n/);
  assert.match(text, /# Hive itself\n/);
  assert.ok(text.includes(`vpcID: ${stage.endpointVpc}`));
  const again = await add(url, dir.path, stage);
  assert.deepEqual([again.steps, network(simulator, stage), hiveText(dir.path)], [[], now, text]);
  await remove(url, dir.path, stage);
  assert.deepEqual(network(simulator, stage), start);
  assert.doesNotMatch(hiveText(dir.path), new RegExp(stage.endpointVpc));
  assert.deepEqual((await remove(url, dir.path, stage)).steps, []);
});

test('with --all-protocols everything is open, both ways, and closed again', async () => {
  using dir = temporaryDirectory();
  const stage = await makeStage(url, dir.path);
  const start = network(simulator, stage);
  await add(url, dir.path, stage, { allProtocols: true });
  const rules = network(simulator, stage).filter((line) => !start.includes(line) && line.includes(' in '));
  assert.equal(rules.filter((line) => line.startsWith(stage.workers)).length, 1, 'the workers let the endpoints in');
  assert.ok(rules.every((line) => line.includes(' -1 ')));
  await remove(url, dir.path, stage);
  assert.deepEqual(network(simulator, stage), start);
});

type Verb = typeof add | typeof remove;

/** The same command, interrupted at each of its calls in turn; several worlds side by side. */
async function atEachCall(
  verb: Verb,
  one: (dir: string, stage: Stage, n: number) => Promise<'interrupted' | 'ended'>,
): Promise<number> {
  let interrupted = 0;
  for (let n = 1, more = true; more; n += sideBySide) {
    const outcomes = await Promise.all(
      Array.from({ length: sideBySide }, async (_, i) => {
        using dir = temporaryDirectory();
        const stage = await makeStage(url, dir.path);
        if (verb === remove) await add(url, dir.path, stage);
        return await one(dir.path, stage, n + i);
      }),
    );
    interrupted += outcomes.filter((outcome) => outcome === 'interrupted').length;
    more = outcomes.every((outcome) => outcome === 'interrupted');
  }
  return interrupted;
}

const refused = (n: number) => {
  let calls = 0;
  return {
    before({ action }: { action: string }) {
      if (++calls === n) throw new AwsError(action, 'UnauthorizedOperation', 'refused by the test');
    },
    calls: () => calls,
  };
};

for (const [name, verb] of [
  ['add', add],
  ['remove', remove],
] as const) {
  test(`${name} refused at every call in turn leaves what was there`, async () => {
    const count = await atEachCall(verb, async (dir, stage, n) => {
      const [start, text] = [network(simulator, stage), hiveText(dir)];
      const observer = refused(n);
      let failed = false;
      await verb(url, dir, stage, { observer }).catch((error: unknown) => {
        failed = true;
        assert.match(String(error), /UnauthorizedOperation/);
      });
      if (!failed) return 'ended';
      assert.deepEqual(network(simulator, stage), start, `refused at call ${n}`);
      if (verb === add) assert.equal(hiveText(dir), text, `refused at call ${n}`);
      else assert.ok(hiveText(dir).includes(stage.endpointVpc), `refused at call ${n}`);
      return 'interrupted';
    });
    assert.ok(count >= 20, `${name} makes more than ${count} calls`);
  });

  test(`${name} killed after every call in turn is completed by the next run`, async () => {
    let whole: number | undefined;
    const count = await atEachCall(verb, async (dir, stage, n) => {
      const observer = killAfter(n);
      let killed = false;
      await verb(url, dir, stage, { observer, dead: () => observer.calls() >= n }).catch(() => (killed = true));
      await verb(url, dir, stage);
      const lines = network(simulator, stage).length;
      whole ??= lines;
      assert.equal(lines, whole, `killed after call ${n}`);
      assert.equal(hiveText(dir).includes(stage.endpointVpc), verb === add);
      assert.deepEqual((await verb(url, dir, stage)).steps, [], `killed after call ${n}`);
      return killed ? 'interrupted' : 'ended';
    });
    assert.ok(count >= 20, `${name} makes more than ${count} calls`);
  });
}

test('an answer that is lost after the work was done is no harm', async () => {
  for (const action of [
    'CreateVpcPeeringConnection',
    'AcceptVpcPeeringConnection',
    'CreateRoute',
    'AuthorizeSecurityGroupIngress',
  ]) {
    using dir = temporaryDirectory();
    const stage = await makeStage(url, dir.path);
    const match = { action, account: stage.hubAccount };
    simulator.rule({ id: action, match, times: 1, effect: { drop: 'after' } });
    await add(url, dir.path, stage);
    assert.deepEqual((await add(url, dir.path, stage)).steps, [], action);
  }
});

test('dead routes are replaced; ways of another kind are left and told of', async () => {
  using dir = temporaryDirectory();
  const stage = await makeStage(url, dir.path);
  const hub = clients(url, stage.hubAccount);
  await add(url, dir.path, stage);
  const { VpcPeeringConnections: all } = await hub.ec2.describeVpcPeeringConnections({
    Filters: [{ Name: 'requester-vpc-info.vpc-id', Values: [stage.hiveVpc] }],
  });
  await hub.ec2.deleteVpcPeeringConnection({ VpcPeeringConnectionId: all?.[0]?.VpcPeeringConnectionId });
  const { steps } = await add(url, dir.path, stage);
  assert.equal(steps.filter(({ kind }) => kind === 'drop-dead-route').length, 5);
  assert.deepEqual((await add(url, dir.path, stage)).steps, []);
  const { InternetGateway } = await hub.ec2.createInternetGateway({});
  const gateway = InternetGateway?.InternetGatewayId;
  await hub.ec2.attachInternetGateway({ InternetGatewayId: gateway, VpcId: stage.hiveVpc });
  const route = { RouteTableId: stage.privateTable, DestinationCidrBlock: '10.1.0.0/16', GatewayId: gateway };
  await hub.ec2.replaceRoute(route);
  const { warnings } = await add(url, dir.path, stage);
  assert.ok(warnings.some((text) => text.includes(stage.privateTable) && text.includes(gateway ?? '?')));
});

test('what cannot be right is refused before anything is changed', async () => {
  using dir = temporaryDirectory();
  const stage = await makeStage(url, dir.path);
  const hub = clients(url, stage.hubAccount);
  const start = network(simulator, stage);
  const { Subnet } = await hub.ec2.createSubnet({
    VpcId: stage.endpointVpc,
    CidrBlock: '10.1.9.0/26',
    AvailabilityZone: `${region}a`,
  });
  const small = Subnet?.SubnetId ?? '';
  const twice = { ...stage, subnets: [stage.subnets[0]!, small] };
  await assert.rejects(add(url, dir.path, twice), /are in one zone, eu-central-1a/);
  await assert.rejects(add(url, dir.path, { ...stage, subnets: ['subnet-0123456789abcdef0'] }), /does not exist/);
  await assert.rejects(add(url, dir.path, { ...stage, endpointVpc: 'vpc-0123456789abcdef0' }), /there is no VPC/);
  await assert.rejects(add(url, dir.path, { ...stage, endpointVpc: stage.hiveVpc }), /is in vpc-\w+ and not in/);
  await hub.ec2.associateVpcCidrBlock({ VpcId: stage.endpointVpc, CidrBlock: '10.2.128.0/17' });
  await assert.rejects(add(url, dir.path, stage), /10\.2\.128\.0\/17.*overlap/);
  assert.deepEqual(network(simulator, stage), start);
  const one = { ...stage, subnets: [small] };
  using other = temporaryDirectory();
  const fresh = await makeStage(url, other.path);
  const { warnings } = await add(url, other.path, { ...fresh, subnets: [fresh.subnets[0]!] }, { dryRun: true });
  assert.ok(
    warnings.some((text) => /no subnet in eu-central-1b, eu-central-1c/.test(text)),
    String(warnings),
  );
  assert.ok(warnings.some((text) => /has 251 free addresses, fewer than 255/.test(text)));
  assert.ok(one.subnets.length === 1);
});
