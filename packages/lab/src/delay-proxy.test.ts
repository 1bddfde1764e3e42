/** The delay proxy against real sockets: bytes, delay, half-close, reset, back-pressure. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { eventually } from '@postern/testing';
import { startDelayProxy } from './delay-proxy.ts';

async function target(serve: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

const loopback = { host: '127.0.0.1', port: 0 };

function dial(port: number): Socket {
  return connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
}

test('a round trip costs twice the delay and little more', async () => {
  await using echo = await target((socket) => socket.pipe(socket));
  await using proxy = await startDelayProxy({
    listen: loopback,
    to: { host: '127.0.0.1', port: echo.port },
    delayMs: 40,
  });
  const socket = dial(proxy.address.port);
  socket.write('first');
  await once(socket, 'data');
  const tookMs: number[] = [];
  for (let i = 0; i < 5; i++) {
    const startedMs = performance.now();
    socket.write('ping');
    await once(socket, 'data');
    tookMs.push(performance.now() - startedMs);
  }
  const fastestMs = Math.min(...tookMs);
  assert.ok(fastestMs >= 79, `a round trip took only ${fastestMs} ms`);
  assert.ok(fastestMs < 130, `a round trip took ${fastestMs} ms`);
  socket.destroy();
});

test('bulk is whole, fast despite the delay, and flows on after the peer has half-closed', async () => {
  const bytes = randomBytes(1 << 20);
  const times = 64;
  const sent = createHash('sha256');
  for (let i = 0; i < times; i++) sent.update(bytes);
  await using sink = await target((socket) => {
    const hash = createHash('sha256');
    socket.on('data', (chunk) => hash.update(chunk));
    // The answer goes out after the client's FIN: it arrives only if half-close is kept.
    socket.on('end', () => socket.end(hash.digest('hex')));
  });
  await using proxy = await startDelayProxy({
    listen: loopback,
    to: { host: '127.0.0.1', port: sink.port },
    delayMs: 20,
  });
  const socket = dial(proxy.address.port);
  const startedMs = performance.now();
  let answer = '';
  socket.on('data', (chunk) => (answer += String(chunk)));
  for (let i = 0; i < times; i++) if (!socket.write(bytes)) await once(socket, 'drain');
  socket.end();
  await once(socket, 'end');
  assert.equal(answer, sent.digest('hex'));
  const seconds = (performance.now() - startedMs) / 1000;
  assert.ok(seconds < 10, `64 MiB took ${seconds} s: the delay limits bandwidth`);
});

test('a reset arrives as a reset', async () => {
  await using rude = await target((socket) => socket.once('data', () => socket.resetAndDestroy()));
  await using proxy = await startDelayProxy({
    listen: loopback,
    to: { host: '127.0.0.1', port: rude.port },
    delayMs: 5,
  });
  const socket = dial(proxy.address.port);
  socket.write('x');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  await eventually('the pair is forgotten', () => proxy.connections === 0);
});

test('a dead target is a reset, not silence', async () => {
  let port = 0;
  {
    await using gone = await target(() => {});
    port = gone.port;
  }
  await using proxy = await startDelayProxy({ listen: loopback, to: { host: '127.0.0.1', port }, delayMs: 5 });
  const socket = dial(proxy.address.port);
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
});

test('a receiver that does not read holds its sender', async () => {
  await using stalled = await target((socket) => socket.pause());
  await using proxy = await startDelayProxy({
    listen: loopback,
    to: { host: '127.0.0.1', port: stalled.port },
    delayMs: 1,
  });
  const socket = dial(proxy.address.port);
  socket.on('error', () => {});
  const chunk = Buffer.alloc(1 << 20);
  let sentBytes = 0;
  let held = false;
  while (!held && sentBytes < 512 * chunk.length) {
    sentBytes += chunk.length;
    if (socket.write(chunk)) continue;
    held = await Promise.race([once(socket, 'drain').then(() => false), quiet(socket)]);
  }
  assert.ok(held, `${sentBytes} bytes vanished into the proxy`);
  socket.destroy();
});

/** Whether nothing of what was written left the process for 50 looks, 10 ms apart. */
async function quiet(socket: Socket): Promise<boolean> {
  let last = socket.bytesWritten - socket.writableLength;
  let still = 0;
  return eventually('the sender is held', () => {
    const now = socket.bytesWritten - socket.writableLength;
    still = now === last ? still + 1 : 0;
    last = now;
    return still >= 50;
  });
}

test('a busy port is one sentence', async () => {
  await using taken = await target(() => {});
  await assert.rejects(
    startDelayProxy({
      listen: { host: '127.0.0.1', port: taken.port },
      to: { host: '127.0.0.1', port: 1 },
      delayMs: 1,
    }),
    /cannot listen on 127\.0\.0\.1:\d+ \(delay proxy\)/,
  );
});
