/** Durations, sizes, backoff, secrets, errors, "did you mean": the small words of the vocabulary. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { backoffMs } from './backoff.ts';
import { formatBytes, parseBytes } from './bytes.ts';
import { didYouMean } from './did-you-mean.ts';
import { durationMsMax, formatDuration, parseDuration } from './duration.ts';
import { errorCode, errorMessage, PosternError, UsageError } from './errors.ts';
import { Secret } from './secret.ts';

test('durations', () => {
  for (const [text, ms] of [
    ['0s', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['1.5h', 5_400_000],
    ['30d', 2_592_000_000],
    ['720h', 2_592_000_000],
  ] as const)
    assert.equal(parseDuration(text), ms, text);
  for (const text of [
    '',
    '10',
    '10 s',
    '-1s',
    '1w',
    's',
    '1e3s',
    '1s ',
    '1,5h',
    `${'9'.repeat(60)}d`,
    '1s'.repeat(100),
    '99999d',
  ])
    assert.equal(parseDuration(text), undefined, text);
});

test('a duration is read back as it was printed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: durationMsMax }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
    }),
  );
  assert.equal(formatDuration(90_000), '1m30s');
  assert.equal(formatDuration(0), '0s');
});

test('sizes', () => {
  for (const [text, bytes] of [
    ['0', 0],
    ['512', 512],
    ['64KiB', 65_536],
    ['256 MiB', 2 ** 28],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['1TiB', 2 ** 40],
  ] as const)
    assert.equal(parseBytes(text), bytes, text);
  for (const text of ['', 'MiB', '256MB', '256mib', '-1', '1KiB2', '1e9', '99999999TiB'])
    assert.equal(parseBytes(text), undefined, text);
  assert.equal(formatBytes(1536), '1.5 KiB');
  assert.equal(formatBytes(2 ** 30 * 20), '20 GiB');
  assert.equal(formatBytes(12), '12 B');
});

test('backoff stays within its bounds, grows, and spreads', () => {
  const options = { minMs: 200, maxMs: 15_000 };
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const ms = backoffMs(attempt, options, random);
        assert.ok(ms >= 100 && ms <= 15_000, `${ms}`);
        assert.ok(ms <= backoffMs(attempt + 1, options, random) + 1e-9);
      },
    ),
  );
  assert.ok(backoffMs(20, options, 0.99) - backoffMs(20, options, 0.01) > 10_000);
});

test('a secret does not print', () => {
  const secret = new Secret('hunter2');
  for (const text of [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ deep: { secret } }, { depth: 9 }),
    secret.map((s) => `${s}!`).toString(),
  ])
    assert.doesNotMatch(text, /hunter2/);
  assert.equal(secret.reveal(), 'hunter2');
  assert.equal(secret.map((s) => s.length).reveal(), 7);
});

test('errors carry code, hint, details and cause', () => {
  const cause = Object.assign(new Error('low'), { code: 'ECONNREFUSED' });
  const error = new PosternError('X', 'high', { hint: 'do this', details: { a: 1 }, cause });
  assert.deepEqual(
    [error.code, error.message, error.hint, error.details, error.cause, error.exitCode],
    ['X', 'high', 'do this', { a: 1 }, cause, 1],
  );
  assert.equal(new UsageError('wrong').exitCode, 2);
  assert.equal(errorCode(cause), 'ECONNREFUSED');
  for (const odd of [undefined, null, 'text', 7, {}, { code: 7 }]) assert.equal(errorCode(odd), undefined);
  assert.equal(errorMessage('text'), 'text');
  assert.equal(errorMessage(cause), 'low');
});

test('a slip of the hand finds its word, another word does not', () => {
  const known = ['listen', 'server', 'serverCA', 'sourceRanges', 'admin'];
  assert.equal(didYouMean('lisetn', known), 'listen');
  assert.equal(didYouMean('sourceRange', known), 'sourceRanges');
  assert.equal(didYouMean('ADMIN', known), 'admin');
  assert.equal(didYouMean('memory', known), undefined);
  assert.equal(didYouMean('', known), undefined);
});
