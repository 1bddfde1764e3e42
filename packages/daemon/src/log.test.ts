/** Log lines: what Cloud Logging reads, what a person reads on a terminal, and that secrets are in neither. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { PosternError, Secret } from '@postern/core';
import { createLogger, prettyLine } from './log.ts';

function captured(isTTY = false): { lines: () => string[]; stream: Writable & { isTTY: boolean } } {
  let text = '';
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += String(chunk);
        done();
      },
    }),
    { isTTY },
  );
  return { lines: () => text.split('\n').filter((line) => line !== ''), stream };
}

test('one JSON object a line, with the field names of Cloud Logging', () => {
  const { lines, stream } = captured();
  const log = createLogger({ name: 'tunnel-agent', stream });
  log.info({ server: 'x:1' }, 'ready');
  log.warn('careful');
  log.error({ error: new PosternError('X', 'broken') }, 'it failed');
  log.debug('unseen');
  const parsed = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    parsed.map((entry) => [entry['severity'], entry['message'], entry['logger']]),
    [
      ['INFO', 'ready', 'tunnel-agent'],
      ['WARNING', 'careful', 'tunnel-agent'],
      ['ERROR', 'it failed', 'tunnel-agent'],
    ],
  );
  assert.equal(parsed[0]!['server'], 'x:1');
  assert.ok(Math.abs(Date.parse(String(parsed[0]!['time'])) - Date.now()) < 60_000);
  assert.match(JSON.stringify(parsed[2]), /broken/);
});

test('a secret and a line break in a field stay harmless', () => {
  const { lines, stream } = captured();
  createLogger({ name: 'x', stream }).info({ token: new Secret('hunter2'), target: 'a\n{"severity":"ERROR"}' }, 'x\ny');
  assert.equal(lines().length, 1);
  assert.doesNotMatch(lines()[0]!, /hunter2/);
  assert.match(lines()[0]!, /\[secret\]/);
});

test('a terminal gets a short line', async () => {
  const { lines, stream } = captured(true);
  createLogger({ name: 'tunnel-agent', stream, level: 'debug' }).info({ server: 'x:1' }, 'ready');
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(lines()[0]!, /^\d\d:\d\d:\d\d tunnel-agent: ready/);
  assert.match(lines()[0]!, /server=x:1/);
});

test('a severe line says so first', () => {
  const line = prettyLine('{"severity":"ERROR","time":"2026-01-02T03:04:05.678Z","logger":"a","message":"m","n":1}');
  assert.match(line, /03:04:05 ERROR a: m/);
  assert.match(line, /n=1/);
});
