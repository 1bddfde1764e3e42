/** The pure parts of deploy: order, losses, guards. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { stackInfo, stackNames } from '../stacks/names.ts';
import { lossesOf } from './losses.ts';
import { dependants, destroyOrder, missingUpstream, select } from './order.ts';
import { withoutGuards } from './workspace.ts';

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
