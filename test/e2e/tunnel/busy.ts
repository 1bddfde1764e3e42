/** A connection that never rests, and the moment its last byte came: what "ends within a second" is measured on. */
import { eventually } from '@postern/testing';
import { connectVia, type Target, target } from './targets.ts';

export interface Busy {
  /** When the last byte came, `performance.now()`. */
  lastByteMs(): number;
  readonly ended: Promise<unknown>;
}

/** A host that sends for ever. */
export function chatter(): Promise<Target> {
  const chunk = Buffer.alloc(16 * 1024);
  return target((socket) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more);
    more();
  });
}

/** Opens a connection to it and keeps reading; resolves when bytes flow. */
export async function busy(proxyPort: number, destination: string): Promise<Busy> {
  const socket = await connectVia(proxyPort, destination);
  if (!('write' in socket)) throw new Error(`refused: ${socket.body}`);
  let last = 0;
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    last = performance.now();
    bytes += chunk.length;
  });
  const ended = new Promise((resolve) => socket.once('close', resolve)); // by a reset, as a rule
  await eventually('bytes flow', () => bytes > 1_000_000);
  return { lastByteMs: () => last, ended };
}
