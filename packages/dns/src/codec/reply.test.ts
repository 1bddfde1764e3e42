/** What a cache must know of a reply, and which replies answer which question. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { answers, measureReply } from './reply.ts';
import { truncatedReply } from './answer.ts';

const questions: dnsPacket.Question[] = [{ type: 'A', name: 'a.example' }];
const questionEnd = 12 + 11 + 4;
const a = (ttl: number): dnsPacket.Answer => ({ type: 'A', name: 'a.example', ttl, data: '10.0.0.1' });
const soa = (ttl: number, minimum: number): dnsPacket.Answer => ({
  type: 'SOA',
  name: 'example',
  ttl,
  data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 2, retry: 3, expire: 4, minimum },
});
const reply = (packet: dnsPacket.Packet, code = 0): Buffer =>
  dnsPacket.encode({ type: 'response', questions, flags: 0x8180 | code, ...packet });

test('a reply is kept for its shortest TTL, a negative one for what its SOA says, and nothing else', () => {
  const keep = (message: Buffer): number | undefined => measureReply(message, questionEnd)?.keepS;
  assert.equal(keep(reply({ answers: [a(60), a(30)] })), 30);
  assert.equal(keep(reply({ authorities: [soa(300, 20)] })), 20);
  assert.equal(keep(reply({ authorities: [soa(10, 20)] }, 3)), 10);
  assert.equal(keep(reply({}, 3)), 0); // no SOA: RFC 2308 section 5
  assert.equal(keep(reply({ answers: [a(60)] }, 2)), 0);
  assert.equal(keep(reply({ answers: [a(60)], flags: 0x8380 })), 0); // truncated
  assert.equal(keep(reply({ answers: [a(2 ** 31)] })), 0); // RFC 2181 section 8
  const alias: dnsPacket.Answer = { type: 'CNAME', name: 'a.example', ttl: 900, data: 'b.example' };
  assert.equal(keep(reply({ answers: [alias], authorities: [soa(300, 20)] })), 20);
  assert.equal(keep(reply({ answers: [a(60)] }).subarray(0, -1)), undefined);
});

test('aliases are seen, TTLs are found where they are', () => {
  const alias: dnsPacket.Answer = { type: 'CNAME', name: 'a.example', ttl: 900, data: 'b.example' };
  const message = reply({ answers: [alias, a(7)] });
  const measure = measureReply(message, questionEnd)!;
  assert.equal(measure.hasAlias, true);
  assert.deepEqual(
    measure.ttlOffsets.map((offset) => message.readUInt32BE(offset)),
    [900, 7],
  );
});

test('a reply must answer the question, in whatever case', () => {
  const sent = dnsPacket.encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'A.example' }] });
  assert.equal(answers(sent, questionEnd, reply({})), true);
  for (const other of [{ type: 'A', name: 'b.example' } as const, { type: 'AAAA', name: 'a.example' } as const])
    assert.equal(answers(sent, questionEnd, dnsPacket.encode({ type: 'response', questions: [other] })), false);
  assert.equal(answers(sent, questionEnd, dnsPacket.encode({ type: 'query', questions })), false);
  assert.equal(answers(sent, questionEnd, Buffer.alloc(4)), false);
  // A bare header may say that something failed, and nothing else.
  assert.equal(answers(sent, questionEnd, Buffer.from('000180010000000000000000', 'hex')), true);
  assert.equal(answers(sent, questionEnd, Buffer.from('000180000000000000000000', 'hex')), false);
  // '[' and '{' differ by the same bit as letters do.
  const odd = dnsPacket.encode({ type: 'query', questions: [{ type: 'A', name: '[.example' }] });
  assert.equal(
    answers(odd, questionEnd, dnsPacket.encode({ type: 'response', questions: [{ type: 'A', name: '{.example' }] })),
    false,
  );
});

test('a truncated reply keeps question and EDNS', () => {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] } as unknown as dnsPacket.Answer;
  const message = reply({ answers: [a(60)], additionals: [opt] });
  const short = dnsPacket.decode(truncatedReply(message, questionEnd, measureReply(message, questionEnd)!.optOffset));
  assert.deepEqual([short.flag_tc, short.answers?.length, short.additionals?.[0]?.type], [true, 0, 'OPT']);
});
