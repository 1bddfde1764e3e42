/** Flow control against Node's HTTP/2 and our own: windows that stall, grow, shrink, change in mid-stream and become negative. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import { eventually } from '@postern/testing';
import { Http2Session } from './session.ts';
import type { Http2Stream } from './stream.ts';
import {
  checkExchange,
  exchange,
  hashOf,
  KiB,
  Memory,
  MiB,
  nodes,
  noise,
  ours,
  pair,
  pairings,
  requestHeaders,
} from './testdata/pair.ts';

const initialWindowBytes = 16 * KiB;

for (const client of ['node', 'ours'] as const) {
  test(`a paused stream holds a window at most and stops nobody else (client: ${client})`, async (t) => {
    let paused: Http2Stream | undefined;
    let received: Promise<string> | undefined;
    const p = await pair(t, client, 'ours', (call, stream) => {
      if (call.headers[':path'] === '/exchange') return exchange(call);
      paused = stream as Http2Stream;
      paused.pause();
      received = call.received;
      call.respond({ ':status': '200' });
    });
    const stalled = p.call('/stalled');
    const sent = stalled.send(2 * MiB).then(() => stalled.end());
    await eventually('a window has arrived', () => paused?.receivedBytes === initialWindowBytes);
    await checkExchange(p, 2 * MiB, 2 * MiB);
    assert.equal(paused!.receivedBytes, initialWindowBytes);
    paused!.resume();
    assert.equal(await received, hashOf(2 * MiB));
    await sent;
  });

  test(`the window grows for a stream that flows, and follows what memory allows (client: ${client})`, async (t) => {
    let carrying: Http2Stream | undefined;
    let received: Promise<string> | undefined;
    const { call, memory } = await pair(t, client, 'ours', (call, stream) => {
      received = call.received;
      carrying = stream as Http2Stream;
      assert.equal(carrying.windowBytes, initialWindowBytes);
      carrying.carry();
      call.respond({ ':status': '200' });
    });
    const made = call('/carry');
    await made.send(2 * MiB);
    assert.equal(carrying!.windowBytes, MiB);
    memory.window = 32 * KiB;
    await made.send(4 * MiB);
    await eventually('the window has shrunk', () => carrying!.windowBytes === 32 * KiB);
    // What was promised before is used up; from here on the small window holds.
    await eventually('all has arrived', () => carrying!.receivedBytes === 6 * MiB);
    carrying!.pause();
    const sent = made.send(MiB);
    const before = carrying!.receivedBytes;
    await eventually('what is allowed has arrived', () => carrying!.receivedBytes - before > 24 * KiB - 1);
    memory.window = 256 * KiB;
    carrying!.resume();
    await sent;
    made.end();
    await received;
    assert.equal(carrying!.windowBytes, 256 * KiB);
  });
}

test('what a paused stream may still receive is no more than its shrunken window', async (t) => {
  let stream: Http2Stream | undefined;
  const { call, memory } = await pair(t, 'node', 'ours', (call, s) => {
    stream = s as Http2Stream;
    stream.carry();
    call.respond({ ':status': '200' });
  });
  const made = call('/');
  await made.send(3 * MiB);
  memory.window = 64 * KiB;
  await made.send(3 * MiB);
  await eventually('all has arrived', () => stream!.receivedBytes === 6 * MiB && stream!.windowBytes === 64 * KiB);
  stream!.pause();
  void made.send(MiB).catch(() => {});
  await eventually('three quarters have arrived', () => stream!.receivedBytes >= 6 * MiB + 48 * KiB);
  const other = call('/other');
  await other.response;
  assert.ok(stream!.receivedBytes <= 6 * MiB + 64 * KiB);
  made.reset('CANCEL');
});

test('a source is told to pause at its mark, and relieved when its peer reads again', async (t) => {
  let slow: http2.ServerHttp2Stream | undefined;
  const { client, memory } = await pair(t, 'ours', 'node', (_call, stream) => {
    slow = stream as http2.ServerHttp2Stream;
    slow.pause();
  });
  const stream = (client as Http2Session).request(Object.entries(requestHeaders('/slow')));
  let relieved = 0;
  stream.onRelief = () => relieved++;
  let pushed = 0;
  await eventually('it is to pause', () => {
    pushed += noise.length;
    return !stream.push(noise);
  });
  await eventually('the peer has taken what it may', () => stream.sendWindow === 0);
  assert.ok(memory.loaded.has(stream));
  assert.ok(stream.queuedBytes > memory.mark);
  assert.equal(stream.queuedBytes + stream.takenBytes, pushed);
  assert.equal(stream.heldBytes(), stream.queuedBytes);
  assert.equal(relieved, 0);
  slow!.resume();
  await eventually('relief', () => relieved === 1);
  await eventually('all is sent', () => stream.queuedBytes === 0);
  stream.close('CANCEL');
});

for (const [client, server] of pairings.slice(0, 2))
  test(`the initial window may change under running streams (client: ${client}, server: ${server})`, async (t) => {
    const p = await pair(t, client, server, exchange, { initialWindowSize: 100_000 });
    const node = (client === 'node' ? p.client : p.server()) as http2.Http2Session;
    const calls = Promise.all([checkExchange(p, 4 * MiB, 4 * MiB), checkExchange(p, 3 * MiB, 3 * MiB)]);
    for (const initialWindowSize of [0, 200_000, 1, 65_535, 3000, 0, 1_000_000, 10, 50_000])
      await new Promise<void>((resolve) => node.settings({ initialWindowSize }, () => resolve()));
    await calls;
    await checkExchange(p, 100_000, 100_000);
  });

test('a window that has become negative sends nothing until it is positive again', async (t) => {
  let held: http2.ServerHttp2Stream | undefined;
  const p = await pair(t, 'ours', 'node', (_call, stream) => {
    held = stream as http2.ServerHttp2Stream;
    held.pause();
  });
  const stream = (p.client as Http2Session).request(Object.entries(requestHeaders('/held')));
  stream.push(Buffer.alloc(300_000));
  await eventually('its window is used up', () => stream.sendWindow === 0 && held !== undefined);
  const settings = (initialWindowSize: number): Promise<void> =>
    new Promise((resolve) => (p.server() as http2.Http2Session).settings({ initialWindowSize }, () => resolve()));
  // Node takes what its stream's buffer holds before the pause counts, and gives credit for it.
  let taken: number;
  do {
    taken = stream.takenBytes;
    await settings(65_535);
  } while (stream.takenBytes !== taken || stream.sendWindow !== 0);
  await settings(1000);
  assert.equal(stream.sendWindow, 1000 - 65_535);
  await settings(65_535);
  assert.equal(stream.sendWindow, 0);
  assert.equal(stream.takenBytes, taken);
  await settings(66_535);
  await eventually('a thousand bytes more', () => stream.takenBytes === taken + 1000);
  await settings(0);
  assert.equal(stream.sendWindow, -66_535);
  held!.resume();
  await settings(65_535);
  await eventually('all is sent', () => stream.takenBytes === 300_000);
});

test('a peer that takes large frames gets them, and Node reads them', async (t) => {
  const p = await pair(t, 'ours', 'node', exchange, { maxFrameSize: 2 ** 24 - 1, initialWindowSize: 8 * MiB });
  (p.server() as http2.ServerHttp2Session).setLocalWindowSize(8 * MiB);
  await checkExchange(p, 6 * MiB, 1);
});

test('Node may pad its frames', async (t) => {
  let received = Promise.resolve('');
  let socket: net.Socket | undefined;
  const listener = net.createServer((accepted) => {
    socket = accepted;
    new Http2Session(accepted, 'server', new Memory()).on('stream', (stream) => {
      const call = ours(stream);
      received = call.received;
      exchange(call);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => (socket?.destroy(), listener.close()));
  const client = http2.connect(`http://127.0.0.1:${(listener.address() as net.AddressInfo).port}`, {
    paddingStrategy: http2.constants.PADDING_STRATEGY_MAX,
  });
  client.on('error', () => {});
  const call = nodes(client.request(requestHeaders('/exchange', { 'x-bytes': '1000' })));
  await call.send(MiB);
  call.end();
  assert.equal(await call.received, hashOf(1000));
  assert.equal(await received, hashOf(MiB));
  client.destroy();
});
