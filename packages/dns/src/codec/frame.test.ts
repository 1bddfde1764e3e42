/** Messages over TCP, cut anywhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FrameReader, frameOf } from './frame.ts';

test('messages come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 200 })),
      (messages, cuts) => {
        const stream = Buffer.concat(messages.map((message) => frameOf(Buffer.from(message))));
        const reader = new FrameReader();
        const found: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          if (at >= stream.length) break;
          found.push(...reader.push(stream.subarray(at, at + cut)));
          at += cut;
        }
        assert.deepEqual(
          found.map((b) => b.toString('hex')),
          messages.map((m) => Buffer.from(m).toString('hex')),
        );
        assert.equal(reader.unfinished, false);
      },
    ),
    { interruptAfterTimeLimit: 2000 },
  );
});
