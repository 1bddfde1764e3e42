import type { Writable } from 'node:stream';

/** Less than this is somebody waiting for an answer. More is bulk. */
const bulkBytes = 8 * 1024;
/** Below this one copy is cheaper than a vector of chunks. */
const joinBytes = 16 * 1024;

/** Runs a flush of what has been queued in this turn: for few bytes at the end of this callback, for bulk once a loop turn. */
export function flushSoon(bytes: number, flush: () => void): void {
  if (bytes < bulkBytes) process.nextTick(flush);
  else setImmediate(flush);
}

/** Writes chunks as one: one system call, and one chain of TLS records. `bytes` is what they carry, `written` is told when they are gone. */
export function writeTurn(
  socket: Writable,
  chunks: readonly Buffer[],
  bytes: number,
  written: (error?: Error | null) => void,
): void {
  if (bytes <= joinBytes && chunks.length > 1) {
    socket.write(Buffer.concat(chunks), written);
    return;
  }
  socket.cork();
  for (const [i, chunk] of chunks.entries()) socket.write(chunk, i === chunks.length - 1 ? written : undefined);
  socket.uncork();
}
