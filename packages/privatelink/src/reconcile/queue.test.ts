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

test('an event does not put a link that waits behind the new ones', async () => {
  const queue = workQueue(systemClock);
  const stop = new AbortController();
  const order: string[] = [];
  for (let i = 0; i < 20; i++) queue.add(`new${i}`);
  queue.addAfter('waited', 30);
  queue.add('waited'); // its own status was written
  await queue.run(
    1,
    async (key) => {
      order.push(key);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (order.length === 21) stop.abort();
      return undefined;
    },
    stop.signal,
  );
  assert.ok(order.indexOf('waited') < 15, order.join(' '));
  assert.equal(order.filter((key) => key === 'waited').length, 1);
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
