/** Raw frames that no honest peer sends: each costs its stream or its session, with the code that RFC 9113 names, and nothing else. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { eventually } from '@postern/testing';
import { type ErrorName, flag, frameType, preface, setting } from './codes.ts';
import { settingsFrame } from './frames.ts';
import { encodeHeaders, type HeaderField } from './hpack/index.ts';
import type { Http2Stream } from './stream.ts';
import {
  data,
  frame,
  headers,
  ping,
  rawPeer,
  type RawPeer,
  requestFields,
  rst,
  silentPeer,
  windowUpdate,
} from './testdata/raw-peer.ts';

const endOfBoth = flag.endHeaders | flag.endStream;
const response: readonly HeaderField[] = [[':status', '200']];

/** Beside the attack runs another session, which must not notice. */
async function withBystander(t: TestContext, attack: () => Promise<void>): Promise<void> {
  const bystander = await rawPeer(t);
  bystander.session.on('stream', (stream) => {
    stream.onData = (slice) => void stream.push(Buffer.from(slice));
    stream.respond(response);
  });
  bystander.send(headers(1), data(1, 'first'));
  await attack();
  bystander.send(data(1, ' second'));
  const echoed = (): string =>
    Buffer.concat(
      bystander.frames.filter((f) => f.type === frameType.data && f.stream === 1).map((f) => f.payload),
    ).toString();
  await bystander.find(() => echoed() === 'first second');
  await bystander.alive();
}

async function opened(peer: RawPeer, id = 1): Promise<Http2Stream> {
  const call = once(peer.session, 'stream') as Promise<[Http2Stream]>;
  peer.send(headers(id));
  return (await call)[0];
}

// ---- floods

type Flood = readonly [name: string, frames: (i: number) => Buffer];

const floods: readonly Flood[] = [
  ['rapid reset (CVE-2023-44487)', (i) => Buffer.concat([headers(3 + 2 * i), rst(3 + 2 * i)])],
  [
    'resets made by the server (CVE-2025-8671), by a window update of 0',
    (i) => Buffer.concat([headers(3 + 2 * i), windowUpdate(3 + 2 * i, 0)]),
  ],
  [
    'resets made by the server, by a window that overflows',
    (i) => Buffer.concat([headers(3 + 2 * i), windowUpdate(3 + 2 * i, 2 ** 31 - 1)]),
  ],
  [
    'resets made by the server, by data behind the end',
    (i) => Buffer.concat([headers(3 + 2 * i, requestFields, endOfBoth), data(3 + 2 * i, 1)]),
  ],
  ['resets made by the server, by malformed trailers', (i) => Buffer.concat([headers(3 + 2 * i), headers(3 + 2 * i)])],
  ['PING (CVE-2019-9512)', () => ping],
  ['SETTINGS (CVE-2019-9515)', () => settingsFrame([])],
  ['empty DATA (CVE-2019-9518)', () => data(1, 0)],
  ['PRIORITY (CVE-2019-9513)', (i) => frame(frameType.priority, 0, 1, [0, 0, 0, 3, i & 0xff])],
  ['frames of an unknown type', () => frame(0x77, 0, 0, 'x')],
  ['calls that are malformed', (i) => headers(3 + 2 * i, [[':path', '/']])],
  ['resets of a stream that is over', () => rst(1)],
];

for (const [name, frames] of floods)
  test(`a flood is cut: ${name}`, async (t) => {
    await withBystander(t, async () => {
      const peer = await rawPeer(t);
      await opened(peer);
      if (name.includes('over')) peer.send(rst(1));
      for (let i = 0; i < 3000 && !peer.session.destroyed; i += 100) {
        const many = Buffer.concat(Array.from({ length: 100 }, (_, j) => frames(i + j)));
        await new Promise((resolve) => peer.socket.write(many, resolve));
      }
      // The connection may be lost before the word reaches us; the session knows.
      assert.ok(['ENHANCE_YOUR_CALM', 'LOST'].includes(await peer.goaway()));
      assert.match(String(peer.session.error), /too many frames that move nothing/);
    });
  });

test('a header block without an end is cut (CVE-2024-27316)', async (t) => {
  for (const fragment of ['', 'x'.repeat(16_000)])
    await withBystander(t, async () => {
      const peer = await rawPeer(t);
      peer.send(frame(frameType.headers, 0, 1, encodeHeaders(requestFields)));
      for (let i = 0; i < 20; i++) peer.send(frame(frameType.continuation, 0, 1, fragment));
      assert.ok(['ENHANCE_YOUR_CALM', 'LOST'].includes(await peer.goaway()));
      assert.match(String(peer.session.error), /no end/);
    });
});

test('a peer that never reads the answers it provokes is sent away, and little is held for it', async (t) => {
  await withBystander(t, async () => {
    const peer = await rawPeer(t);
    const calls: Http2Stream[] = [];
    peer.session.on('stream', (stream) => {
      calls.push(stream);
      stream.respond([...response, ['x-long', 'z'.repeat(4000)]], true);
      stream.close('NO_ERROR');
    });
    peer.socket.pause();
    let most = 0;
    for (let i = 0; !peer.session.destroyed; i++) {
      assert.ok(i < 20_000, 'it goes on for ever');
      peer.send(headers(1 + 2 * i));
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, peer.session.socket.writableLength);
    }
    assert.match(String(peer.session.error), /does not read the answers/);
    assert.ok(most < 2 ** 21, `${most} bytes were held`);
  });
});

test('many small slices that nobody reads do not keep the large reads alive in which they came', async (t) => {
  const peer = await rawPeer(t);
  const [slow, fast] = [await opened(peer, 1), await opened(peer, 3)];
  fast.carry();
  fast.onData = () => {};
  for (let i = 0; i < 50; i++) {
    peer.send(data(1, 10), data(3, 16_000), data(3, 16_000), data(3, 16_000));
    await peer.alive();
  }
  let held = 0;
  const buffers = new Set<ArrayBufferLike>();
  slow.onData = (slice) => {
    held += slice.length;
    buffers.add(slice.buffer);
  };
  assert.equal(held, 500);
  assert.ok([...buffers].reduce((sum, b) => sum + b.byteLength, 0) < 16_384);
});

// ---- windows

test('more data than a stream was allowed costs the stream', async (t) => {
  const peer = await rawPeer(t);
  const stream = await opened(peer);
  const other = await opened(peer, 3);
  stream.pause();
  peer.send(data(1, 16_384));
  await peer.alive();
  assert.equal(stream.receivedBytes, 16_384);
  assert.equal(stream.closed, false);
  peer.send(data(1, 1));
  assert.equal(await peer.reset(1), 'FLOW_CONTROL_ERROR');
  await peer.alive();
  assert.ok(stream.closed && !other.closed);
});

test('padding counts, and is given back', async (t) => {
  const peer = await rawPeer(t);
  const stream = await opened(peer);
  stream.onData = () => {};
  for (let i = 0; i < 200; i++) {
    peer.send(frame(frameType.data, flag.padded, 1, Buffer.alloc(256, i === 0 ? 255 : 0).fill(255, 0, 1)));
    await peer.alive();
    const credit = peer.frames.filter((f) => f.type === frameType.windowUpdate && f.stream === 1);
    const given = credit.reduce((sum, f) => sum + f.payload.readUInt32BE(0), 0);
    assert.ok(16_384 + given - 256 * (i + 1) > 8192, `after ${i} frames`);
  }
  assert.equal(stream.closed, false);
});

test('the window of the connection is given back also for data that nobody takes', async (t) => {
  const peer = await rawPeer(t);
  await opened(peer);
  let sent = 0;
  const allowed = (): number =>
    65_535 +
    peer.frames
      .filter((f) => f.type === frameType.windowUpdate && f.stream === 0)
      .reduce((sum, f) => sum + f.payload.readUInt32BE(0), 0);
  for (let i = 0; i < 10; i++) {
    const frames = Array.from({ length: 32 }, () => data(1, 256 * 1024));
    await new Promise((resolve) => peer.socket.write(Buffer.concat(frames), resolve));
    await peer.alive();
    sent += frames.length * 256 * 1024;
    assert.ok(allowed() - sent > 2 ** 25, `after ${sent} bytes`);
  }
  assert.equal(await peer.reset(1), 'FLOW_CONTROL_ERROR');
});

test('a window that overflows costs the stream, or the connection', async (t) => {
  const peer = await rawPeer(t);
  await opened(peer);
  peer.send(windowUpdate(1, 2 ** 31 - 1));
  assert.equal(await peer.reset(1), 'FLOW_CONTROL_ERROR');
  peer.send(windowUpdate(0, 2 ** 31 - 1));
  assert.equal(await peer.goaway(), 'FLOW_CONTROL_ERROR');
});

test('nothing beyond the peer\u2019s windows is sent', async (t) => {
  const peer = await rawPeer(t, 'server', [[setting.initialWindowSize, 100]]);
  const [one, three] = [await opened(peer, 1), await opened(peer, 3)];
  const sent = (id: number): number =>
    peer.frames
      .filter((f) => f.type === frameType.data && f.stream === id)
      .reduce((sum, f) => sum + f.payload.length, 0);
  for (const stream of [one, three]) {
    stream.respond(response);
    stream.push(Buffer.alloc(200_000));
    stream.end();
  }
  await peer.alive();
  assert.deepEqual([sent(1), sent(3)], [100, 100]);
  peer.send(windowUpdate(1, 10));
  await peer.find(() => sent(1) === 110);
  peer.send(windowUpdate(1, 200_000), windowUpdate(3, 200_000));
  await peer.find(() => sent(1) + sent(3) === 65_535);
  await peer.alive();
  assert.equal(sent(1) + sent(3), 65_535);
  peer.send(windowUpdate(0, 1_000_000));
  await peer.find(
    () => peer.frames.filter((f) => f.type === frameType.data && f.flags === flag.endStream).length === 2,
  );
  assert.deepEqual([sent(1), sent(3)], [200_000, 200_000]);
});

// ---- what breaks the protocol

/** Behind an open stream 1 at a server of ours. */
const atServer: ReadonlyArray<readonly [name: string, code: ErrorName, ...frames: readonly Buffer[]]> = [
  ['HEADERS on an even id', 'PROTOCOL_ERROR', headers(2)],
  ['HEADERS on stream 0', 'PROTOCOL_ERROR', headers(0)],
  ['a call on a lower id than the last', 'PROTOCOL_ERROR', headers(7), headers(5)],
  ['a call on an id that was used', 'PROTOCOL_ERROR', headers(3), rst(3), headers(3)],
  ['DATA on a stream that was never opened', 'PROTOCOL_ERROR', data(9, 1)],
  ['DATA on a stream of ours that was never opened', 'PROTOCOL_ERROR', data(2, 1)],
  ['RST_STREAM on a stream that was never opened', 'PROTOCOL_ERROR', rst(9)],
  ['WINDOW_UPDATE on a stream that was never opened', 'PROTOCOL_ERROR', windowUpdate(9, 1)],
  ['RST_STREAM on stream 0', 'PROTOCOL_ERROR', rst(0)],
  ['a connection window update of 0', 'PROTOCOL_ERROR', windowUpdate(0, 0)],
  ['SETTINGS on a stream', 'PROTOCOL_ERROR', frame(frameType.settings, 0, 1)],
  ['PING on a stream', 'PROTOCOL_ERROR', frame(frameType.ping, 0, 1, 'are you ')],
  ['GOAWAY on a stream', 'PROTOCOL_ERROR', frame(frameType.goaway, 0, 1, Buffer.alloc(8))],
  ['PUSH_PROMISE', 'PROTOCOL_ERROR', frame(frameType.pushPromise, flag.endHeaders, 1, [0, 0, 0, 2, 0x82])],
  ['CONTINUATION without HEADERS', 'PROTOCOL_ERROR', frame(frameType.continuation, flag.endHeaders, 1)],
  ['PING in a header block', 'PROTOCOL_ERROR', headers(3, requestFields, 0), ping],
  ['DATA in a header block', 'PROTOCOL_ERROR', headers(3, requestFields, 0), data(1, 1)],
  ['an unknown frame in a header block', 'PROTOCOL_ERROR', headers(3, requestFields, 0), frame(0x77, 0, 0)],
  ['HEADERS in a header block', 'PROTOCOL_ERROR', headers(3, requestFields, 0), headers(5)],
  [
    'CONTINUATION of another stream',
    'PROTOCOL_ERROR',
    headers(3, requestFields, 0),
    frame(frameType.continuation, 4, 1),
  ],
  [
    'HEADERS that are all padding',
    'PROTOCOL_ERROR',
    frame(frameType.headers, flag.endHeaders | flag.padded, 3, [9, 0x82]),
  ],
  [
    'HEADERS without room for their priority',
    'PROTOCOL_ERROR',
    frame(frameType.headers, flag.endHeaders | flag.priority, 3, [0]),
  ],
  ['DATA that is all padding', 'PROTOCOL_ERROR', frame(frameType.data, flag.padded, 1, [9, 0])],
  ['a window beyond 2^31-1 by SETTINGS', 'FLOW_CONTROL_ERROR', settingsFrame([[setting.initialWindowSize, 2 ** 31]])],
  [
    'a running window beyond it by SETTINGS',
    'FLOW_CONTROL_ERROR',
    windowUpdate(1, 2 ** 30),
    settingsFrame([[setting.initialWindowSize, 2 ** 31 - 1]]),
  ],
  ['SETTINGS that are cut short', 'FRAME_SIZE_ERROR', frame(frameType.settings, 0, 0, [0, 1, 0, 0])],
  ['an acknowledgement with settings', 'FRAME_SIZE_ERROR', frame(frameType.settings, flag.ack, 0, [0, 1, 0, 0, 0, 0])],
  ['a PING of 7', 'FRAME_SIZE_ERROR', frame(frameType.ping, 0, 0, '1234567')],
  ['a RST_STREAM of 3', 'FRAME_SIZE_ERROR', frame(frameType.rstStream, 0, 1, '123')],
  ['a WINDOW_UPDATE of 5', 'FRAME_SIZE_ERROR', frame(frameType.windowUpdate, 0, 1, '12345')],
  ['a GOAWAY of 7', 'FRAME_SIZE_ERROR', frame(frameType.goaway, 0, 0, '1234567')],
  ['a PING of 20,000', 'FRAME_SIZE_ERROR', frame(frameType.ping, 0, 0, 'x'.repeat(20_000))],
  ['DATA above the size that was advertised', 'FRAME_SIZE_ERROR', data(1, 256 * 1024 + 1)],
  ['an entry that no table has', 'COMPRESSION_ERROR', frame(frameType.headers, flag.endHeaders, 3, [0xfe])],
  ['a header block that is cut short', 'COMPRESSION_ERROR', frame(frameType.headers, flag.endHeaders, 3, [0x40, 0x7f])],
  [
    'HPACK garbage on a stream that is over',
    'COMPRESSION_ERROR',
    rst(1),
    frame(frameType.headers, endOfBoth, 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ],
];

for (const [name, code, ...frames] of atServer)
  test(`${name}: the connection ends with ${code}`, async (t) => {
    const peer = await rawPeer(t);
    const stream = await opened(peer);
    stream.onData = () => {};
    const closed = once(peer.session, 'close');
    peer.send(...frames);
    assert.equal(await peer.goaway(), code);
    await closed;
    assert.ok(stream.closed);
  });

test('what does not begin as HTTP/2 ends at once', async (t) => {
  for (const [begin, code] of [
    ['GET / HTTP/1.1\r\n\r\n', 'PROTOCOL_ERROR'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\rx', 'PROTOCOL_ERROR'],
    [Buffer.concat([preface, ping]), 'PROTOCOL_ERROR'],
    [Buffer.concat([preface, headers(1)]), 'PROTOCOL_ERROR'],
    [Buffer.concat([preface, data(1, 1)]), 'PROTOCOL_ERROR'],
  ] as const) {
    const peer = await silentPeer(t, 'server');
    peer.send(Buffer.from(begin as string));
    assert.equal(await peer.goaway(), code);
    await eventually('the session is over', () => peer.session.destroyed);
  }
  const client = await silentPeer(t, 'client');
  client.send(ping);
  assert.equal(await client.goaway(), 'PROTOCOL_ERROR');
});

test('a preface may come byte by byte', async (t) => {
  const peer = await silentPeer(t, 'server');
  for (const byte of Buffer.concat([preface, settingsFrame([])])) peer.send(Buffer.from([byte]));
  await peer.alive();
});

// ---- what costs a stream

const malformed: ReadonlyArray<readonly [name: string, code: ErrorName, fields: readonly HeaderField[]]> = [
  ['a list above 8 KiB', 'ENHANCE_YOUR_CALM', [...requestFields, ['x-long', 'z'.repeat(8192)]]],
  [
    'a list of 33',
    'ENHANCE_YOUR_CALM',
    [...requestFields, ...Array.from({ length: 30 }, (): HeaderField => ['a', ''])],
  ],
  ['no path', 'PROTOCOL_ERROR', requestFields.slice(0, 2)],
  ['a pseudo-header twice', 'PROTOCOL_ERROR', [...requestFields, [':path', '/']]],
  ['a pseudo-header behind others', 'PROTOCOL_ERROR', [['a', 'b'], ...requestFields]],
  ['a capital', 'PROTOCOL_ERROR', [...requestFields, ['Accept', 'x']]],
  ['a line break', 'PROTOCOL_ERROR', [...requestFields, ['a', 'x\r\nb: c']]],
  ['connection', 'PROTOCOL_ERROR', [...requestFields, ['connection', 'close']]],
  ['a response', 'PROTOCOL_ERROR', response],
];

test('a list of headers that is malformed or too large costs its call only', async (t) => {
  const peer = await rawPeer(t);
  const other = await opened(peer);
  let id = 3;
  for (const [name, code, fields] of malformed) {
    peer.send(headers(id, fields));
    assert.equal(await peer.reset(id), code, name);
    id += 2;
  }
  await opened(peer, id);
  await peer.alive();
  assert.equal(other.closed, false);
});

test('what must not follow costs the stream', async (t) => {
  const peer = await rawPeer(t);
  for (const [i, [code, ...frames]] of (
    [
      ['STREAM_CLOSED', (id) => headers(id, requestFields, endOfBoth), (id) => data(id, 1)],
      ['STREAM_CLOSED', (id) => headers(id, requestFields, endOfBoth), (id) => headers(id, [], endOfBoth)],
      ['STREAM_CLOSED', (id) => headers(id), (id) => data(id, 5, flag.endStream), (id) => data(id, 0, flag.endStream)],
      ['PROTOCOL_ERROR', (id) => headers(id), (id) => headers(id, [['a', 'b']])],
      ['PROTOCOL_ERROR', (id) => headers(id), (id) => headers(id, response, endOfBoth)],
      ['PROTOCOL_ERROR', (id) => headers(id), (id) => windowUpdate(id, 0)],
    ] as ReadonlyArray<readonly [ErrorName, ...Array<(id: number) => Buffer>]>
  ).entries()) {
    const id = 1 + 2 * i;
    peer.send(...frames.map((make) => make(id)));
    assert.equal(await peer.reset(id), code, `case ${i}`);
  }
  await peer.alive();
});

test('what was under way when a stream ended is ignored', async (t) => {
  const peer = await rawPeer(t);
  const stream = await opened(peer);
  stream.close('CANCEL');
  peer.send(data(1, 100), windowUpdate(1, 100), headers(1, [['grpc-status', '0']], endOfBoth), rst(1));
  await peer.alive();
  assert.equal(peer.frames.filter((f) => f.type === frameType.rstStream).length, 1);
});

test('a header block may be cut into small pieces, and padded', async (t) => {
  const peer = await rawPeer(t);
  const block = encodeHeaders([...requestFields, ['a', 'b']]);
  const call = once(peer.session, 'stream') as Promise<[Http2Stream]>;
  const first = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 9]), block.subarray(0, 1), Buffer.alloc(3)]);
  peer.send(frame(frameType.headers, flag.padded | flag.priority | flag.endStream, 1, first));
  for (const at of [1, 2, 3, 4]) peer.send(frame(frameType.continuation, 0, 1, block.subarray(at, at + 1)));
  peer.send(frame(frameType.continuation, flag.endHeaders, 1, block.subarray(5)));
  const [stream] = await call;
  assert.equal(stream.headers!['a'], 'b');
  assert.ok(stream.remoteEnded);
});

// ---- at a client of ours

const atClient: ReadonlyArray<readonly [name: string, code: ErrorName, ...frames: readonly Buffer[]]> = [
  ['a call from the server', 'PROTOCOL_ERROR', headers(2)],
  ['a response to a call that was never made', 'PROTOCOL_ERROR', headers(3, response)],
  ['PUSH_PROMISE', 'PROTOCOL_ERROR', frame(frameType.pushPromise, flag.endHeaders, 1, [0, 0, 0, 2, 0x82])],
  ['DATA on stream 2', 'PROTOCOL_ERROR', data(2, 1)],
  ['HPACK garbage', 'COMPRESSION_ERROR', frame(frameType.headers, flag.endHeaders, 1, [0x80])],
];

for (const [name, code, ...frames] of atClient)
  test(`at a client, ${name}: the connection ends with ${code}`, async (t) => {
    const peer = await rawPeer(t, 'client');
    const stream = peer.session.request(requestFields);
    await peer.find((f) => f.type === frameType.headers);
    peer.send(...frames);
    assert.equal(await peer.goaway(), code);
    assert.ok(stream.closed);
  });

test('at a client, an answer that is malformed costs its call only', async (t) => {
  const peer = await rawPeer(t, 'client');
  for (const [i, answer] of [
    (id: number) => [headers(id, [['a', 'b']])],
    (id: number) => [headers(id, [...response, [':path', '/']])],
    (id: number) => [headers(id, response), headers(id, response, endOfBoth)],
    (id: number) => [headers(id, [[':status', '103']], endOfBoth)],
    (id: number) => [data(id, 1)],
  ].entries()) {
    const stream = peer.session.request(requestFields);
    await peer.find((f) => f.type === frameType.headers && f.stream === stream.id);
    peer.send(...answer(stream.id));
    assert.equal(await peer.reset(stream.id), 'PROTOCOL_ERROR', `case ${i}`);
  }
  const stream = peer.session.request(requestFields);
  await peer.find((f) => f.stream === stream.id);
  const answered = once(stream, 'response');
  peer.send(headers(stream.id, [[':status', '103']]), headers(stream.id, response));
  await answered;
});
