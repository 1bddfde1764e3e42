/** Terraform's lines as events; the lock that dies with its holder; a child that outlives the one who started it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { eventually, run, Running, temporaryDirectory } from '@postern/testing';
import { readRecord, stillRuns, waitFor } from './child.ts';
import { inFlight, parseEvent } from './events.ts';
import { lockState } from './lock.ts';

suite('Terraform’s lines', () => {
  const line = (type: string, rest: object): string => JSON.stringify({ '@level': 'info', type, ...rest });
  const hook = (addr: string, action = 'create') => ({
    hook: { resource: { addr }, action, elapsed_seconds: 3, id_value: 'i-1' },
  });

  test('planned changes, progress, problems; what tells nothing is left out', () => {
    assert.deepEqual(
      parseEvent(
        line('planned_change', { change: { resource: { addr: 'a.b', resource_type: 'a' }, action: 'replace' } }),
      ),
      { kind: 'planned', address: 'a.b', type: 'a', action: 'replace', id: undefined },
    );
    assert.equal(
      parseEvent(line('planned_change', { change: { resource: { addr: 'a.b' }, action: 'noop' } })),
      undefined,
    );
    assert.equal(parseEvent(line('version', {})), undefined);
    assert.equal(parseEvent('  '), undefined);
    const problem = parseEvent(line('diagnostic', { diagnostic: { severity: 'error', summary: 's', detail: 'd' } }));
    assert.deepEqual(problem, { kind: 'problem', severity: 'error', summary: 's', detail: 'd', address: undefined });
  });

  test('any text is an event or nothing, and never throws', () => {
    const any = fc.oneof(fc.string(), fc.json());
    fc.assert(
      fc.property(any, (text) => void parseEvent(text)),
      { numRuns: 500 },
    );
  });

  test('in flight: begun and neither ended nor failed', () => {
    const events = [
      line('apply_start', hook('a.done')),
      line('apply_start', hook('a.failed')),
      line('apply_start', hook('a.open')),
      line('apply_start', hook('a.changing', 'update')),
      line('apply_complete', hook('a.done')),
      line('apply_errored', hook('a.failed')),
      '{"type":"apply_start","hook":{"resource":{"addr":"a.cut',
    ].flatMap((text) => parseEvent(text) ?? []);
    assert.deepEqual(inFlight(events), ['a.open']);
  });
});

test('the lock: one holder, and none after kill -9', async () => {
  using scratch = temporaryDirectory();
  const script = `const { lockState } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.ts'))}); globalThis.held = lockState(${JSON.stringify(scratch.path)}, 'instance'); console.log('held'); setInterval(() => {}, 1000);`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  await using holder = new Running(process.execPath, args);
  await holder.line(/held/);
  assert.throws(() => lockState(scratch.path, 'instance'), /another plan, deploy or destroy/);
  const second = await run(process.execPath, args);
  assert.match(second.stderr, /another plan, deploy or destroy/);
  await holder.stop('SIGKILL');
  lockState(scratch.path, 'instance')[Symbol.dispose]();
});

test('a child goes on after kill -9 of its parent, and the next one waits for it', async () => {
  using scratch = temporaryDirectory();
  const at = (name: string): string => join(scratch.path, name);
  writeFileSync(at('work.sh'), 'echo begun; while [ ! -e go ]; do sleep 0.05; done; echo saved; : > saved\n');
  const options = `{ binary: '/bin/sh', args: ['work.sh'], cwd: ${JSON.stringify(scratch.path)}, env: process.env, log: ${JSON.stringify(at('log'))}, record: ${JSON.stringify(at('run.json'))}, stack: 'one', onLine: (line) => console.log(line), signal: new AbortController().signal }`;
  const script = `const { runChild } = await import(${JSON.stringify(join(import.meta.dirname, 'child.ts'))}); await runChild(${options});`;
  await using parent = new Running(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    script,
  ]);
  await parent.line(/begun/);
  const record = await eventually('the record', () => readRecord(at('run.json')));
  await parent.stop('SIGKILL');
  assert.equal(stillRuns(record), true);
  const lines: string[] = [];
  const waited = waitFor(record, (line) => lines.push(line), new AbortController().signal);
  writeFileSync(at('go'), '');
  await waited;
  assert.deepEqual(lines, ['begun', 'saved']);
  assert.equal(readFileSync(at('saved'), 'utf8'), '');
});
