/** What is refused and what bounds it; properties over any bytes, and the dynamic table against one written the slow way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HpackDecoder } from './decoder.ts';
import { DynamicTable } from './dynamic-table.ts';
import { encodeHeaders } from './encoder.ts';
import { HeaderListTooLargeError, HpackError } from './errors.ts';
import { fieldBytes, type HeaderField } from './header-field.ts';
import { huffmanCodeBits, huffmanDecode } from './huffman.ts';
import { staticTable } from './static-table.ts';

/** Section 5.1. */
function integer(pattern: number, prefixBits: number, value: number): Buffer {
  const prefixMax = 2 ** prefixBits - 1;
  if (value < prefixMax) return Buffer.from([pattern | value]);
  const bytes = [pattern | prefixMax];
  let rest = value - prefixMax;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const indexed = (index: number): Buffer => integer(0x80, 7, index);
const sizeUpdate = (bytes: number): Buffer => integer(0x20, 5, bytes);
const string = (text: string): Buffer => Buffer.concat([integer(0, 7, text.length), Buffer.from(text, 'latin1')]);
/** Literal with incremental indexing; the name is one, or the index of one. */
const added = (name: string | number, value: string): Buffer =>
  Buffer.concat([
    integer(0x40, 6, typeof name === 'number' ? name : 0),
    typeof name === 'number' ? Buffer.alloc(0) : string(name),
    string(value),
  ]);
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Huffman codes as strings of 0 and 1, made from the lengths another way than the decoder makes them. */
const codes: string[] = [];
for (let bits = 1, code = 0n; bits <= 30; bits++, code *= 2n)
  for (const [symbol, codeBits] of huffmanCodeBits.entries())
    if (codeBits === bits) codes[symbol] = (code++).toString(2).padStart(bits, '0');

function packed(bits: string): Buffer {
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
function huffman(text: string, padding = '1'): Buffer {
  const bits = [...Buffer.from(text, 'latin1')].map((byte) => codes[byte]).join('');
  return packed(bits.padEnd(Math.ceil(bits.length / 8) * 8, padding));
}
const huffmanText = (bytes: Buffer): string => huffmanDecode(bytes, 0, bytes.length);

const latin1 = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const field: fc.Arbitrary<HeaderField> = fc.oneof(
  fc.tuple(latin1(20), latin1(300)),
  fc.constantFrom(...staticTable),
  fc.tuple(fc.constantFrom(...staticTable.map(([name]) => name)), latin1(40)),
);

test('what is encoded comes back', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
      assert.deepEqual(new HpackDecoder().decode(encodeHeaders(fields)), fields);
    }),
    { numRuns: 500 },
  );
});

test('the encoder takes an index where there is one, and refuses what latin1 would cut', () => {
  assert.equal(encodeHeaders([[':method', 'POST']]).toString('hex'), '83');
  assert.equal(encodeHeaders([[':path', '/x']]).toString('hex'), '04022f78');
  assert.equal(encodeHeaders([['te', 'x']]).toString('hex'), '000274650178');
  assert.equal(encodeHeaders([['', 'method:POST']])[0], 0);
  assert.throws(() => encodeHeaders([['a', 'x\u010ay']]), TypeError);
  assert.throws(() => encodeHeaders([['\u0161', '']]), TypeError);
});

test('any text comes back from its Huffman code', () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('latin1');
  assert.equal(huffmanText(huffman(every)), every);
  fc.assert(
    fc.property(latin1(100), (text) => {
      assert.equal(huffmanText(huffman(text)), text);
    }),
    { numRuns: 500 },
  );
});

test('the Huffman code is complete: Kraft says 1, and EOS is all ones', () => {
  assert.equal(
    huffmanCodeBits.reduce((sum, bits) => sum + 2 ** -bits, 0),
    1,
  );
  assert.equal(codes[256], '1'.repeat(30));
});

test('a Huffman string ends in up to 7 ones and in nothing else', () => {
  const refused = (bits: string): void => assert.throws(() => huffmanText(packed(bits)), HpackError, bits);
  assert.equal(huffmanText(packed('')), '');
  // 'a' is 5 bits, 'X' is 8 bits, ':' is 7: 3, 0, 1 bits of padding.
  assert.equal(huffmanText(packed(`${codes[97]}111`)), 'a');
  assert.equal(huffmanText(packed(`${codes[88]}`)), 'X');
  assert.equal(huffmanText(packed(`${codes[58]}1`)), ':');
  // 5 + 6 + 6 + 8 = 25 bits, and 7 of padding.
  assert.equal(huffmanText(packed(`${codes[97]}${codes[98]}${codes[100]}${codes[88]}1111111`)), 'abdX');
  refused(`${codes[97]}000`);
  refused(`${codes[97]}110`);
  refused(`${codes[88]}11111111`);
  refused(`${codes[97]}111${'1'.repeat(8)}`);
  refused('1'.repeat(8));
  refused('1'.repeat(24));
  for (const before of ['', codes[97]!, codes[98]!, codes[58]!, codes[88]!]) {
    refused(`${before}${codes[256]}`.padEnd(40, '1'));
    refused(`${before}${codes[256]}${codes[97]}`.padEnd(48, '1'));
  }
});

test('malformed blocks are refused, and the decoder with them', () => {
  const blocks: readonly [string, string, RegExp][] = [
    ['index 0', '80', /no entry 0/],
    ['an index beyond the tables', 'be', /no entry 62/],
    ['a name index beyond the tables', '7f00 0178', /no entry 63/],
    ['a literal without a name', '40', /ends inside/],
    ['a literal without a value', '4001 61', /ends inside/],
    ['an integer cut off', 'ff80', /ends inside/],
    ['an integer of many octets', 'ff80 8080 8080 8080 8000', /too large/],
    ['an integer of five octets', 'ff80 8080 8001', /too large/],
    ['an integer above 2^28', 'ffff ffff 7f', /too large/],
    ['a string longer than the block', '4003 6162', /longer than its header block/],
    ['a huge string', '407f ffff 7f61', /longer than its header block/],
    ['a name with bad padding', '4081 18 0161', /padding/],
    ['a value with EOS', '4001 6184 ffff ffff', /EOS/],
    ['a table size above what was advertised', '3fe2 1f', /above the size/],
    ['a table size update after a field', '8220', /follows a field/],
    ['three table size updates', '2020 20', /more than two/],
  ];
  for (const [what, block, message] of blocks) {
    const decoder = new HpackDecoder();
    const refused = (error: unknown): boolean => error instanceof HpackError && message.test(error.message);
    assert.throws(() => decoder.decode(hex(block)), refused, what);
    assert.throws(() => decoder.decode(hex('82')), /follows one that was malformed/, what);
  }
});

test('integers up to the bound are read, also not in their shortest form', () => {
  const decoder = new HpackDecoder({ tableBytesMax: 2 ** 28, listBytesMax: 2 ** 20 });
  decoder.decode(sizeUpdate(2 ** 28));
  assert.deepEqual(decoder.decode(hex('0f80 8000 0178')), [[staticTable[14]![0], 'x']]);
  const long = 'x'.repeat(300_000);
  assert.deepEqual(decoder.decode(added('a', long)), [['a', long]]);
});

test('a table size update may empty the table and fill it again', () => {
  const decoder = new HpackDecoder();
  decoder.decode(added('a', '1'));
  assert.deepEqual(decoder.decode(indexed(62)), [['a', '1']]);
  assert.deepEqual(decoder.decode(Buffer.concat([sizeUpdate(0), sizeUpdate(4096), added('b', '2'), indexed(62)])), [
    ['b', '2'],
    ['b', '2'],
  ]);
  assert.throws(() => decoder.decode(indexed(63)), HpackError);
});

test('a smaller table binds the peer once it has come down to it, and not before', () => {
  const decoder = new HpackDecoder({ tableBytesMax: 100 });
  const long = 'x'.repeat(1000);
  // Written before our SETTINGS arrived.
  assert.equal(decoder.decode(Buffer.concat([added('a', long), indexed(62)])).length, 2);
  assert.deepEqual(decoder.decode(sizeUpdate(4096)), []);
  assert.deepEqual(decoder.decode(sizeUpdate(100)), []);
  assert.deepEqual(decoder.decode(added('b', 'y')), [['b', 'y']]);
  assert.throws(() => decoder.decode(sizeUpdate(101)), HpackError);
});

test('a list above the limits is refused at its end, and the table has followed it', () => {
  const tooLarge = (block: Buffer, limits: object): void => {
    const decoder = new HpackDecoder(limits);
    assert.throws(() => decoder.decode(Buffer.concat([block, added('last', 'seen')])), HeaderListTooLargeError);
    assert.deepEqual(decoder.decode(indexed(62)), [['last', 'seen']]);
  };
  tooLarge(Buffer.alloc(64, 0x82), {});
  tooLarge(Buffer.alloc(2, 0x82), { listCountMax: 2 });
  tooLarge(added('a', 'x'.repeat(3000)), { listBytesMax: 3000 });
  tooLarge(added('a', 'x'.repeat(10_000)), {});
  const decoder = new HpackDecoder({ listBytesMax: 42, listCountMax: 1 });
  assert.deepEqual(decoder.decode(added('12345', '67890')), [['12345', '67890']]);
  assert.throws(() => decoder.decode(added('12345', '678901')), HeaderListTooLargeError);
  // A block that is too large and malformed is malformed.
  assert.throws(() => decoder.decode(Buffer.concat([Buffer.alloc(64, 0x82), hex('80')])), HpackError);
});

test('one large entry named a million times costs no memory', () => {
  const decoder = new HpackDecoder();
  const bomb = Buffer.concat([added('a', 'x'.repeat(4000)), Buffer.alloc(1_000_000, 0x80 | 62)]);
  const before = process.memoryUsage().heapUsed;
  assert.throws(() => decoder.decode(bomb), HeaderListTooLargeError);
  assert.ok(process.memoryUsage().heapUsed - before < 32 * 2 ** 20);
});

/** The RFC's own words: a list, the newest first, from whose end is dropped what does not fit. */
class NaiveTable {
  entries: HeaderField[] = [];
  bytesMax = 4096;
  #trim(): void {
    while (this.entries.reduce((sum, entry) => sum + fieldBytes(entry), 0) > this.bytesMax) this.entries.pop();
  }
  insert(entry: HeaderField): void {
    this.entries = [entry, ...this.entries];
    this.#trim();
  }
  resize(bytesMax: number): void {
    this.bytesMax = bytesMax;
    this.#trim();
  }
}

type Step =
  | { readonly does: 'add'; readonly name: string; readonly value: string }
  | { readonly does: 'addNamed'; readonly at: number; readonly value: string }
  | { readonly does: 'get'; readonly at: number }
  | { readonly does: 'resize'; readonly bytes: number };
const value = fc.oneof(
  latin1(6),
  fc.integer({ min: 0, max: 9000 }).map((length) => 'v'.repeat(length)),
);
const anywhere = fc.integer({ min: 0, max: 1000 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ does: fc.constant('add' as const), name: latin1(6), value: latin1(40) }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('addNamed' as const), at: anywhere, value }) },
    { weight: 5, arbitrary: fc.record({ does: fc.constant('get' as const), at: anywhere }) },
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant('resize' as const), bytes: fc.integer({ min: 0, max: 4096 }) }),
    },
  ),
  { maxLength: 300, size: 'max' },
);

test('the dynamic table is the naive one, whatever is added, named and resized', () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const decoder = new HpackDecoder({ listBytesMax: 20_000 });
      const naive = new NaiveTable();
      for (const step of steps) {
        const all = [...staticTable, ...naive.entries];
        if (step.does === 'resize') {
          assert.deepEqual(decoder.decode(sizeUpdate(step.bytes)), []);
          naive.resize(step.bytes);
        } else if (step.does === 'get') {
          // The dynamic part more often than the static one.
          const at = naive.entries.length > 0 && step.at % 4 > 0 ? 61 + (step.at % naive.entries.length) : step.at % 61;
          assert.deepEqual(decoder.decode(indexed(at + 1)), [all[at]]);
        } else {
          const at = step.does === 'add' ? -1 : step.at % all.length;
          const entry: HeaderField = [step.does === 'add' ? step.name : all[at]![0], step.value];
          assert.deepEqual(decoder.decode(added(step.does === 'add' ? step.name : at + 1, step.value)), [entry]);
          naive.insert(entry);
        }
      }
      for (const [i, entry] of naive.entries.entries())
        assert.deepEqual(decoder.decode(indexed(62 + i)), [entry], `entry ${i}`);
      assert.throws(() => decoder.decode(indexed(62 + naive.entries.length)), HpackError);
    }),
    { numRuns: 150, interruptAfterTimeLimit: 5000 },
  );
});

test('the ring goes round with entries of the least size and holds as many as the RFC says', () => {
  const table = new DynamicTable(320, 320);
  for (let i = 0; i < 1000; i++) table.insert(['', '']);
  assert.equal(table.bytes, 320);
  assert.deepEqual(table.at(10), ['', '']);
  assert.equal(table.at(11), undefined);
  assert.equal(table.at(0), undefined);
  const none = new DynamicTable(0, 0);
  none.insert(['', '']);
  assert.equal(none.at(1), undefined);
});

test('any bytes are decoded or refused as one of the two errors, and the list keeps within its limits', () => {
  /** Octets that begin something more often than chance would have it. */
  const lively = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0x40, 0x00, 0x10, 0x20, 0x82, 0xbe, 0x81, 1),
  );
  const blocks = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.array(lively, { maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    ),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(blocks, (blocks) => {
      const decoder = new HpackDecoder({ listBytesMax: 200, listCountMax: 4 });
      for (const block of blocks) {
        try {
          const fields = decoder.decode(block);
          assert.ok(fields.length <= 4);
          assert.ok(fields.reduce((sum, entry) => sum + fieldBytes(entry), 0) <= 200);
        } catch (error) {
          if (error instanceof HpackError) return;
          assert.ok(error instanceof HeaderListTooLargeError, String(error));
        }
      }
    }),
    { numRuns: 5000, interruptAfterTimeLimit: 5000 },
  );
});
