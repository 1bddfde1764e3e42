/** Two hundred readers that stall and one that does not: the fast one keeps its pace, and no process outgrows its budget. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@postern/testing';
import { drain, open, pour, target, type Target } from './targets.ts';
import { type Daemon, TunnelWorld } from './world.ts';

const stalledCount = 200;
const bulkBytes = 256 * 2 ** 20;
/** The default of every daemon. */
const budgetBytes = 256 * 2 ** 20;
const rounds = 3;

describe('backpressure', () => {
  let world: TunnelWorld;
  let endless: Target;
  let bulk: Target;
  before(async () => {
    world = await TunnelWorld.start();
    const chunk = Buffer.alloc(64 * 1024);
    endless = await target((socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
    });
    bulk = await target((socket) => {
      void pour(socket, bulkBytes).then(
        () => socket.end(),
        () => {},
      );
    });
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await endless[Symbol.asyncDispose]();
    await bulk[Symbol.asyncDispose]();
  });

  /** MiB/s of one download; the median of several, because two cores are shared with everything else. */
  async function pace(): Promise<number> {
    const figures: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const socket = await open(world, bulk.port);
      const startedMs = performance.now();
      const { bytes } = await drain(socket);
      assert.equal(bytes, bulkBytes);
      figures.push(bulkBytes / 2 ** 20 / ((performance.now() - startedMs) / 1000));
      socket.destroy();
    }
    return figures.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!;
  }

  function residentBytes(daemon: Daemon): number {
    const status = readFileSync(`/proc/${daemon.process.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
  }

  test('one fast reader among 200 stalled ones', { timeout: 120_000 }, async (t) => {
    const alone = await pace();
    const stalled: Socket[] = [];
    for (let i = 0; i < stalledCount; i++) {
      const socket = await open(world, endless.port);
      socket.pause();
      stalled.push(socket);
    }
    let last = -1;
    await eventually('every stalled stream has stopped its sender', async () => {
      const sent = [...endless.sockets].reduce((sum, socket) => sum + socket.bytesWritten - socket.writableLength, 0);
      const still = sent === last;
      last = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return still;
    });
    const among = await pace();
    t.diagnostic(`alone ${alone.toFixed(0)} MiB/s, among ${stalledCount} stalled ${among.toFixed(0)} MiB/s`);
    if (process.platform === 'linux')
      for (const name of ['client', 'server', 'agent'] as const) {
        const resident = residentBytes(world[name]);
        t.diagnostic(`${name}: ${(resident / 2 ** 20).toFixed(0)} MiB resident`);
        assert.ok(resident <= budgetBytes, `the ${name} holds ${resident} bytes`);
      }
    assert.ok(among >= alone / 2, `${among.toFixed(0)} MiB/s among stalled readers, ${alone.toFixed(0)} alone`);
    // They have lost nothing and can go on.
    const [first] = stalled;
    first!.resume();
    await once(first!, 'data');
    for (const socket of stalled) socket.destroy();
    await eventually('the hosts see them go', () => endless.sockets.size === 0);
  });
});
