/** Valid byte streams, mutated at random: whatever comes, nothing is thrown, and in the end every stream is closed and nothing held. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ConnectionError, flag, frameType, preface, setting } from './codes.ts';
import { goawayFrame, settingsAckFrame, settingsFrame } from './frames.ts';
import { encodeHeaders, HpackError } from './hpack/index.ts';
import { Http2Session } from './session.ts';
import type { Http2Stream } from './stream.ts';
import { Memory } from './testdata/pair.ts';
import { data, frame, headers, ping, requestFields, rst, windowUpdate } from './testdata/raw-peer.ts';

const endOfBoth = flag.endHeaders | flag.endStream;
const block = encodeHeaders([...requestFields, ['x-long', 'y'.repeat(300)]]);

const fromClient: readonly Buffer[] = [
  settingsFrame([
    [setting.initialWindowSize, 3000],
    [setting.maxFrameSize, 20_000],
  ]),
  settingsAckFrame,
  headers(1),
  data(1, 3000),
  frame(frameType.data, flag.padded, 1, Buffer.concat([Buffer.from([20]), Buffer.alloc(50)])),
  ping,
  frame(frameType.headers, 0, 3, block.subarray(0, 100)),
  frame(frameType.continuation, 0, 3, block.subarray(100, 200)),
  frame(frameType.continuation, flag.endHeaders, 3, block.subarray(200)),
  windowUpdate(3, 100_000),
  windowUpdate(0, 1_000_000),
  data(3, 9000, flag.endStream),
  headers(5, requestFields, endOfBoth),
  // With incremental indexing, and then from the table.
  frame(
    frameType.headers,
    endOfBoth,
    7,
    Buffer.concat([encodeHeaders(requestFields), Buffer.from('\x40\x03x-a\x03abc')]),
  ),
  frame(frameType.headers, flag.endHeaders, 9, Buffer.concat([encodeHeaders(requestFields), Buffer.from([0xbe])])),
  frame(frameType.priority, 0, 9, [0, 0, 0, 1, 7]),
  settingsFrame([[setting.initialWindowSize, 10]]),
  rst(9),
  frame(0x77, 0xff, 1, 'unknown'),
  headers(1, [['trailer', '1']], endOfBoth),
  settingsFrame([[setting.initialWindowSize, 100_000]]),
  goawayFrame(0, 'NO_ERROR', ''),
];

const fromServer: readonly Buffer[] = [
  settingsFrame([[setting.maxConcurrentStreams, 100]]),
  settingsAckFrame,
  headers(1, [[':status', '103']]),
  headers(1, [[':status', '200']]),
  data(1, 3000),
  windowUpdate(1, 100_000),
  headers(
    3,
    [
      [':status', '200'],
      ['grpc-status', '7'],
    ],
    endOfBoth,
  ),
  headers(5, [[':status', '200']]),
  frame(frameType.data, flag.padded, 5, Buffer.concat([Buffer.from([20]), Buffer.alloc(50)])),
  ping,
  headers(1, [['grpc-status', '0']], endOfBoth),
  rst(7),
  settingsFrame([[setting.initialWindowSize, 10]]),
  data(5, 100, flag.endStream),
  goawayFrame(9, 'NO_ERROR', ''),
];

type Mutation = (bytes: Buffer) => Buffer;

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const mutation = fc.oneof<Array<fc.Arbitrary<Mutation>>>(
  fc.tuple(at, fc.nat(255)).map(([share, byte]): Mutation => (bytes) => {
    const copy = Buffer.from(bytes);
    copy[Math.floor(share * copy.length)] = byte;
    return copy;
  }),
  fc.tuple(at, fc.nat(7)).map(([share, bit]): Mutation => (bytes) => {
    const copy = Buffer.from(bytes);
    copy[Math.floor(share * copy.length)]! ^= 1 << bit;
    return copy;
  }),
  fc.tuple(at, fc.uint8Array({ minLength: 1, maxLength: 12 })).map(([share, more]): Mutation => (bytes) => {
    const from = Math.floor(share * bytes.length);
    return Buffer.concat([bytes.subarray(0, from), more, bytes.subarray(from)]);
  }),
  fc.tuple(at, fc.integer({ min: 1, max: 12 })).map(([share, less]): Mutation => (bytes) => {
    const from = Math.floor(share * bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + less)]);
  }),
);

/** Mostly of the heads of frames, where it matters: one frame is mutated, others are moved, doubled or left out. */
function mutated(frames: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const one = fc.tuple(fc.nat(frames.length - 1), fc.nat(13), fc.nat(255)).map(([i, at, byte]) => (list: Buffer[]) => {
    const copy = Buffer.from(list[i % list.length]!);
    copy[at % copy.length] = byte;
    return list.with(i % list.length, copy);
  });
  const doubled = fc.tuple(fc.nat(frames.length - 1), fc.nat(frames.length - 1)).map(
    ([from, to]) =>
      (list: Buffer[]) =>
        list.toSpliced(to, 0, list[from % list.length]!),
  );
  const removed = fc
    .nat(frames.length - 1)
    .map((i) => (list: Buffer[]) => (list.length > 1 ? list.toSpliced(i, 1) : list));
  return fc
    .tuple(fc.array(fc.oneof(one, doubled, removed), { maxLength: 3 }), fc.array(mutation, { maxLength: 1 }))
    .map(([ofFrames, ofBytes]) => {
      const list = ofFrames.reduce((list, change) => change(list), [...frames]);
      return ofBytes.reduce((bytes: Buffer, change) => change(bytes), Buffer.concat(list));
    });
}

async function feed(role: 'server' | 'client', bytes: Buffer, sizes: readonly number[]): Promise<Http2Session> {
  const [near, far] = duplexPair();
  far.resume();
  far.on('error', () => {});
  const memory = new Memory();
  memory.mark = 1000;
  const session = new Http2Session(near, role, memory);
  const streams: Http2Stream[] = [];
  let closes = 0;
  const use = (stream: Http2Stream): void => {
    streams.push(stream);
    stream.once('close', () => closes++);
    if (stream.id % 4 === 1) stream.carry();
    stream.onRelief = () => stream.resume();
    stream.onData = (slice) => {
      if (!stream.push(slice)) stream.pause();
    };
    stream.once('end', () => stream.end());
  };
  session.on('stream', (stream) => {
    stream.trailers = [['grpc-status', '0']];
    stream.respond([[':status', '200']]);
    use(stream);
  });
  const over = once(session, 'close');
  if (role === 'server') far.write(preface);
  else
    for (let i = 0; i < 5; i++) {
      const stream = session.request(requestFields);
      use(stream);
      stream.push(Buffer.alloc(5000));
    }
  for (let from = 0, i = 0; from < bytes.length && !session.destroyed; i++) {
    const size = sizes[i % sizes.length] ?? bytes.length;
    far.write(Buffer.from(bytes.subarray(from, from + size)));
    from += size;
    if (i % 4 === 3) await new Promise((resolve) => setImmediate(resolve));
  }
  far.end();
  await over;
  const { error } = session;
  assert.ok(
    error === undefined || error instanceof ConnectionError || error instanceof HpackError,
    `ended by ${String(error)}`,
  );
  assert.equal(closes, streams.length);
  assert.ok(streams.every((stream) => stream.closed && stream.queuedBytes === 0));
  assert.equal(memory.loaded.size + memory.promised.size, 0);
  return session;
}

for (const [role, frames] of [
  ['server', fromClient],
  ['client', fromServer],
] as const)
  test(`a ${role} outlives whatever its peer sends`, async () => {
    const unharmed = await feed(role, Buffer.concat(frames), []);
    assert.equal(unharmed.error, undefined, 'what is mutated is valid');
    let refused = 0;
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        mutated(frames),
        fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 3 }),
        async (bytes, sizes) => {
          runs++;
          if ((await feed(role, bytes, sizes)).error !== undefined) refused++;
        },
      ),
      { numRuns: 1500, interruptAfterTimeLimit: 4000 },
    );
    assert.ok(refused > runs / 10 && refused < runs, `${refused} of ${runs} were refused`);
  });
