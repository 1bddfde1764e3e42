/** Node's own HTTP/2 as the oracle: what it compresses we read as it does, what it refuses we refuse, and it reads what we write. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HpackDecoder } from './decoder.ts';
import { encodeHeaders } from './encoder.ts';
import { HpackError } from './errors.ts';
import type { HeaderField } from './header-field.ts';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const generous = { listBytesMax: 2 ** 20, listCountMax: 1000 };

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** RFC 9113 section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return frames;
}

/** The header blocks among frames: HEADERS without padding and priority, and what CONTINUATION adds. */
function blocksOf(frames: readonly Frame[]): Buffer[] {
  const blocks: Buffer[] = [];
  let fragments: Buffer[] = [];
  for (const { type, flags, payload } of frames) {
    if (type !== 1 && type !== 9) continue;
    const padded = type === 1 && (flags & 0x8) !== 0;
    const start = (padded ? 1 : 0) + (type === 1 && (flags & 0x20) !== 0 ? 5 : 0);
    fragments.push(payload.subarray(start, payload.length - (padded ? payload[0]! : 0)));
    if ((flags & 0x4) === 0) continue;
    blocks.push(Buffer.concat(fragments));
    fragments = [];
  }
  return blocks;
}

function pairs(raw: readonly string[]): HeaderField[] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[i * 2]!, raw[i * 2 + 1]!]);
}

/** Passes on what comes out of `from`, and keeps it. */
function tapped(from: Duplex, to: Duplex): Buffer[] {
  const chunks: Buffer[] = [];
  from.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    to.write(chunk);
  });
  return chunks;
}

interface Exchange {
  /** What went over the wire, and what Node's decoder at the other end made of it. */
  readonly requests: { readonly blocks: Buffer[]; readonly seen: HeaderField[][] };
  readonly responses: { readonly blocks: Buffer[]; readonly seen: HeaderField[][] };
}

/** One connection, one request after the other; each is answered with the headers it came with. */
async function exchange(
  requests: readonly http2.OutgoingHttpHeaders[],
  settings: http2.Settings = {},
  client: http2.ClientSessionOptions = {},
): Promise<Exchange> {
  const [near, nearEnd] = duplexPair();
  const [farEnd, far] = duplexPair();
  const toServer = tapped(nearEnd, farEnd);
  const toClient = tapped(farEnd, nearEnd);
  const seenRequests: HeaderField[][] = [];
  const seenResponses: HeaderField[][] = [];
  const server = http2.createServer({ settings });
  server.on('stream', (stream, headers, _flags, raw) => {
    seenRequests.push(pairs(raw));
    stream.on('error', () => {});
    const echoed = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
    stream.respond({ ':status': 200, ...Object.fromEntries(echoed) }, { endStream: true });
  });
  server.emit('connection', far);
  const session = http2.connect('http://tunnel.example', { ...client, createConnection: () => near });
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  for (const headers of requests) {
    const request = session.request(headers, { endStream: true });
    request.on('response', (_headers, _flags, raw?: string[]) => seenResponses.push(pairs(raw!)));
    request.on('error', () => {});
    request.resume();
    await once(request, 'close').catch(() => {});
  }
  session.destroy();
  near.destroy();
  far.destroy();
  const sent = Buffer.concat(toServer);
  assert.deepEqual(sent.subarray(0, preface.length), preface);
  return {
    requests: { blocks: blocksOf(framesOf(sent.subarray(preface.length))), seen: seenRequests },
    responses: { blocks: blocksOf(framesOf(Buffer.concat(toClient))), seen: seenResponses },
  };
}

function decodeAll(decoder: HpackDecoder, blocks: readonly Buffer[]): HeaderField[][] {
  return blocks.map((block) => decoder.decode(block));
}

/** RFC 9110 section 5.5: what a value may hold. */
const allowed = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => byte === 9 || (byte >= 32 && byte !== 127),
);
const valueText = fc
  .array(fc.oneof(fc.constantFrom(...allowed), fc.constantFrom(0x30, 0x61, 0x65, 0x6f)), { maxLength: 120 })
  .map((bytes) => `x${Buffer.from(bytes).toString('latin1')}x`);
const nameText = fc.stringMatching(/^x-[a-z0-9!#$%&'*+.^_`|~-]{1,12}$/);

/** Requests that say mostly the same, as those of one client do: so that tables fill, are used and evict. */
const sequence: fc.Arbitrary<http2.OutgoingHttpHeaders[]> = fc
  .tuple(
    fc.uniqueArray(nameText, { minLength: 3, maxLength: 12 }),
    fc.array(valueText, { minLength: 4, maxLength: 20 }),
    fc.array(fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), { maxLength: 8 }), { minLength: 40, maxLength: 80 }),
  )
  .map(([names, values, requests]) =>
    requests.map((picks, i) => {
      const headers: http2.OutgoingHttpHeaders = { ':path': `/call/${i % 7}`, ':method': i % 3 === 0 ? 'GET' : 'POST' };
      const neverIndexed: string[] = [];
      for (const [name, value, sensitive] of picks) {
        headers[names[name % names.length]!] = values[value % values.length]!;
        if (sensitive) neverIndexed.push(names[name % names.length]!);
      }
      return { ...headers, 'user-agent': 'postern', [http2.sensitiveHeaders]: neverIndexed };
    }),
  );

test('every octet that a value may hold, plain and Huffman coded', async () => {
  const values = allowed.flatMap((byte) => {
    const character = String.fromCharCode(byte);
    return [`x${character}x`, `${'a'.repeat(20)}${character}${'0'.repeat(20)}`, `x${character.repeat(50)}x`];
  });
  const { requests, responses } = await exchange(values.map((value) => ({ 'x-octets': value })));
  assert.equal(requests.seen.length, values.length);
  assert.deepEqual(decodeAll(new HpackDecoder(), requests.blocks), requests.seen);
  assert.deepEqual(decodeAll(new HpackDecoder(), responses.blocks), responses.seen);
  const ours = decodeAll(new HpackDecoder(), requests.blocks).map((fields) => fields.at(-1));
  assert.deepEqual(
    ours,
    values.map((value) => ['x-octets', value]),
  );
});

test('also the octets that no value may hold, which Node sends as they are', async () => {
  // Without NUL, at which Node's strings end. Its code is the one that is left, the code being complete.
  const values = Array.from(
    { length: 255 },
    (_, i) => `${'a'.repeat(20)}${String.fromCharCode(i + 1)}${'0'.repeat(20)}`,
  );
  const { requests } = await exchange(values.map((value) => ({ 'x-octets': value })));
  assert.deepEqual(
    decodeAll(new HpackDecoder(), requests.blocks).map((fields) => fields.at(-1)),
    values.map((value) => ['x-octets', value]),
  );
  for (const [i, block] of requests.blocks.entries()) assert.ok(!block.includes(values[i]!, 0, 'latin1'), 'Huffman');
});

for (const headerTableSize of [0, 100, 256, 4096, 65_536])
  test(`many requests that repeat themselves, with a table of ${headerTableSize} bytes`, async () => {
    await fc.assert(
      fc.asyncProperty(sequence, async (sequence) => {
        const { requests, responses } = await exchange(
          sequence,
          { headerTableSize },
          { maxDeflateDynamicTableSize: 65_536 },
        );
        assert.equal(requests.seen.length, sequence.length);
        const decoder = new HpackDecoder({ ...generous, tableBytesMax: headerTableSize });
        assert.deepEqual(decodeAll(decoder, requests.blocks), requests.seen);
        assert.deepEqual(decodeAll(new HpackDecoder(generous), responses.blocks), responses.seen);
      }),
      { numRuns: 5, interruptAfterTimeLimit: 5000 },
    );
  });

test('a list that takes several frames', async () => {
  const headers = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`x-long-${i}`, 'Z'.repeat(4000)]));
  const { requests } = await exchange([headers, headers]);
  assert.equal(requests.seen.length, 2);
  assert.deepEqual(decodeAll(new HpackDecoder(generous), requests.blocks), requests.seen);
});

/** A Node server at the other end of bytes that we write. */
function rawServer(onFields: (fields: HeaderField[]) => void): { wire: Duplex; replies: Buffer[]; end: () => void } {
  const [wire, far] = duplexPair();
  const server = http2.createServer();
  server.on('sessionError', () => {});
  server.on('stream', (stream, _headers, _flags, raw) => {
    stream.on('error', () => {});
    onFields(pairs(raw));
    stream.respond({ ':status': 204 }, { endStream: true });
  });
  server.emit('connection', far);
  const replies: Buffer[] = [];
  wire.on('data', (chunk: Buffer) => replies.push(chunk));
  wire.on('error', () => {});
  far.on('error', () => {});
  wire.write(Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0))]));
  return { wire, replies, end: () => (wire.destroy(), far.destroy()) };
}

const ping = frame(6, 0, 0, Buffer.from('are you '));
/** Waits for the answer to a ping, before which everything else was answered, or for GOAWAY. */
async function answered({ wire, replies }: { wire: Duplex; replies: Buffer[] }): Promise<Frame> {
  for (;;) {
    const frames = framesOf(Buffer.concat(replies));
    const last = frames.find(({ type, flags }) => type === 7 || (type === 6 && flags === 1));
    if (last !== undefined) return last;
    await once(wire, 'data');
  }
}

test('Node reads what we write', async () => {
  const seen: HeaderField[][] = [];
  const server = rawServer((fields) => seen.push(fields));
  const lists = fc.sample(
    fc.uniqueArray(fc.tuple(nameText, valueText), { maxLength: 10, selector: ([name]) => name }),
    {
      numRuns: 300,
      seed: 7541,
    },
  );
  const sent = lists.map((fields, i): HeaderField[] => [
    [':method', i % 2 === 0 ? 'POST' : 'PUT'],
    [':scheme', i % 3 === 0 ? 'http' : 'https'],
    [':path', i % 5 === 0 ? '/' : '/postern.tunnel.v1.Tunnel/Connect'],
    [':authority', 'tunnel.example'],
    ['te', 'trailers'],
    ['accept-encoding', i % 2 === 0 ? 'gzip, deflate' : 'identity'],
    ...fields,
  ]);
  for (const [i, fields] of sent.entries()) server.wire.write(frame(1, 0x5, i * 2 + 1, encodeHeaders(fields)));
  server.wire.write(ping);
  assert.equal((await answered(server)).type, 6);
  server.end();
  assert.deepEqual(seen, sent);
});

test('Node ends the connection for just those blocks that we call malformed', async () => {
  const [first] = (await exchange([{ 'x-one': 'Mon, 21 Oct 2013', 'x-two': 'aaaa' }])).requests.blocks;
  const good = first!;
  const mangled = fc
    .tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(good.length))
    .map(([at, byte, length]) => {
      const block = Buffer.from(good);
      block[at] = byte;
      return length % 3 === 0 ? block.subarray(0, length) : block;
    });
  const any = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
  let malformed = 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(mangled, any), async (block) => {
      const server = rawServer(() => {});
      server.wire.write(Buffer.concat([frame(1, 0x5, 1, block), ping]));
      const { type, payload } = await answered(server);
      server.end();
      let ours: unknown;
      try {
        new HpackDecoder().decode(block);
      } catch (error) {
        ours = error;
      }
      if (ours instanceof HpackError) malformed++;
      // Here we hold a peer to section 4.2, and Node does not.
      if (ours instanceof HpackError && /more than two table size updates/.test(ours.message)) return;
      const theirs = type === 7 && payload.readUInt32BE(4) === http2.constants.NGHTTP2_COMPRESSION_ERROR;
      assert.equal(ours instanceof HpackError, theirs, `${block.toString('hex')}: ${String(ours)}`);
    }),
    { numRuns: 500, interruptAfterTimeLimit: 8000 },
  );
  assert.ok(malformed > 20);
});
