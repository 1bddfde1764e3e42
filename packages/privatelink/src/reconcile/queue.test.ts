/** The order of the work queue, and what it never does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@postern/daemon';
import { eventually } from '@postern/testing';
import { workQueue } from './queue.ts';

test('what has waited goes before what is new, and the new ones still have their turn', async () => {
  const queue = workQueue(systemClock);
  const stop = new AbortController();
  const order: string[] = [];
  const news = Array.from({ length: 40 }, (_, i) => `new${i}`);
  for (const key of news) queue.add(key);
  for (const key of ['waited0', 'waited1', 'waited2', 'waited3', 'waited4', 'waited5']) queue.addAfter(key, 0);
  await eventually('their time to come, while nobody works yet', () => queue.depth === 46);
  await queue.run(
    1,
    async (key) => {
      order.push(key);
      if (order.length === 46) stop.abort();
      return undefined;
    },
    stop.signal,
  );
  assert.deepEqual(order.slice(0, 9), [
    'waited0',
    'waited1',
    'waited2',
    'new0',
    'waited3',
    'waited4',
    'waited5',
    'new1',
    'new2',
  ]);
  assert.equal(new Set(order).size, 46);
});

test('an event, also one during the work, does not put a link that waits behind the new ones', async () => {
  let timeIsUp = (): void => {};
  const clock = { now: () => 0, monotonic: () => 0, sleep: () => new Promise<void>((resolve) => (timeIsUp = resolve)) };
  const queue = workQueue(clock);
  const stop = new AbortController();
  const order: string[] = [];
  queue.add('waits');
  for (let i = 0; i < 20; i++) queue.add(`new${i}`);
  await queue.run(
    1,
    async (key) => {
      order.push(key);
      if (key === 'waits' && order.length === 1) queue.add('waits'); // its own status was written
      if (order.length === 6) timeIsUp();
      await new Promise((resolve) => setImmediate(resolve));
      if (order.length === 22) stop.abort();
      return key === 'waits' && order.length === 1 ? 1 : undefined;
    },
    stop.signal,
  );
  assert.deepEqual([order[0], order[6]], ['waits', 'waits'], order.join(' '));
  assert.equal(order.filter((key) => key === 'waits').length, 2);
});

test('a key that is worked on is not worked on twice at once, and an event meanwhile is not lost', async () => {
  const queue = workQueue(systemClock);
  const stop = new AbortController();
  let inside = 0;
  let looks = 0;
  queue.add('a');
  await queue.run(
    4,
    async () => {
      inside++;
      assert.equal(inside, 1);
      if (++looks === 1) queue.add('a');
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      if (looks === 2) stop.abort();
      return undefined;
    },
    stop.signal,
  );
  assert.equal(looks, 2);
});
