/** The planner comes to an end from every beginning, and its end is the same: one of each, all true. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { DesiredLink } from './desired.ts';
import { expect, expectAfterWait } from './expect.ts';
import { ownerTag } from './names.ts';
import { next } from './next.ts';
import type { EndpointView, Observed, ServiceView, ZoneView } from './observed.ts';
import { stateIs } from './observed.ts';
import type { Step } from './steps.ts';
import { nextTeardown } from './teardown.ts';

const owner = 'acme-x7k2p';
const hubPrincipal = 'arn:aws:iam::222222222222:root';
const arn = 'arn:aws:elasticloadbalancing:eu-central-1:111111111111:loadbalancer/net/acme-x7k2p-int/1';

const desired: DesiredLink = {
  owner,
  region: 'eu-central-1',
  hostName: 'api.acme.example',
  hostProblem: undefined,
  loadBalancer: { kind: 'name', name: 'acme-x7k2p-int' },
  additionalPrincipals: ['arn:aws:iam::333333333333:root'],
  inventory: [
    {
      vpcId: 'vpc-1',
      subnets: [
        { subnetId: 'subnet-1a', zone: 'za' },
        { subnetId: 'subnet-1b', zone: 'zb' },
      ],
      securityGroupIds: undefined,
      quota: undefined,
    },
    { vpcId: 'vpc-2', subnets: [{ subnetId: 'subnet-2a', zone: 'za' }], securityGroupIds: ['sg-2'], quota: 3 },
  ],
  associatedVpcs: [
    { vpcId: 'vpc-hive', region: 'eu-central-1', secretName: undefined },
    { vpcId: 'vpc-third', region: 'us-east-1', secretName: 'third' },
  ],
  formerAssociations: {},
  recordType: 'Alias',
  userTags: {},
  probe: undefined,
};

/** The world that the looks of a test see, and that the steps of a test change. */
interface World {
  services: readonly ServiceView[];
  endpoints: readonly EndpointView[];
  zone: ZoneView | null;
  record: Observed['record'];
  principals: readonly string[];
}

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const tagged = fc.boolean().map((ours) => (ours ? { [ownerTag]: owner, Name: `${owner}-x` } : {}));

const service = (id: string): fc.Arbitrary<ServiceView> =>
  fc.record({
    id: fc.constant(id),
    name: fc.constant(`com.amazonaws.vpce.eu-central-1.${id}`),
    state: oneOf('Available', 'available', 'Pending', 'Deleting', 'Failed'),
    acceptanceRequired: fc.boolean(),
    loadBalancerArns: fc.subarray([arn, 'arn:other']),
    tags: tagged,
  });
const endpoint = (id: string): fc.Arbitrary<EndpointView> =>
  fc.record({
    id: fc.constant(id),
    state: oneOf(
      'available',
      'pending',
      'pendingAcceptance',
      'PendingAcceptance',
      'deleting',
      'rejected',
      'failed',
      'expired',
    ),
    vpcId: oneOf('vpc-1', 'vpc-2', 'vpc-gone'),
    serviceName: oneOf(
      'com.amazonaws.vpce.eu-central-1.vpce-svc-1',
      'com.amazonaws.vpce.eu-central-1.vpce-svc-2',
      'other',
    ),
    subnetIds: fc.subarray(['subnet-1a', 'subnet-1b', 'subnet-2a', 'subnet-x']),
    groupIds: fc.subarray(['sg-default', 'sg-2']),
    networkInterfaceIds: fc.constant(['eni-1']),
    dnsEntries: fc.constant([{ name: `${id}.vpce.example`, hostedZoneId: 'ZVPCE' }]),
    tags: tagged,
  });
const zone: fc.Arbitrary<ZoneView> = fc.record({
  id: fc.constant('Z1'),
  name: fc.constant('api.acme.example'),
  private: fc.constant(true),
  callerReference: fc.constant(`postern/${owner}/api.acme.example/0`),
  vpcs: fc.subarray(
    [
      { vpcId: 'vpc-1', region: 'eu-central-1' },
      { vpcId: 'vpc-2', region: 'eu-central-1' },
      { vpcId: 'vpc-stray', region: 'eu-central-1' },
      { vpcId: 'vpc-third', region: 'us-east-1' },
    ],
    { minLength: 1 },
  ),
  tags: tagged,
});
const world: fc.Arbitrary<World> = fc.record({
  services: fc
    .tuple(fc.option(service('vpce-svc-1')), fc.option(service('vpce-svc-2')))
    .map((list) => list.filter((s) => s !== null)),
  endpoints: fc
    .tuple(fc.option(endpoint('vpce-1')), fc.option(endpoint('vpce-2')))
    .map((list) => list.filter((e) => e !== null)),
  zone: fc.option(zone),
  record: oneOf<Observed['record']>(
    null,
    { kind: 'other' },
    { kind: 'addresses', ttlSeconds: 10, addresses: ['10.0.0.1'] },
  ),
  principals: fc.subarray([hubPrincipal, 'arn:aws:iam::333333333333:root', '*']),
});

function lookAt(observed: Observed, at: string, seen: World): Observed {
  switch (at) {
    case 'load-balancer':
      return {
        ...observed,
        loadBalancer: { arn, name: 'acme-x7k2p-int', type: 'network', state: 'active', zones: ['za', 'zb'] },
      };
    case 'services':
      return { ...observed, services: seen.services };
    case 'hub-principal':
      return { ...observed, hubPrincipal };
    case 'principals':
      return { ...observed, principals: seen.principals };
    case 'endpoints':
      return { ...observed, endpoints: seen.endpoints };
    case 'service-zones':
      return { ...observed, serviceZones: ['za', 'zb'] };
    case 'usage':
      return {
        ...observed,
        usage: [
          { vpcId: 'vpc-1', endpoints: 5, quota: undefined },
          { vpcId: 'vpc-2', endpoints: 1, quota: undefined },
        ],
      };
    case 'default-group':
      return { ...observed, defaultGroups: { 'vpc-1': 'sg-default', 'vpc-2': 'sg-default' } };
    case 'zone':
      return { ...observed, zone: seen.zone };
    case 'record':
      return { ...observed, record: seen.record ?? null };
    case 'authorisations':
      return { ...observed, authorisations: [{ vpcId: 'vpc-third', region: 'us-east-1' }] };
    case 'connections':
      return { ...observed, connections: [{ endpointId: 'vpce-them', owner: '333333333333', state: 'available' }] };
    default:
      throw new Error(`nobody looks at ${at} here`);
  }
}

/** Runs a planner to its end; what goes through `deleting` is gone after a wait. */
function run(plan: (observed: Observed) => ReturnType<typeof next>, seen: World) {
  let observed: Observed = {};
  const steps: Step[] = [];
  for (let move = 0; move < 200; move++) {
    const move = plan(observed);
    if (move.kind === 'look') observed = lookAt(observed, move.at, seen);
    else if (move.kind === 'act') {
      steps.push(move.step);
      observed = expect(observed, move.step);
    } else if (move.kind === 'wait') {
      const before = JSON.stringify(observed);
      const gone = <T extends { readonly state: string }>(list: readonly T[] | undefined): readonly T[] =>
        (list ?? []).filter(({ state }) => !stateIs(state, 'deleting'));
      observed = expectAfterWait(observed);
      if (move.for === 'endpoint-to-be-gone') observed = { ...observed, endpoints: gone(observed.endpoints) };
      if (move.for === 'service-to-be-gone') observed = { ...observed, services: gone(observed.services) };
      assert.notEqual(JSON.stringify(observed), before, `waits for nothing: ${move.message}`);
    } else return { outcome: move, observed, steps };
  }
  assert.fail('no end in 200 moves');
}

const ids = fc.record({
  serviceId: oneOf(undefined, 'vpce-svc-1', 'vpce-svc-gone'),
  endpointId: oneOf(undefined, 'vpce-2', 'vpce-gone'),
  zoneId: oneOf(undefined, 'Z1'),
});

test('from every world the planner ends with one service, one endpoint and one true zone', () => {
  fc.assert(
    fc.property(world, ids, (seen, known) => {
      const { outcome, observed } = run((o) => next(desired, o, known), seen);
      assert.equal(outcome.kind, 'done', JSON.stringify(outcome));
      const services = observed.services!.filter(({ state }) => !stateIs(state, 'deleting'));
      const endpoints = observed.endpoints!.filter(({ state }) => !stateIs(state, 'deleting'));
      assert.equal(services.length, 1);
      assert.equal(endpoints.length, 1);
      assert.deepEqual(services[0]!.loadBalancerArns, [arn]);
      assert.equal(services[0]!.acceptanceRequired, false);
      assert.equal(endpoints[0]!.serviceName, services[0]!.name);
      assert.deepEqual(new Set(observed.principals), new Set([hubPrincipal, ...desired.additionalPrincipals]));
      assert.deepEqual(
        new Set(observed.zone!.vpcs.map(({ vpcId }) => vpcId)),
        new Set(['vpc-hive', 'vpc-third', endpoints[0]!.vpcId]),
      );
      assert.equal(observed.zone!.tags![ownerTag], owner);
      assert.deepEqual(observed.authorisations, []);
      assert.equal((observed.record as { dnsName?: string }).dnsName, endpoints[0]!.dnsEntries[0]!.name);
      // Level-based: asked again about that end, it has nothing more to do.
      const { serviceId, endpointId } = { serviceId: services[0]!.id, endpointId: endpoints[0]!.id };
      assert.equal(next(desired, observed, { serviceId, endpointId, zoneId: observed.zone!.id }).kind, 'done');
    }),
    { numRuns: 1500 },
  );
});

test('from every world the removal ends with nothing, zone first and service last', () => {
  fc.assert(
    fc.property(world, (seen) => {
      const { outcome, observed, steps } = run(nextTeardown, seen);
      assert.equal(outcome.kind, 'done');
      assert.equal(observed.zone, null);
      assert.deepEqual([observed.endpoints, observed.services], [[], []]);
      const order = steps.map(({ kind }) => kind);
      const last = (kind: Step['kind']): number => order.lastIndexOf(kind);
      if (last('delete-zone') >= 0 && last('delete-endpoints') >= 0)
        assert.ok(last('delete-zone') < order.indexOf('delete-endpoints'));
      if (last('delete-services') >= 0) assert.ok(last('delete-endpoints') < order.indexOf('delete-services'));
      if (last('delete-services') >= 0) assert.ok(order.includes('reject-connections'));
    }),
    { numRuns: 1500 },
  );
});

test('a full VPC is passed over, and all full is said with the numbers', () => {
  const seen: World = { services: [], endpoints: [], zone: null, record: null, principals: [] };
  const full = { ...desired, inventory: desired.inventory.map((vpc) => ({ ...vpc, quota: 1 })) };
  const { outcome, steps } = run(
    (o) => next(full, o, { serviceId: undefined, endpointId: undefined, zoneId: undefined }),
    seen,
  );
  assert.equal(outcome.kind === 'fail' && outcome.reason, 'VPCEndpointQuotaExceeded');
  assert.ok(!steps.some(({ kind }) => kind === 'create-endpoint'));
});

test('what a person must change is said with the field and the remedy', () => {
  const known = { serviceId: undefined, endpointId: undefined, zoneId: undefined };
  const lb = { arn, name: 'x', type: 'application', state: 'active', zones: [] };
  const wrongType = next(desired, { loadBalancer: lb }, known);
  assert.ok(
    wrongType.kind === 'fail' &&
      /type application; an endpoint service needs a network load balancer/.test(wrongType.message),
  );
  const none = next(desired, { loadBalancer: null }, known);
  assert.ok(none.kind === 'wait' && none.reason === 'DiscoveringNLBNotYetFound');
});
