/** RFC 7541's own examples, Appendix C: each block, what it says, and what the table holds afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockReader } from './block-reader.ts';
import { HpackDecoder } from './decoder.ts';
import type { HeaderField } from './header-field.ts';

interface Example {
  readonly block: string;
  readonly fields: readonly HeaderField[];
  /** The newest first. */
  readonly table: readonly HeaderField[];
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Every index of the dynamic table, and no more, answers. */
function tableOf(decoder: HpackDecoder, length: number): HeaderField[] {
  return decoder.decode(Buffer.from(Array.from({ length }, (_, i) => 0x80 | (62 + i))));
}

/** Decodes the blocks of one connection. `tableBytes` is said by the peer beforehand, as the RFC's examples suppose it. */
function follow(examples: readonly Example[], tableBytes?: Buffer): void {
  const decoder = new HpackDecoder();
  if (tableBytes !== undefined) decoder.decode(tableBytes);
  for (const { block, fields, table } of examples) {
    assert.deepEqual(decoder.decode(hex(block)), fields);
    assert.deepEqual(tableOf(decoder, table.length), table);
  }
  const last = examples.at(-1)!.table.length;
  assert.throws(() => tableOf(decoder, last + 1), new RegExp(`no entry ${62 + last} `));
}

test('C.1 integers', () => {
  assert.equal(new BlockReader(hex('0a')).integer(5), 10);
  assert.equal(new BlockReader(hex('ea')).integer(5), 10);
  assert.equal(new BlockReader(hex('1f9a0a')).integer(5), 1337);
  assert.equal(new BlockReader(hex('2a')).integer(8), 42);
});

test('C.2 fields', () => {
  const custom: HeaderField = ['custom-key', 'custom-header'];
  follow([
    { block: '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', fields: [custom], table: [custom] },
  ]);
  follow([{ block: '040c 2f73 616d 706c 652f 7061 7468', fields: [[':path', '/sample/path']], table: [] }]);
  follow([{ block: '1008 7061 7373 776f 7264 0673 6563 7265 74', fields: [['password', 'secret']], table: [] }]);
  follow([{ block: '82', fields: [[':method', 'GET']], table: [] }]);
});

const authority: HeaderField = [':authority', 'www.example.com'];
const get: HeaderField = [':method', 'GET'];
const noCache: HeaderField = ['cache-control', 'no-cache'];
const custom: HeaderField = ['custom-key', 'custom-value'];
const requests = (blocks: readonly [string, string, string]): Example[] => [
  { block: blocks[0], fields: [get, [':scheme', 'http'], [':path', '/'], authority], table: [authority] },
  {
    block: blocks[1],
    fields: [get, [':scheme', 'http'], [':path', '/'], authority, noCache],
    table: [noCache, authority],
  },
  {
    block: blocks[2],
    fields: [get, [':scheme', 'https'], [':path', '/index.html'], authority, custom],
    table: [custom, noCache, authority],
  },
];

test('C.3 requests without Huffman coding', () => {
  follow(
    requests([
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ]),
  );
});

test('C.4 requests with Huffman coding', () => {
  follow(
    requests([
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ]),
  );
});

const found: HeaderField = [':status', '302'];
const moved: HeaderField = [':status', '307'];
const priv: HeaderField = ['cache-control', 'private'];
const date: HeaderField = ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'];
const later: HeaderField = ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const location: HeaderField = ['location', 'https://www.example.com'];
const gzip: HeaderField = ['content-encoding', 'gzip'];
const cookie: HeaderField = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];
const responses = (blocks: readonly [string, string, string]): Example[] => [
  { block: blocks[0], fields: [found, priv, date, location], table: [location, date, priv, found] },
  { block: blocks[1], fields: [moved, priv, date, location], table: [moved, location, date, priv] },
  {
    block: blocks[2],
    fields: [[':status', '200'], priv, later, location, gzip, cookie],
    table: [cookie, gzip, later],
  },
];
/** Section 6.3: 256 octets. */
const table256 = hex('3fe101');

test('C.5 responses without Huffman coding, with evictions', () => {
  follow(
    responses([
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e ' +
        '1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d ' +
        '4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 ' +
        '6572 7369 6f6e 3d31',
    ]),
    table256,
  );
});

test('C.6 responses with Huffman coding, with evictions', () => {
  follow(
    responses([
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b ' +
        '97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf ' +
        'cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ]),
    table256,
  );
});
