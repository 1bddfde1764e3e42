/** The waits: in order, once each, and nothing for what has left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines, Waiting, waitsMs } from './deadlines.ts';

class Probe extends Waiting {
  readonly seen: number[] = [];
  readonly #nowMs: () => number;
  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
  }
  overdue(): boolean {
    this.seen.push(this.#nowMs());
    return this.stage < waitsMs.length - 1;
  }
}

test('each wait is over once, at its time, and a removed one is left alone', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  let now = 0;
  const deadlines = new Deadlines(() => now);
  const [first, second, gone] = [new Probe(() => now), new Probe(() => now), new Probe(() => now)];
  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i += 25) {
      now += 25;
      context.mock.timers.tick(25);
    }
  };
  deadlines.add(first);
  pass(100);
  deadlines.add(second);
  deadlines.add(gone);
  deadlines.remove(gone);
  deadlines.remove(gone);
  pass(5000);
  assert.deepEqual(first.seen, [500, 1500, 2500, 4000]);
  assert.deepEqual(second.seen, [600, 1600, 2600, 4100]);
  assert.deepEqual(gone.seen, []);
});
