/** A steady transfer in both directions for a given time, hashed at both ends: used by the renewal test and by the soak. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { drain, open, target } from './targets.ts';
import type { TunnelWorld } from './world.ts';

const beatMs = 50;
const chunkBytes = 128 * 1024;

/** Writes a chunk a beat for `forMs`, then ends; returns the hash of what was written. */
async function beat(socket: Socket, forMs: number): Promise<string> {
  const hash = createHash('sha256');
  const untilMs = performance.now() + forMs;
  for (let i = 0; performance.now() < untilMs; i++) {
    const chunk = Buffer.alloc(chunkBytes, `steady ${i} `);
    hash.update(chunk);
    if (!socket.write(chunk)) await once(socket, 'drain');
    await delay(beatMs);
  }
  socket.end();
  return hash.digest('hex');
}

export async function steadyTransfer(world: TunnelWorld, forMs: number): Promise<{ bytes: number }> {
  let there: ReturnType<typeof drain> | undefined;
  let sentThere: Promise<string> | undefined;
  await using host = await target((socket) => {
    there = drain(socket);
    sentThere = beat(socket, forMs);
  });
  const socket = await open(world, host.port);
  const [sentHere, here] = await Promise.all([beat(socket, forMs), drain(socket)]);
  assert.equal(here.hash, await sentThere);
  assert.equal((await there)?.hash, sentHere);
  return { bytes: here.bytes };
}
