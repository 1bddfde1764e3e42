/** Which messages are questions, which get FORMERR, which silence; against dns-packet as a second reader. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import * as fc from 'fast-check';
import { emptyReply, refusalReply } from './answer.ts';
import { type Query, readQuery } from './query.ts';

const encode = (packet: dnsPacket.Packet): Buffer =>
  dnsPacket.encode({ type: 'query', id: 7, flags: 0x100, ...packet });
const question: dnsPacket.Question[] = [{ type: 'A', class: 'IN', name: 'Git.acme.example' }];
const opt = (options: { code: number; data: Buffer }[] = [], udpPayloadSize = 1400): dnsPacket.Answer =>
  ({ type: 'OPT', name: '.', udpPayloadSize, flags: 0x8000, options }) as unknown as dnsPacket.Answer;

function read(message: Buffer): Query {
  const query = readQuery(message);
  assert.equal(query.kind, 'query');
  return query;
}

test('a plain question, with and without EDNS', () => {
  const bare = read(encode({ questions: question }));
  assert.deepEqual([bare.id, bare.type, bare.plain, bare.udpBytesMax, bare.optOffset], [7, 1, true, 512, -1]);
  const message = encode({ questions: question, additionals: [opt([{ code: 10, data: Buffer.alloc(8, 1) }])] });
  const edns = read(message);
  assert.deepEqual([edns.plain, edns.udpBytesMax, edns.cookieEnd - edns.cookieOffset], [true, 1400, 12]);
  assert.equal(edns.cookieEnd, message.length);
  assert.equal(read(encode({ questions: question, additionals: [opt([], 100)] })).udpBytesMax, 512);
});

test('what is no question is dropped, what cannot be read gets FORMERR', () => {
  assert.equal(readQuery(Buffer.alloc(11)).kind, 'drop');
  assert.equal(readQuery(dnsPacket.encode({ type: 'response', questions: question })).kind, 'drop');
  const good = encode({ questions: question, additionals: [opt()] });
  const changed = (change: (message: Buffer) => void): Buffer => {
    const copy = Buffer.from(good);
    change(copy);
    return copy;
  };
  const bad = {
    'no question': Buffer.concat([good.subarray(0, 4), Buffer.alloc(8)]),
    'two questions': encode({ questions: [...question, ...question] }),
    'a pointer in the question': changed((m) => m.writeUInt16BE(0xc00c, 12)),
    'a label of 64': changed((m) => (m[12] = 64)),
    'cut off in the question': good.subarray(0, 20),
    'cut off behind': good.subarray(0, good.length - 1),
    'bytes behind the end': Buffer.concat([good, Buffer.of(0)]),
    'two OPT': encode({ questions: question, additionals: [opt(), opt()] }),
    'an option longer than its record': encode({
      questions: question,
      additionals: [opt([{ code: 65001, data: Buffer.from([1, 2]) }])],
    }).map((byte, i, all) => (i === all.length - 3 ? 9 : byte)),
  };
  for (const [what, message] of Object.entries(bad)) {
    const refused = readQuery(Buffer.from(message));
    assert.ok(refused.kind === 'refuse' && refused.rcode === 1, what);
    const reply = dnsPacket.decode(refusalReply(Buffer.from(message), refused.rcode, refused.questionEnd));
    assert.deepEqual([reply.id, reply.type, (reply as { rcode?: string }).rcode], [7, 'response', 'FORMERR'], what);
  }
  assert.deepEqual(readQuery(changed((m) => (m[2] = 6 << 3))), { kind: 'refuse', rcode: 4, questionEnd: 0 });
});

test('updates and questions with records behind them are not plain', () => {
  const signed = encode({ questions: question, additionals: [{ type: 'A', name: 'x', data: '1.2.3.4' }] });
  assert.equal(read(signed).plain, false);
  const update = encode({ questions: question });
  update[2] = 5 << 3;
  assert.equal(read(update).plain, false);
});

test('our own replies echo question and flags, and carry EDNS where it was asked', () => {
  const query = read(encode({ questions: question, flags: 0x0110, additionals: [opt()] }));
  const reply = dnsPacket.decode(emptyReply(query, 2)) as dnsPacket.DecodedPacket & Record<string, unknown>;
  assert.deepEqual(
    [reply.id, reply['rcode'], reply.flag_rd, reply.flag_ra, reply.flag_cd],
    [7, 'SERVFAIL', true, true, true],
  );
  assert.deepEqual(reply.questions, question);
  const [edns] = reply.additionals as unknown as { type: string; udpPayloadSize: number; flag_do: boolean }[];
  assert.deepEqual([edns?.type, edns?.udpPayloadSize, edns?.flag_do], ['OPT', 1232, true]);
  assert.equal(emptyReply(read(encode({ questions: question })), 3).length, encode({ questions: question }).length);
});

test('any bytes are read, refused or dropped, and a refusal can be sent', () => {
  const header = fc.constantFrom('000701000001000000000000', '000701000001000000000001', '000728000001000000010000');
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
      const message = Buffer.concat([Buffer.from(head, 'hex'), rest]);
      const query = readQuery(message);
      if (query.kind === 'query') {
        assert.ok(query.questionEnd <= message.length);
        assert.ok(emptyReply(query, 2).length <= message.length + 11);
      } else if (query.kind === 'refuse')
        assert.ok(refusalReply(message, 1, query.questionEnd).length <= message.length);
    }),
    { interruptAfterTimeLimit: 2000 },
  );
});
