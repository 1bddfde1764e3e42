/** The promise of a budget, against readers that stall one after the other and take all that was advertised to them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as hold, constantFrom, integer, property } from 'fast-check';
import { MemoryBudget } from './budget.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** The least window and the least mark: what even the last of a thousand needs in order to go on. */
const leastBytes = 32 * KiB;

/** Stalls `count` readers of a peer that is given at most `nearBytes`; each takes its window and its mark. Returns the sum they hold. */
function stall(
  budget: MemoryBudget,
  count: number,
  nearBytes: number,
): { sum: number; holders: { heldBytes(): number }[] } {
  let sum = 0;
  const holders = Array.from({ length: count }, () => {
    const bytes = Math.min(budget.windowBytes, nearBytes) + budget.markBytes;
    sum += bytes;
    const holder = { heldBytes: () => bytes };
    budget.load(holder);
    return holder;
  });
  return { sum, holders };
}

test('however many stall, what they hold stays within the usable share and the least that each needs', () => {
  hold(
    property(
      integer({ min: 64, max: 4096 }),
      integer({ min: 1, max: 2000 }),
      constantFrom(4 * MiB, 16 * MiB),
      (budgetMiB, count, nearBytes) => {
        const { sum } = stall(new MemoryBudget(budgetMiB * MiB), count, nearBytes);
        const boundBytes = (budgetMiB * MiB) / 5 + count * leastBytes;
        assert.ok(sum <= boundBytes, `${sum} > ${boundBytes}`);
      },
    ),
    { numRuns: 200 },
  );
});

test('with nothing held, one stream may fill 160 MiB/s at 50 ms; among two hundred stalled ones it still has 32 KiB and more', () => {
  const budget = new MemoryBudget(256 * MiB);
  assert.equal(budget.windowBytes, 16 * MiB);
  stall(budget, 200, 4 * MiB);
  assert.ok(budget.windowBytes >= 32 * KiB, `${budget.windowBytes}`);
});

test('what the stalled have given back may be promised again', () => {
  const budget = new MemoryBudget(256 * MiB);
  const { holders } = stall(budget, 200, 4 * MiB);
  for (const holder of holders) budget.release(holder);
  budget.load({ heldBytes: () => 0 }); // looks at once
  assert.equal(budget.heldBytes, 0);
  assert.equal(budget.windowBytes, 16 * MiB);
});
