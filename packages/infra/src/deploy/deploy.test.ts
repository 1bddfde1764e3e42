/** The pure parts of deploy: Terraform's lines, order, losses; and the lock that dies with its holder. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { run, Running, temporaryDirectory } from '@postern/testing';
import { stackInfo, stackNames } from '../stacks/names.ts';
import { inFlight, parseEvent } from './events.ts';
import { lockInstance } from './lock.ts';
import { lossesOf } from './losses.ts';
import { dependants, destroyOrder, missingUpstream, select } from './order.ts';
import { withoutGuards } from './workspace.ts';

suite('Terraform’s lines', () => {
  const line = (type: string, rest: object): string => JSON.stringify({ '@level': 'info', type, ...rest });
  const hook = (addr: string, action = 'create') => ({
    hook: { resource: { addr }, action, elapsed_seconds: 3, id_value: 'i-1' },
  });

  test('planned changes, progress, problems; what tells nothing is left out', () => {
    assert.deepEqual(
      parseEvent(
        line('planned_change', { change: { resource: { addr: 'a.b', resource_type: 'a' }, action: 'replace' } }),
      ),
      { kind: 'planned', address: 'a.b', type: 'a', action: 'replace', id: undefined },
    );
    assert.equal(
      parseEvent(line('planned_change', { change: { resource: { addr: 'a.b' }, action: 'noop' } })),
      undefined,
    );
    assert.equal(parseEvent(line('version', {})), undefined);
    assert.equal(parseEvent('  '), undefined);
    const problem = parseEvent(line('diagnostic', { diagnostic: { severity: 'error', summary: 's', detail: 'd' } }));
    assert.deepEqual(problem, { kind: 'problem', severity: 'error', summary: 's', detail: 'd', address: undefined });
  });

  test('any text is an event or nothing, and never throws', () => {
    const any = fc.oneof(fc.string(), fc.json());
    fc.assert(
      fc.property(any, (text) => void parseEvent(text)),
      { numRuns: 500 },
    );
  });

  test('in flight: begun and neither ended nor failed', () => {
    const events = [
      line('apply_start', hook('a.done')),
      line('apply_start', hook('a.failed')),
      line('apply_start', hook('a.open')),
      line('apply_start', hook('a.changing', 'update')),
      line('apply_complete', hook('a.done')),
      line('apply_errored', hook('a.failed')),
      '{"type":"apply_start","hook":{"resource":{"addr":"a.cut',
    ].flatMap((text) => parseEvent(text) ?? []);
    assert.deepEqual(inFlight(events), ['a.open']);
  });

  test('losses: what has consequences first, replacements among them', () => {
    const planned = (address: string, action: 'delete' | 'replace' | 'create') =>
      ({ kind: 'planned', address, type: address.split('.')[0]!, action, id: undefined }) as const;
    const losses = lossesOf([
      planned('aws_route_table_association.x', 'delete'),
      planned('google_compute_address.nat', 'replace'),
      planned('aws_vpc.main', 'create'),
    ]);
    assert.deepEqual(
      losses.map(({ address, replaced, what }) => [address, replaced, what !== undefined]),
      [
        ['google_compute_address.nat', true, true],
        ['aws_route_table_association.x', false, false],
      ],
    );
  });
});

suite('order', () => {
  const some = fc.subarray([...stackNames]);

  test('destroy: a stack before what it is built on, each once', () => {
    fc.assert(
      fc.property(some, (names) => {
        const order = destroyOrder(names);
        assert.deepEqual(order.toSorted(), [...names].toSorted());
        for (const name of names)
          for (const upstream of stackInfo(name).after)
            if (names.includes(upstream)) assert.ok(order.indexOf(name) < order.indexOf(upstream));
      }),
    );
  });

  test('deploy and destroy refuse the same edge, seen from both ends', () => {
    const nothing = new Set<never>();
    assert.deepEqual(missingUpstream(stackInfo('awsvpn'), nothing, nothing), ['awsvpc']);
    assert.deepEqual(missingUpstream(stackInfo('awsvpn'), new Set(['awsvpc']), nothing), []);
    assert.deepEqual(missingUpstream(stackInfo('awsvpn'), nothing, new Set(['awsvpc', 'awsvpn'])), []);
    assert.deepEqual(dependants('awsvpc', new Set(['awsvpc', 'awsvpn']), new Set(['awsvpc'])), ['awsvpn']);
    assert.deepEqual(dependants('awsvpc', new Set(['awsvpc', 'awsvpn']), new Set(['awsvpc', 'awsvpn'])), []);
  });

  test('targets keep the order of the stacks, not of the command line', () => {
    const wanted = stackNames.map(stackInfo);
    const chosen = select(wanted, [], ['awsvpn', 'nat', 'awsvpc']);
    assert.deepEqual(
      chosen.wanted.map(({ name }) => name),
      ['nat', 'awsvpc', 'awsvpn'],
    );
  });
});

test('a guard against replacement does not stand against a wanted destroy, and nothing else changes', () => {
  const json = { resource: { a: { b: { name: 'prevent_destroy', lifecycle: { prevent_destroy: true } } } } };
  assert.deepEqual(withoutGuards(json), {
    resource: { a: { b: { name: 'prevent_destroy', lifecycle: { prevent_destroy: false } } } },
  });
});

test('the lock: one holder, and none after kill -9', async () => {
  using scratch = temporaryDirectory();
  const module = join(import.meta.dirname, 'lock.ts');
  const script = `const { lockInstance } = await import(${JSON.stringify(module)}); globalThis.held = lockInstance(${JSON.stringify(scratch.path)}); console.log('held'); setInterval(() => {}, 1000);`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  await using holder = new Running(process.execPath, args);
  await holder.line(/held/);
  assert.throws(() => lockInstance(scratch.path), /another plan, deploy or destroy/);
  const second = await run(process.execPath, args);
  assert.match(second.stderr, /another plan, deploy or destroy/);
  await holder.stop('SIGKILL');
  lockInstance(scratch.path)[Symbol.dispose]();
});
