/** Records taken apart and put together again, judged by dns-packet: the same records, wherever names were compressed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import * as fc from 'fast-check';
import { namesBehind, readSections, writeMessage } from './records.ts';

const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const ttl = fc.nat(100_000);
const answer = (type: string, data: fc.Arbitrary<unknown>): fc.Arbitrary<dnsPacket.Answer> =>
  fc.record({ type: fc.constant(type), class: fc.constant('IN'), name, ttl, data }) as fc.Arbitrary<dnsPacket.Answer>;
const record = fc.oneof(
  answer('A', fc.ipV4()),
  answer('AAAA', fc.constant('2001:db8::1')),
  answer('CNAME', name),
  answer('NS', name),
  answer('PTR', name),
  answer('DNAME', name),
  answer('MX', fc.record({ preference: fc.nat(100), exchange: name })),
  answer('SRV', fc.record({ priority: fc.nat(9), weight: fc.nat(9), port: fc.nat(65_535), target: name })),
  answer(
    'TXT',
    fc.array(
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((b) => Buffer.from(b)),
      { minLength: 1, maxLength: 3 },
    ),
  ),
  answer(
    'SOA',
    fc.record({ mname: name, rname: name, serial: ttl, refresh: ttl, retry: ttl, expire: ttl, minimum: ttl }),
  ),
);

const questionOf = (message: Buffer): number => {
  let at = 12;
  while (message[at] !== 0) at += 1 + message[at]!;
  return at + 5;
};

test('what dns-packet wrote comes back unchanged', () => {
  const sections = fc.record({
    answers: fc.array(record, { maxLength: 6 }),
    authorities: fc.array(record, { maxLength: 2 }),
  });
  fc.assert(
    fc.property(name, sections, (asked, packet) => {
      const message = dnsPacket.encode({ type: 'response', id: 1, questions: [{ type: 'A', name: asked }], ...packet });
      const questionEnd = questionOf(message);
      const read = readSections(message, questionEnd);
      assert.ok(read);
      const written = writeMessage(message, message.subarray(12, questionEnd), read);
      assert.deepEqual(dnsPacket.decode(written!), dnsPacket.decode(message));
      assert.ok(namesBehind(message, questionEnd)!.length >= packet.answers.length);
    }),
    { interruptAfterTimeLimit: 4000 },
  );
});

/** `x.example NS` whose target is compressed against the question, then a type nobody knows with 0xc00c in its data. */
test('compressed names are written out, data of unknown types stays as it is', () => {
  const question = Buffer.from('0178076578616d706c650000020001', 'hex');
  const ns = Buffer.from('c00c000200010000003c0005026e73c00c', 'hex');
  const unknown = Buffer.from('c00cff0000010000003c0002c00c', 'hex');
  const head = Buffer.from('000181800001000200000000', 'hex');
  const message = Buffer.concat([head, question, ns, unknown]);
  const read = readSections(message, 12 + question.length)!;
  assert.equal(read.answers[0]!.rdata.toString('latin1'), '\x02ns\x01x\x07example\0');
  assert.equal(read.answers[1]!.rdata.toString('hex'), 'c00c');
  assert.deepEqual(namesBehind(message, 12 + question.length), [
    '\x01x\x07example\0',
    '\x02ns\x01x\x07example\0',
    '\x01x\x07example\0',
  ]);
});

test('a chain of aliases is written with its names shared', () => {
  const chain: dnsPacket.Answer[] = [
    { type: 'CNAME', name: 'a.example', ttl: 1, data: 'long-long-name.somewhere.else.example' },
    { type: 'A', name: 'long-long-name.somewhere.else.example', ttl: 1, data: '10.0.0.1' },
  ];
  const message = dnsPacket.encode({ type: 'response', questions: [{ type: 'A', name: 'a.example' }], answers: chain });
  const written = writeMessage(
    message,
    message.subarray(12, questionOf(message)),
    readSections(message, questionOf(message))!,
  )!;
  assert.equal(written.toString('latin1').split('long-long-name').length - 1, 1);
  assert.deepEqual(dnsPacket.decode(written).answers, dnsPacket.decode(message).answers);
});

test('a message that would pass 65,535 bytes is not written', () => {
  const big = { owner: Buffer.of(0), key: '\0', type: 16, class: 1, ttl: 0, rdata: Buffer.alloc(40_000) };
  const empty = { authority: [], additional: [] };
  const question = Buffer.from('0000010001', 'hex');
  assert.ok(writeMessage(Buffer.alloc(4), question, { ...empty, answers: [big] }));
  assert.equal(writeMessage(Buffer.alloc(4), question, { ...empty, answers: [big, big] }), undefined);
});

test('any bytes: read or refused', () => {
  fc.assert(
    fc.property(fc.nat(4), fc.nat(4), fc.uint8Array({ maxLength: 400 }), (answers, others, rest) => {
      const head = Buffer.alloc(12);
      head.writeUInt16BE(answers, 6);
      head.writeUInt16BE(others, 10);
      const message = Buffer.concat([head, rest]);
      const read = readSections(message, 12);
      if (read !== undefined) assert.equal(read.answers.length, answers);
    }),
    { interruptAfterTimeLimit: 2000 },
  );
});
