/** What the load and the target say to one another: a fixed header that opens each connection, then bytes. */

/** `down`: the target sends `size` bytes. `up`: it counts `size` bytes and answers the count. `echo`: it sends back what comes. */
export type Mode = 'down' | 'up' | 'echo';

export const headerBytes = 8;
/** The target's answer to `up`: how many bytes came, six bytes big-endian. */
export const countBytes = 6;
/** As large as a busy program's writes get; small enough to stay in the caches of two cores. */
export const chunk = Buffer.alloc(256 * 1024, 7);

const modes: readonly Mode[] = ['down', 'up', 'echo'];

export function encodeHeader(mode: Mode, size = 0): Buffer {
  const header = Buffer.alloc(headerBytes);
  header[0] = modes.indexOf(mode);
  header.writeUIntBE(size, 2, 6);
  return header;
}

export function decodeHeader(header: Buffer): { readonly mode: Mode; readonly size: number } {
  const mode = modes[header[0]!];
  if (mode === undefined) throw new Error(`no mode ${header[0]}`);
  return { mode, size: header.readUIntBE(2, 6) };
}

interface Writable {
  write(bytes: Buffer): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** Writes `size` bytes, waiting whenever the socket is full; `done` follows the last write. */
export function pour(socket: Writable, size: number, done: () => void): void {
  let left = size;
  const push = (): void => {
    while (left > 0) {
      const now = Math.min(left, chunk.length);
      left -= now;
      const flowing = socket.write(now === chunk.length ? chunk : chunk.subarray(0, now));
      if (!flowing && left > 0) {
        socket.once('drain', push);
        return;
      }
    }
    done();
  };
  push();
}
