/**
 * The load, a process of its own: `load.ts JSON`. Carries bulk bytes, sends one message to and fro, or opens connections, and prints one
 * line of JSON. A byte that is missing ends it with an error.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { quantile, uncoordinated } from './figures.ts';
import { countBytes, encodeHeader, pour } from './wire.ts';

export type LoadOptions = { readonly port: number } & (
  | { readonly kind: 'down' | 'up'; readonly streams: number; readonly bytes: number }
  | { readonly kind: 'round-trip'; readonly messages: number }
  | { readonly kind: 'connections'; readonly parallel: number; readonly seconds: number }
);

/** MiB/s of bulk, µs of round trips, connections a second. */
export interface LoadResult {
  readonly value: number;
  /** Of round trips: the 99th percentile; `value` is the 50th. */
  readonly p99?: number;
}

const messageBytes = 1024;
/** Left out at the start: a just-in-time compiler's first turns are nobody's round trip. */
const warmUpMessages = 300;
const smallBytes = 64;

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

async function down(port: number, size: number): Promise<void> {
  const socket = await dial(port);
  socket.write(encodeHeader('down', size));
  let came = 0;
  socket.on('data', (data) => (came += data.length));
  await once(socket, 'end');
  if (came !== size) throw new Error(`lost bytes: ${came} of ${size} came down`);
}

async function up(port: number, size: number): Promise<void> {
  const socket = await dial(port);
  const parts: Buffer[] = [];
  socket.on('data', (data) => parts.push(data));
  const ended = once(socket, 'end');
  socket.write(encodeHeader('up', size));
  pour(socket, size, () => {});
  await ended;
  const answer = Buffer.concat(parts);
  if (answer.length !== countBytes) throw new Error('lost bytes: the target did not confirm what went up');
  const came = answer.readUIntBE(0, countBytes);
  if (came !== size) throw new Error(`lost bytes: ${came} of ${size} went up`);
  socket.destroy();
}

/** Sends and resolves when as many bytes came back. */
function exchange(socket: Socket, bytes: Buffer, expected: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let came = 0;
    const onClose = (): void => reject(new Error(`lost bytes: the connection closed after ${came} of ${expected}`));
    const onData = (data: Buffer): void => {
      came += data.length;
      if (came < expected) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      if (came === expected) resolve();
      else reject(new Error(`${came - expected} bytes too many came back`));
    };
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.write(bytes);
  });
}

async function roundTrips(port: number, messages: number): Promise<LoadResult> {
  const socket = await dial(port);
  const message = Buffer.alloc(messageBytes, 7);
  socket.write(encodeHeader('echo'));
  const micros: number[] = [];
  for (let i = -warmUpMessages; i < messages; i++) {
    const startMs = performance.now();
    await exchange(socket, message, messageBytes);
    if (i >= 0) micros.push((performance.now() - startMs) * 1000);
  }
  socket.destroy();
  const all = uncoordinated(micros, quantile(micros, 0.5));
  return { value: quantile(all, 0.5), p99: quantile(all, 0.99) };
}

async function connections(port: number, parallel: number, seconds: number): Promise<LoadResult> {
  const request = Buffer.concat([encodeHeader('echo'), Buffer.alloc(smallBytes, 7)]);
  const startMs = performance.now();
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - startMs < seconds * 1000) {
      const socket = await dial(port);
      await exchange(socket, request, smallBytes);
      const closed = once(socket, 'close');
      socket.end();
      socket.resume();
      await closed;
      done++;
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return { value: done / ((performance.now() - startMs) / 1000) };
}

async function run(options: LoadOptions): Promise<LoadResult> {
  if (options.kind === 'round-trip') return roundTrips(options.port, options.messages);
  if (options.kind === 'connections') return connections(options.port, options.parallel, options.seconds);
  const { kind, port, streams } = options;
  const share = Math.ceil(options.bytes / streams);
  const startMs = performance.now();
  await Promise.all(Array.from({ length: streams }, () => (kind === 'down' ? down(port, share) : up(port, share))));
  return { value: (share * streams) / 2 ** 20 / ((performance.now() - startMs) / 1000) };
}

process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2]!) as LoadOptions))}\n`);
