/** Frames that move nothing: a burst is forgiven, a flood is not, and time gives back what a quiet peer has used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloodGuard } from './flood-guard.ts';

function takeAll(guard: FloodGuard, nowMs: number): number {
  let taken = 0;
  while (guard.take(nowMs)) taken++;
  return taken;
}

test('a burst of a thousand passes, one more does not', () => {
  assert.equal(takeAll(new FloodGuard(0), 0), 1000);
});

test('33 a second pass for ever, and 40 do not', () => {
  for (const [perSecond, passes] of [
    [33, true],
    [40, false],
  ] as const) {
    const guard = new FloodGuard(0);
    let all = true;
    for (let i = 0; i < 10_000; i++) all &&= guard.take((i * 1000) / perSecond);
    assert.equal(all, passes, `${perSecond} a second`);
  }
});

test('a long silence gives back one burst and no more', () => {
  const guard = new FloodGuard(0);
  takeAll(guard, 0);
  assert.equal(takeAll(guard, 1000), 33);
  assert.equal(takeAll(guard, 3_600_000), 1000);
});
