/** The promise of a budget, against readers that stall one after the other and take all that was promised to them. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { assert as hold, boolean, constantFrom, integer, property } from 'fast-check';
import type { Holder, Receiver } from '../http2/index.ts';
import { MemoryBudget } from './budget.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** The least window and the least mark: what even the last of a thousand needs in order to go on. */
const leastBytes = 32 * KiB;

class Stream implements Holder, Receiver {
  receivedBytes = 0;
  windowBytes = 0;
  takenBytes = 0;
  held = 0;
  readonly rttMs: number;
  constructor(rttMs: number) {
    this.rttMs = rttMs;
  }

  heldBytes(): number {
    return this.held;
  }

  /** Carries so many bytes to a reader that takes them, with credit at each quarter of the window. */
  flow(budget: MemoryBudget, bytes: number): this {
    this.windowBytes = budget.windowBytes(this);
    for (let left = bytes; left > 0; left -= this.windowBytes / 4) {
      this.receivedBytes += Math.min(left, this.windowBytes / 4);
      this.takenBytes = this.receivedBytes;
      this.windowBytes = budget.windowBytes(this);
    }
    return this;
  }

  /** The reader stops: all that was promised comes, and stays. */
  stall(budget: MemoryBudget): this {
    this.held = this.windowBytes + budget.markBytes(this.takenBytes);
    budget.load(this);
    return this;
  }
}

/** The timer of the budget's looks, wound by hand. */
function looks(count: number): void {
  for (let i = 0; i < count; i++) mock.timers.tick(20);
}

test.before(() => mock.timers.enable({ apis: ['setInterval'] }));
test.after(() => mock.timers.reset());

test('however many stall, what they hold stays within the usable share and the least that each needs', () => {
  hold(
    property(
      integer({ min: 64, max: 4096 }),
      integer({ min: 1, max: 300 }),
      constantFrom(0.1, 50, Infinity),
      constantFrom(0, 100 * KiB, 10 * MiB, 40 * MiB),
      boolean(),
      (budgetMiB, count, rttMs, absorbedBytes, slowly) => {
        const budget = new MemoryBudget(budgetMiB * MiB);
        let sum = 0;
        for (let i = 0; i < count; i++) {
          sum += new Stream(rttMs).flow(budget, absorbedBytes).stall(budget).held;
          if (slowly) looks(6);
        }
        const boundBytes = (budgetMiB * MiB) / 5 + count * leastBytes;
        assert.ok(sum <= boundBytes, `${sum} > ${boundBytes}`);
      },
    ),
    { numRuns: 40 },
  );
});

test('with nothing held, one stream may fill 160 MiB/s at 50 ms, and gets there by carrying', () => {
  const budget = new MemoryBudget(256 * MiB);
  const far = new Stream(50);
  assert.equal(far.flow(budget, 0).windowBytes, MiB);
  assert.equal(far.flow(budget, 64 * MiB).windowBytes, 16 * MiB);
  assert.equal(new Stream(0.1).flow(new MemoryBudget(256 * MiB), 64 * MiB).windowBytes, 4 * MiB);
});

test('among two hundred stalled readers, one that goes on reading has a window worth the name', () => {
  for (const slowly of [false, true]) {
    const budget = new MemoryBudget(256 * MiB);
    for (let i = 0; i < 200; i++) {
      new Stream(0.1).flow(budget, 10 * MiB).stall(budget);
      if (slowly) looks(6);
    }
    const fast = new Stream(0.1);
    assert.ok(fast.flow(budget, 0).windowBytes >= 16 * KiB);
    fast.flow(budget, 64 * MiB);
    assert.ok(fast.windowBytes >= MiB, `${fast.windowBytes}, ${slowly ? 'one by one' : 'at once'}`);
  }
});

test('what the stalled have given back may be promised again', () => {
  const budget = new MemoryBudget(256 * MiB);
  const streams = Array.from({ length: 200 }, () => new Stream(0.1).flow(budget, 10 * MiB).stall(budget));
  assert.ok(budget.heldBytes > 10 * MiB);
  for (const stream of streams) {
    budget.release(stream);
    budget.forget(stream);
  }
  assert.equal(budget.heldBytes, 0);
  assert.equal(new Stream(50).flow(budget, 64 * MiB).windowBytes, 16 * MiB);
});

test('a large window that rests is no burden, and one that is used again is counted again', () => {
  const budget = new MemoryBudget(256 * MiB);
  const before = budget.firstWindowBytes;
  const many = Array.from({ length: 50 }, () => {
    const stream = new Stream(0.1).flow(budget, 64 * MiB);
    looks(12);
    return stream;
  });
  assert.equal(budget.firstWindowBytes, before);
  for (const stream of many) stream.flow(budget, MiB);
  assert.ok(budget.firstWindowBytes < before);
});
