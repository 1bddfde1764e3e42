/** Watching files: written in place, replaced, gone and back, a Kubernetes mount; touched is not changed. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, temporaryDirectory } from '@postern/testing';
import { watchFiles } from './reload.ts';

/** The contract: within a second. A loaded machine gets a little more before the test fails. */
const obeyMs = 3000;

function watched(files: string[]) {
  const changes: Array<string | undefined> = [];
  const over = new AbortController();
  watchFiles(files, (file) => changes.push(file), over.signal);
  return {
    changes,
    next: async (what: string, act: () => void) => {
      const before = changes.length;
      act();
      await eventually(what, () => changes.length > before, obeyMs);
    },
    [Symbol.dispose]: () => over.abort(),
  };
}

test('a change is seen however it is made, and a touch is not', async () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'a.yaml');
  writeFileSync(file, '1');
  using watch = watched([file]);
  await watch.next('written in place', () => writeFileSync(file, '2'));
  await watch.next('replaced by rename', () => {
    writeFileSync(`${file}.tmp`, '3');
    renameSync(`${file}.tmp`, file);
  });
  await watch.next('removed', () => rmSync(file));
  await watch.next('back', () => writeFileSync(file, '4'));
  const before = watch.changes.length;
  utimesSync(file, new Date(), new Date());
  writeFileSync(join(dir.path, 'other'), 'x');
  await watch.next('and changed again', () => writeFileSync(file, '5'));
  assert.equal(watch.changes.length, before + 1);
  assert.ok(watch.changes.every((changed) => changed === file));
});

test('a Kubernetes mount, where the folder behind a link changes', async () => {
  using dir = temporaryDirectory();
  const at = (...names: string[]): string => join(dir.path, ...names);
  for (const [version, text] of [
    ['..v1', 'one'],
    ['..v2', 'two'],
  ] as const) {
    mkdirSync(at(version));
    writeFileSync(at(version, 'policy.yaml'), text);
  }
  symlinkSync('..v1', at('..data'));
  symlinkSync(join('..data', 'policy.yaml'), at('policy.yaml'));
  using watch = watched([at('policy.yaml')]);
  await watch.next('the link moved', () => {
    symlinkSync('..v2', at('..data_tmp'));
    renameSync(at('..data_tmp'), at('..data'));
  });
});

test('of several files only the changed one is named; SIGHUP names none', async () => {
  using dir = temporaryDirectory();
  const [a, b] = [join(dir.path, 'a'), join(dir.path, 'b')];
  writeFileSync(a, '1');
  writeFileSync(b, '1');
  using watch = watched([a, b]);
  await watch.next('b', () => writeFileSync(b, '2'));
  assert.deepEqual(watch.changes, [b]);
  await watch.next('SIGHUP', () => process.kill(process.pid, 'SIGHUP'));
  assert.equal(watch.changes.at(-1), undefined);
});

test('after the end nothing is called, and a folder that does not exist is no crash', async () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'a');
  writeFileSync(file, '1');
  const gone = watched([file, join(dir.path, 'none', 'x')]);
  gone[Symbol.dispose]();
  using other = watched([file]);
  await other.next('the other watcher', () => writeFileSync(file, '2'));
  assert.deepEqual(gone.changes, []);
});
