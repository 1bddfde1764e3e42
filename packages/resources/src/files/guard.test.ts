/** The deletion guard, as numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type GuardedObject, judgeRemovals } from './guard.ts';

const plain = (count: number): GuardedObject[] =>
  Array.from({ length: count }, (_, i) => ({ id: `o${i}`, attachment: false, uses: [] }));
const gone = (count: number): Set<string> => new Set(Array.from({ length: count }, (_, i) => `o${i}`));

test('the larger of one and a fifth may go in one look', () => {
  for (const [known, may] of [
    [1, 1],
    [2, 1],
    [5, 1],
    [9, 1],
    [10, 2],
    [14, 2],
    [100, 20],
  ] as const) {
    assert.equal(judgeRemovals(plain(known), gone(may), false).kind, 'remove', `${may} of ${known}`);
    if (may < known)
      assert.equal(judgeRemovals(plain(known), gone(may + 1), false).kind, 'hold', `${may + 1} of ${known}`);
    assert.equal(judgeRemovals(plain(known), gone(known), true).kind, 'remove', 'confirmed');
  }
});

test('Secrets that go with their user are not counted; those whose user stays are', () => {
  const known: GuardedObject[] = [
    { id: 'hive', attachment: false, uses: ['hub'] },
    { id: 'a', attachment: false, uses: ['ka', 'shared'] },
    { id: 'b', attachment: false, uses: ['kb', 'shared'] },
    ...['hub', 'ka', 'kb', 'shared'].map((id) => ({ id, attachment: true, uses: [] })),
  ];
  assert.equal(judgeRemovals(known, new Set(['a', 'ka']), false).kind, 'remove');
  assert.equal(judgeRemovals(known, new Set(['hub', 'shared']), false).kind, 'hold', 'two that others still need');
  assert.equal(judgeRemovals(known, new Set(known.map(({ id }) => id)), false).kind, 'hold');
});

test('more gone is never less held', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 60 }), (known, count) => {
      const fewer = judgeRemovals(plain(known), gone(Math.min(count, known)), false).kind;
      const more = judgeRemovals(plain(known), gone(Math.min(count + 1, known)), false).kind;
      assert.ok(!(fewer === 'hold' && more === 'remove'));
    }),
    { numRuns: 500 },
  );
});
