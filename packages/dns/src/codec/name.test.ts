/** Names: pointers that loop, lengths at the limit, keys that do not confuse two names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { endOfName, endOfPlainName, keyOfWire, readName, textOfKey, wireOfText } from './name.ts';

const bytes = (...parts: (string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part, 'latin1'))));

test('a name is read through pointers, in its own case, with a key in lower case', () => {
  const message = bytes(3, 'Foo', 7, 'example', 0, 3, 'bar', 0xc0, 4);
  const name = readName(message, 13);
  assert.deepEqual(name?.wire, bytes(3, 'bar', 7, 'example', 0));
  assert.equal(name?.end, message.length);
  assert.equal(readName(message, 0)?.key, '\x03foo\x07example\0');
  assert.equal(textOfKey(name.key), 'bar.example.');
});

test('pointers forward, to themselves and in circles are refused', () => {
  assert.equal(readName(bytes(0xc0, 0), 0), undefined);
  assert.equal(readName(bytes(0xc0, 2, 0xc0, 0), 0), undefined);
  assert.equal(readName(bytes(0xc0, 2, 0xc0, 0), 2), undefined);
  assert.equal(readName(bytes(1, 'a', 0xc0, 0), 2), undefined); // a. a. a. ...
  assert.equal(readName(bytes(0, 0xc0), 1), undefined);
});

test('255 bytes are a name, 256 are not; so for labels of 63 and 64', () => {
  const label63 = bytes(63, 'x'.repeat(63));
  const longest = Buffer.concat([label63, label63, label63, bytes(61, 'y'.repeat(61), 0)]);
  assert.equal(longest.length, 255);
  assert.equal(endOfPlainName(longest, 0), 255);
  assert.equal(readName(longest, 0)?.wire.length, 255);
  const tooLong = Buffer.concat([label63, label63, label63, bytes(62, 'y'.repeat(62), 0)]);
  assert.equal(endOfPlainName(tooLong, 0), -1);
  assert.equal(endOfName(tooLong, 0), -1);
  assert.equal(readName(tooLong, 0), undefined);
  assert.equal(endOfPlainName(bytes(64, 'x'.repeat(64), 0), 0), -1);
});

test('only ASCII letters lose their case, and length bytes never', () => {
  assert.equal(keyOfWire(bytes(3, 'A\xc4[', 0)), '\x03a\xc4[\0');
  // 65 is no length, but a key made from lengths up to 63 must keep them.
  assert.equal(keyOfWire(bytes(63, 'Z'.repeat(63), 0)), `?${'z'.repeat(63)}\0`);
  assert.deepEqual(wireOfText('Git.Acme.example.'), bytes(3, 'Git', 4, 'Acme', 7, 'example', 0));
});

test('any bytes: no throw, no endless loop, an end inside the message', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(620), (data, offset) => {
      const message = Buffer.from(data);
      const name = readName(message, offset);
      if (name === undefined) return;
      assert.ok(name.end <= message.length && name.wire.length <= 255 && name.wire.at(-1) === 0);
      assert.equal(endOfName(message, offset), name.end);
    }),
    { interruptAfterTimeLimit: 2000 },
  );
});
