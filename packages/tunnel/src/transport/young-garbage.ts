import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * The data path's garbage is buffers that die within milliseconds. V8 counts objects and not what they hold, so its young generation fills
 * slowly while tens of MiB of dead buffers wait in it, grow old there, and bring on full collections: a third of an agent's CPU in
 * bulk, and most of its peak memory (measured). So the young generation is collected by bytes carried, which costs 0.3 ms each time.
 */
const bytesBetween = 8 * 2 ** 20;

/**
 * A process that was idle for some seconds has shrunk its heap to 15 MB; V8 counts the buffers in flight into the old generation and then
 * marks it without end, on threads of its own and with a dearer write in ours: 10 CPU-seconds per GiB instead of 5 over the three
 * processes, and 170 MiB/s instead of 280 (measured, bursts after a pause of seven seconds). Marked in one go, a heap this small takes 5 to 15 ms, and
 * is marked seldom, because the collection by bytes below takes what would bring it on.
 */
setFlagsFromString('--no-incremental-marking');
setFlagsFromString('--expose-gc'); // documented for setFlagsFromString: takes effect for new contexts
const collect = runInNewContext('gc') as unknown;
let carried = 0;

/** To be told of every batch of bytes that was carried. */
export function carriedBytes(bytes: number): void {
  carried += bytes;
  if (carried < bytesBetween) return;
  carried = 0;
  if (typeof collect === 'function') collect({ type: 'minor' });
}
