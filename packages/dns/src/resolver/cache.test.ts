/** The ring against a plain map: what is found is what was put, for no longer than allowed, and never more than the bound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import * as fc from 'fast-check';
import { type Query, readQuery } from '../codec/query.ts';
import { measureReply } from '../codec/reply.ts';
import { ReplyCache } from './cache.ts';
import { QuestionKey } from './key.ts';

interface Options {
  readonly id?: number;
  readonly cookie?: Buffer;
  readonly option?: Buffer;
}

function queryFor(name: string, { id = 1, cookie, option }: Options = {}): Query {
  const options = [...(cookie ? [{ code: 10, data: cookie }] : []), ...(option ? [{ code: 65001, data: option }] : [])];
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, options } as unknown as dnsPacket.Answer;
  const message = dnsPacket.encode({
    type: 'query',
    id,
    questions: [{ type: 'A', name }],
    additionals: options.length > 0 ? [opt] : [],
  });
  return readQuery(message) as Query;
}

function replyFor(name: string, text: string, { ttl = 60, cookie, option }: Options & { ttl?: number } = {}): Buffer {
  const options = [...(cookie ? [{ code: 10, data: cookie }] : []), ...(option ? [{ code: 65001, data: option }] : [])];
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, options } as unknown as dnsPacket.Answer;
  return dnsPacket.encode({
    type: 'response',
    id: 999,
    questions: [{ type: 'A', name }],
    answers: [{ type: 'TXT', name, ttl, data: text }],
    additionals: options.length > 0 ? [opt] : [],
  });
}

class Harness {
  readonly key = new QuestionKey(12_345);
  readonly cache: ReplyCache;
  constructor(entries: number, maxTtlMs = 60_000) {
    this.cache = new ReplyCache({ entries, maxTtlMs });
  }
  put(query: Query, reply: Buffer, nowMs: number, transport: 'udp' | 'tcp' = 'udp'): void {
    this.key.read(query, transport);
    this.cache.put(this.key, reply, measureReply(reply, query.questionEnd)!, nowMs);
  }
  get(query: Query, nowMs: number, transport: 'udp' | 'tcp' = 'udp'): Buffer | undefined {
    this.key.read(query, transport);
    return this.cache.get(this.key, query, nowMs);
  }
}

test('a hit is the reply byte for byte, but for the id; then the TTL ages and the asker spells the name', () => {
  const harness = new Harness(10);
  const option = Buffer.from('feed', 'hex');
  const query = queryFor('a.example', { option });
  const reply = replyFor('a.example', 'x', { option });
  harness.put(query, reply, 0);
  const hit = harness.get(queryFor('a.example', { id: 77, option }), 500)!;
  assert.equal(hit.readUInt16BE(0), 77);
  assert.deepEqual(hit.subarray(2), reply.subarray(2));
  const later = dnsPacket.decode(harness.get(queryFor('A.eXample', { option }), 25_400)!);
  assert.deepEqual([later.questions![0]!.name, (later.answers![0] as { ttl: number }).ttl], ['A.eXample', 35]);
  assert.equal(harness.get(queryFor('a.example'), 500), undefined, 'another EDNS is another question');
  assert.equal(harness.get(query, 500, 'tcp'), undefined, 'another transport too');
  assert.equal(harness.get(query, 60_000), undefined, 'expired');
});

test('the longest time is the configured one; zero entries or zero time keep nothing', () => {
  const query = queryFor('a.example');
  const short = new Harness(10, 5000);
  short.put(query, replyFor('a.example', 'x'), 0);
  assert.ok(short.get(query, 4999));
  assert.equal(short.get(query, 5000), undefined);
  for (const none of [new Harness(0), new Harness(10, 0)]) {
    none.put(query, replyFor('a.example', 'x'), 0);
    assert.equal(none.get(query, 1), undefined);
  }
});

test('a DNS cookie is the asker half and the server half; a reply without one stays without', () => {
  const harness = new Harness(10);
  const mine = Buffer.from('0102030405060708', 'hex');
  const server = Buffer.from('a1a2a3a4a5a6a7a8', 'hex');
  const other = Buffer.from('1111111111111111', 'hex');
  harness.put(
    queryFor('a.example', { cookie: mine }),
    replyFor('a.example', 'x', { cookie: Buffer.concat([mine, server]) }),
    0,
  );
  const cookieOf = (message: Buffer): string | undefined => {
    const [opt] = dnsPacket.decode(message).additionals as unknown as { options: { code: number; data: Buffer }[] }[];
    return opt?.options.find((one) => one.code === 10)?.data.toString('hex');
  };
  const hit = harness.get(queryFor('a.example', { cookie: other }), 1)!;
  assert.equal(cookieOf(hit), Buffer.concat([other, server]).toString('hex'));
  const full = Buffer.concat([other, Buffer.alloc(16, 7)]);
  assert.equal(cookieOf(harness.get(queryFor('a.example', { cookie: full }), 1)!), full.toString('hex'));
  harness.put(queryFor('b.example', { cookie: mine }), replyFor('b.example', 'x', { option: Buffer.of(1) }), 0);
  assert.equal(cookieOf(harness.get(queryFor('b.example', { cookie: other }), 1)!), undefined);
});

test('any sequence of puts and gets agrees with a map, within the bound', () => {
  const step = fc.record({
    name: fc.nat(40).map((n) => `n${n}.example`),
    size: fc.oneof(fc.nat(40), fc.integer({ min: 500, max: 3500 })),
    put: fc.boolean(),
    passMs: fc.nat(2000),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.array(step, { maxLength: 400 }), (entries, steps) => {
      const harness = new Harness(entries, 20_000);
      const model = new Map<string, { reply: Buffer; untilMs: number }>();
      let nowMs = 0;
      for (const { name, size, put, passMs } of steps) {
        nowMs += passMs;
        const query = queryFor(name);
        if (put) {
          const parts = Array.from({ length: Math.ceil(size / 200) }, () => 't'.repeat(200));
          const reply = replyFor(name, parts as unknown as string);
          harness.put(query, reply, nowMs);
          model.set(name, { reply, untilMs: nowMs + 20_000 });
        } else {
          const hit = harness.get(query, nowMs);
          const known = model.get(name);
          if (hit === undefined) continue; // forgotten: always allowed, and bounded below
          assert.ok(known !== undefined && nowMs < known.untilMs);
          assert.equal(hit.length, known.reply.length);
        }
        assert.ok(harness.cache.size <= entries);
      }
    }),
    { interruptAfterTimeLimit: 5000 },
  );
});

test('the newest of many are there, the memory is bounded', () => {
  const harness = new Harness(1000);
  for (let i = 0; i < 50_000; i++)
    harness.put(queryFor(`n${i}.example`), replyFor(`n${i}.example`, 'x'.repeat(i % 180)), i / 100);
  assert.equal(harness.cache.size, 1000);
  for (let i = 49_000; i < 50_000; i++) assert.ok(harness.get(queryFor(`n${i}.example`), 500), `n${i}`);
  assert.ok(harness.cache.bytes < 2 ** 20, `${harness.cache.bytes} bytes`);
  // Large replies: the default has room for some of them in 8 MiB, and who asks for a million entries gets the memory too.
  const large = new Harness(10_000);
  const huge = new Harness(1_000_000);
  const text = Array.from({ length: 18 }, () => 'y'.repeat(200)) as unknown as string;
  for (let i = 0; i < 8000; i++)
    for (const one of [large, huge]) one.put(queryFor(`n${i}.example`), replyFor(`n${i}.example`, text), 0);
  assert.ok(
    large.cache.bytes <= 8.1 * 2 ** 20 && large.cache.size > 2000,
    `${large.cache.bytes} bytes, ${large.cache.size}`,
  );
  assert.ok(large.get(queryFor('n7999.example'), 1));
  assert.equal(huge.cache.size, 8000);
});
