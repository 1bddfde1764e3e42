/** The plumbing's planners by themselves: order, inverses, ways. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { planAdd } from './plan-add.ts';
import { planDisable, planEnable } from './plan-enable.ts';
import { planRemove } from './plan-remove.ts';
import { explainStep, inverse, type PlumbingStep } from './steps.ts';
import { checkPair, wayTo } from './verify.ts';
import type { AssociatedView, EndpointView, GroupView, RouteTableView, VpcView } from './views.ts';

const table = (id: string, main: boolean, subnetIds: string[] = []): RouteTableView => ({
  id,
  main,
  subnetIds,
  routes: [],
});
const vpc = (id: string, side: VpcView['side'], cidrs: string[], tables: RouteTableView[]): VpcView => ({
  id,
  side,
  region: 'us-east-1',
  secretName: undefined,
  account: '123456789012',
  cidrs,
  tables,
});
const group = (id: string, vpcId: string): GroupView => ({ id, name: 'default', vpcId, rules: [] });

/** A world as small as it may be, and as the model below changes it. */
interface World {
  readonly endpoint: EndpointView;
  readonly associated: readonly AssociatedView[];
  readonly inInventory: boolean;
}

const blocks = (prefix: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `10.${prefix + i}.0.0/16`);

const worlds: fc.Arbitrary<World> = fc
  .record({
    endpointBlocks: fc.integer({ min: 1, max: 3 }),
    others: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  })
  .map(({ endpointBlocks, others }) => ({
    endpoint: {
      vpc: vpc('vpc-e', 'endpoint', blocks(0, endpointBlocks), [
        table('rtb-e', true),
        table('rtb-e2', false, ['subnet-1']),
      ]),
      groups: [group('sg-e', 'vpc-e')],
    },
    associated: others.map((count, i) => ({
      vpc: vpc(`vpc-${i}`, 'associated', blocks(10 * (i + 1), count), [table(`rtb-${i}`, true)]),
      workers: i % 2 === 0 ? group(`sg-${i}`, `vpc-${i}`) : undefined,
      peerings: [],
    })),
    inInventory: false,
  }));

const subnets = [{ id: 'subnet-1', vpcId: 'vpc-e', zone: 'us-east-1a', freeAddresses: 1000 }];
const entry = {
  region: 'us-east-1',
  vpcID: 'vpc-e',
  subnets: [{ subnetID: 'subnet-1', availabilityZone: 'us-east-1a' }],
};

const plan = (world: World, allProtocols: boolean) =>
  planAdd({
    ...world,
    subnets,
    zones: ['us-east-1a'],
    ports: [6443, 22623],
    allProtocols,
    entry: world.inInventory ? entry : undefined,
  });

/** What AWS would be after a step. */
function after(world: World, step: PlumbingStep): World {
  const atVpc = (id: string, change: (view: VpcView) => VpcView): World => ({
    ...world,
    endpoint: id === 'vpc-e' ? { ...world.endpoint, vpc: change(world.endpoint.vpc) } : world.endpoint,
    associated: world.associated.map((one) => (one.vpc.id === id ? { ...one, vpc: change(one.vpc) } : one)),
  });
  const routes = (
    id: string,
    tableId: string,
    change: (routes: RouteTableView['routes']) => RouteTableView['routes'],
  ) =>
    atVpc(id, (view) => ({
      ...view,
      tables: view.tables.map((one) => (one.id === tableId ? { ...one, routes: change(one.routes) } : one)),
    }));
  const rules = (id: string, change: (group: GroupView) => GroupView): World => ({
    ...world,
    endpoint: { ...world.endpoint, groups: world.endpoint.groups.map((one) => (one.id === id ? change(one) : one)) },
    associated: world.associated.map((one) =>
      one.workers?.id === id ? { ...one, workers: change(one.workers) } : one,
    ),
  });
  const peering = (id: string, state: string | undefined): World => ({
    ...world,
    associated: world.associated.map((one) =>
      one.vpc.id !== id
        ? one
        : {
            ...one,
            peerings:
              state === undefined
                ? []
                : [
                    {
                      id: `pcx-${id}`,
                      state,
                      requesterVpc: id,
                      accepterVpc: 'vpc-e',
                      accepterRegion: 'us-east-1',
                      tags: { 'hive-private-link': 'owned' },
                    },
                  ],
          },
    ),
  });
  switch (step.kind) {
    case 'request-peering':
      return peering(step.from.id, 'pending-acceptance');
    case 'accept-peering':
      return peering(step.from.id, 'active');
    case 'delete-peering':
      return peering(step.from.id, undefined);
    case 'add-route':
      return routes(step.at.id, step.table, (all) => [
        ...all,
        { destination: step.destination, target: `pcx-${step.from.id}`, blackhole: false },
      ]);
    case 'remove-route':
      return routes(step.at.id, step.table, (all) => all.filter(({ destination }) => destination !== step.destination));
    case 'allow':
      return rules(step.group, (one) => ({ ...one, rules: [...one.rules, ...step.rules] }));
    case 'forbid':
      return rules(step.group, (one) => ({ ...one, rules: one.rules.filter((rule) => !step.rules.includes(rule)) }));
    case 'put-inventory':
      return { ...world, inInventory: true };
    case 'take-inventory':
      return { ...world, inInventory: false };
    default:
      return world;
  }
}

const carryOut = (world: World, steps: readonly PlumbingStep[]): World =>
  steps.reduce((now, step) => after(now, step), world);

test('a plan that is done leaves nothing to plan, from wherever it was interrupted', () => {
  fc.assert(
    fc.property(worlds, fc.boolean(), fc.nat(), (world, allProtocols, cut) => {
      const { steps } = plan(world, allProtocols);
      const part = carryOut(world, steps.slice(0, cut % (steps.length + 1)));
      const whole = carryOut(part, plan(part, allProtocols).steps);
      assert.deepEqual(plan(whole, allProtocols).steps, []);
      assert.deepEqual(
        plan(whole, allProtocols).warnings,
        whole.associated.length === 0 ? plan(world, allProtocols).warnings : [],
      );
      for (const associated of whole.associated) {
        const pair = {
          endpoint: whole.endpoint,
          associated,
          subnetIds: ['subnet-1'],
          ports: [6443],
          endpointAttachments: [],
          associatedAttachments: [],
        };
        assert.deepEqual(
          checkPair(pair).filter(({ status }) => status !== 'ok'),
          [],
        );
      }
    }),
    { numRuns: 60 },
  );
});

test('the inverses of what was done, backwards, are the way back; so is remove, from wherever it was interrupted', () => {
  fc.assert(
    fc.property(worlds, fc.boolean(), fc.nat(), (world, allProtocols, cut) => {
      const { steps } = plan(world, allProtocols);
      const done = steps.slice(0, cut % (steps.length + 1));
      const back = done.toReversed().flatMap(inverse);
      assert.deepEqual(carryOut(carryOut(world, done), back), world);
      const whole = carryOut(world, steps);
      const removal = (now: World) =>
        planRemove({ ...now, entry: now.inInventory ? entry : undefined, index: 0 }).steps;
      const part = carryOut(whole, removal(whole).slice(0, cut % (removal(whole).length + 1)));
      const gone = carryOut(part, removal(part));
      assert.deepEqual(removal(gone), []);
      assert.deepEqual(gone, world);
      for (const step of [...steps, ...removal(whole)]) assert.ok(explainStep(step).length > 10);
    }),
    { numRuns: 60 },
  );
});

test('remove closes the door first and lets the peering go last', () => {
  const [world] = fc.sample(
    worlds.filter(({ associated }) => associated.length > 0),
    { numRuns: 1, seed: 1 },
  );
  const whole = carryOut(world!, plan(world!, false).steps);
  const kinds = planRemove({ ...whole, entry, index: 0 }).steps.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 2), ['take-inventory', 'check-unused']);
  assert.deepEqual(kinds.slice(-2), ['delete-peering', 'await-peering-gone']);
});

test('the way of a packet is the longest prefix; a default route is a way as well', () => {
  const routes = [
    { destination: '0.0.0.0/0', target: 'nat-1', blackhole: false },
    { destination: '10.0.0.0/8', target: 'tgw-1', blackhole: false },
    { destination: '10.1.0.0/16', target: 'pcx-1', blackhole: true },
  ];
  const view = { ...table('rtb', true), routes };
  assert.equal(wayTo(view, '10.1.0.0/16')?.target, 'pcx-1');
  assert.equal(wayTo(view, '10.2.0.0/16')?.target, 'tgw-1');
  assert.equal(wayTo(view, '172.16.0.0/12')?.target, 'nat-1');
});

test('what is in use is not disabled, and what is enabled otherwise not enabled over', () => {
  const section = {
    credentialsSecretRef: { name: 'awsprivatelink-hub-acct-creds' },
    endpointVPCInventory: [entry],
    associatedVPCs: [{ region: 'us-east-1', vpcID: 'vpc-0' }],
  };
  const disable = { section, namespace: 'hive', copied: true, links: [] };
  assert.throws(
    () => planDisable({ ...disable, links: ['ClusterDeployment/a/b'] }),
    /in use by ClusterDeployment\/a\/b/,
  );
  assert.throws(() => planDisable(disable), /vpc-e may still be connected/);
  const steps = planDisable({ ...disable, section: { ...section, endpointVPCInventory: [] } }).steps;
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['take-section', 'delete-secret'],
  );
  const enable = { namespace: 'hive', from: 'a/b', copy: 'equal', dnsRecordType: 'Alias' } as const;
  const same = { ...enable, section, hiveVpc: { vpcId: 'vpc-0', region: 'us-east-1' } };
  assert.deepEqual(planEnable(same).steps, []);
  assert.throws(
    () => planEnable({ ...same, hiveVpc: { vpcId: 'vpc-1', region: 'us-east-1' } }),
    /associatedVPCs lacks vpc-1/,
  );
});
