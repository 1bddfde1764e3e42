/** The queue against a naive one: bytes come out in the order in which they went in, cut into messages, and are counted right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SendQueue } from './send-queue.ts';

type Step =
  | { readonly kind: 'push' | 'write'; readonly length: number }
  | { readonly kind: 'take'; readonly share: number }
  | { readonly kind: 'seal' | 'clear' };

/** `<length>`, so that a header is told from data, which has no angle brackets, and differs in size as real ones do. */
const header = (bytes: number): Buffer => Buffer.from(`<${bytes}>`);

/** Strings, and no thought of speed. */
class NaiveQueue {
  readonly #bytesMax: number | undefined;
  open = '';
  sealed = '';
  constructor(bytesMax: number | undefined) {
    this.#bytesMax = bytesMax;
  }
  get bytes(): number {
    return this.open.length + this.sealed.length;
  }
  push(text: string): void {
    if (this.#bytesMax === undefined) this.sealed += text;
    else
      for (const character of text) {
        if (this.open.length === this.#bytesMax) this.seal();
        this.open += character;
      }
  }
  seal(): void {
    if (this.open !== '') this.sealed += `<${this.open.length}>${this.open}`;
    this.open = '';
  }
  take(bytes: number): string {
    const taken = this.sealed.slice(0, bytes);
    this.sealed = this.sealed.slice(bytes);
    return taken;
  }
}

const length = fc.oneof(fc.nat(4), fc.nat(60));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('push' as const), length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('write' as const), length }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('seal' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('take' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
);

for (const [what, standingBytes, numRuns] of [
  ['', 0, 2000],
  [', also behind a slow reader', 20_000, 300],
] as const)
  test(`what goes in comes out in order, in messages of at most the size given, and is counted throughout${what}`, () => {
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
        fc.array(step, { maxLength: 40 }),
        (bytesMax, steps) => {
          const queue = new SendQueue();
          if (bytesMax !== undefined) queue.messages = { header, bytesMax };
          const naive = new NaiveQueue(bytesMax);
          queue.push(Buffer.alloc(standingBytes, '.'), true);
          naive.sealed = '.'.repeat(standingBytes);
          let letter = 0;
          const text = (length: number): string =>
            Array.from({ length }, () => String.fromCharCode(97 + (letter++ % 26))).join('');
          const take = (bytes: number): void => {
            const into: Buffer[] = [];
            queue.take(bytes, into);
            for (const piece of into) assert.ok(piece.length > 0);
            assert.equal(Buffer.concat(into).toString(), naive.take(bytes));
          };
          for (const step of steps) {
            switch (step.kind) {
              case 'push': {
                const data = text(step.length);
                queue.push(Buffer.from(data));
                naive.push(data);
                break;
              }
              case 'write': {
                const data = text(step.length);
                queue.seal();
                queue.push(Buffer.from(data), true);
                naive.seal();
                naive.sealed += data;
                break;
              }
              case 'seal':
                queue.seal();
                naive.seal();
                break;
              case 'take':
                take(Math.floor(step.share * naive.sealed.length));
                break;
              case 'clear':
                queue.clear();
                naive.open = '';
                naive.sealed = '';
            }
            assert.equal(queue.bytes, naive.bytes);
          }
          queue.seal();
          naive.seal();
          take(naive.sealed.length);
          assert.equal(queue.bytes, 0);
        },
      ),
      { numRuns },
    );
  });

test('what waits in single bytes is held in few pieces', () => {
  const queue = new SendQueue();
  for (let i = 0; i < 100_000; i++) queue.push(Buffer.from([i & 0xff]));
  const into: Buffer[] = [];
  queue.take(20_000, into);
  into.length = 0;
  queue.take(80_000, into);
  assert.ok(into.length < 20, `${into.length} pieces`);
  assert.ok(Buffer.concat(into).every((byte, i) => byte === ((20_000 + i) & 0xff)));
});

test('a chunk that is taken whole is not copied', () => {
  const queue = new SendQueue();
  const chunk = Buffer.alloc(1000);
  queue.push(chunk);
  queue.push(chunk);
  const into: Buffer[] = [];
  queue.take(1500, into);
  queue.take(500, into);
  assert.equal(into[0], chunk);
  assert.ok(into.every((piece) => piece.buffer === chunk.buffer));
});
