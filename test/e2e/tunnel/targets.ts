/** What stands behind the agent in these tests: plain sockets with a will of their own, and ways to reach them through the client. */
import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TunnelWorld } from './world.ts';

export interface Target extends AsyncDisposable {
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
}

/** A TCP server on loopback; `serve` gets each socket, half-open allowed. */
export async function target(serve: (socket: Socket) => void): Promise<Target> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(0, '127.0.0.1', 1024);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** For what cannot be asked for any free port: one that was free a moment ago is the next best. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Refused {
  readonly status: number;
  readonly body: string;
}

/** A CONNECT through the client's HTTP proxy: the socket after a 200, or what it was told instead. */
export async function connectVia(proxyPort: number, destination: string): Promise<Socket | Refused> {
  const socket = connect({ host: '127.0.0.1', port: proxyPort, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => {});
  socket.write(`CONNECT ${destination} HTTP/1.1\r\nHost: ${destination}\r\n\r\n`);
  let head = '';
  for (;;) {
    const end = head.indexOf('\r\n\r\n');
    if (end >= 0) {
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
      if (status === 200) {
        if (head.length > end + 4) socket.unshift(Buffer.from(head.slice(end + 4), 'latin1'));
        return socket;
      }
      let body = head.slice(end + 4);
      for await (const chunk of socket) body += String(chunk);
      return { status, body };
    }
    const chunk = await readSome(socket);
    assert.ok(chunk !== null, `the proxy closed before it answered: ${head}`);
    head += chunk.toString('latin1');
  }
}

/** The next bytes, or null at the end. */
export async function readSome(socket: Socket): Promise<Buffer | null> {
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) return chunk;
    if (socket.readableEnded || socket.destroyed) return null;
    await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')]);
  }
}

/** A connection that must come about. */
export async function open(world: TunnelWorld, port: number, host = 'host.corp.example'): Promise<Socket> {
  const socket = await connectVia(world.httpPort, `${host}:${port}`);
  assert.ok('write' in socket, `refused: ${JSON.stringify(socket)}`);
  return socket;
}

/** One that must not. */
export async function refused(world: TunnelWorld, destination: string): Promise<Refused> {
  const answer = await connectVia(world.httpPort, destination);
  assert.ok(!('write' in answer), `${destination} was connected`);
  return answer;
}

const block = Buffer.alloc(256 * 1024);
for (let i = 0; i < block.length; i++) block[i] = (i * 2654435761) >>> 24;

/** Writes `bytes` of a known pattern, respecting back-pressure; returns their hash. Does not end the socket. */
export async function pour(socket: Socket, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  for (let left = bytes; left > 0;) {
    const chunk = left >= block.length ? block : block.subarray(0, left);
    left -= chunk.length;
    hash.update(chunk);
    if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), closed(socket)]);
  }
  return hash.digest('hex');
}

async function closed(socket: Socket): Promise<never> {
  await once(socket, 'close');
  throw new Error('the socket closed while it was written to');
}

export interface Drained {
  readonly bytes: number;
  readonly hash: string;
}

/** Reads to the end; rejects on a reset. */
export async function drain(socket: Socket): Promise<Drained> {
  const hash: Hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, hash: hash.digest('hex') };
}
