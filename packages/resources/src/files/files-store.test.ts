/** The embedded store: the suite of every store, and what only files can do wrong. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@postern/core';
import { eventually, storeCompliance, temporaryDirectory } from '@postern/testing';
import { z } from 'zod';
import { anyKind, defineKind } from '../resource-kind.ts';
import { secretKind } from '../secret.ts';
import { FilesStore } from './files-store.ts';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};

interface ToySpec {
  readonly size: number;
  readonly secret?: string | undefined;
}

const toyKind = defineKind<ToySpec, { readonly seen?: number }>({
  apiVersion: 'test.example/v1',
  kind: 'Toy',
  description: 'A toy.',
  plural: 'toys',
  scope: 'Namespaced',
  spec: z.strictObject({ size: z.int(), secret: z.string().optional() }),
  uses: ({ spec, metadata: { namespace } }) =>
    spec.secret === undefined ? [] : [{ kind: 'Secret', namespace, name: spec.secret }],
  admit: (next, previous) =>
    previous !== undefined && next.size < previous.size
      ? [{ path: ['spec', 'size'], message: 'a toy does not shrink' }]
      : [],
});
const kinds = [anyKind(toyKind), anyKind(secretKind)];

const toy = (name: string, spec: ToySpec = { size: 1 }) => ({
  apiVersion: 'test.example/v1',
  kind: 'Toy',
  metadata: { name, namespace: 'toys' },
  spec,
});
const secret = (name: string, namespace?: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  stringData: { key: 'value' },
});

/** JSON is YAML. */
const write = (folder: string, file: string, ...documents: readonly object[]): void =>
  writeFileSync(join(folder, file), documents.map((document) => JSON.stringify(document)).join('\n---\n'));
const open = (folder: string, options: { confirmPrune?: boolean; readOnly?: boolean } = {}): Promise<FilesStore> =>
  FilesStore.open({ folder, kinds, clock, ...options });
const names = async (store: FilesStore): Promise<string[]> =>
  (await store.list(toyKind))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name);
const hold = async (store: FilesStore): Promise<void> => {
  for (const one of await store.list(toyKind))
    await store.updateMetadata(toyKind, one, { addFinalizers: ['t.example/f'] });
};

storeCompliance('files', toyKind, async () => {
  const dir = temporaryDirectory();
  let store = await open(dir.path);
  const fileOf = (document: object): string => {
    const { kind, metadata } = document as { kind: string; metadata: { name: string } };
    return `${kind}-${metadata.name}.json`;
  };
  return {
    get store() {
      return store;
    },
    async apply(...documents) {
      for (const document of documents) write(dir.path, fileOf(document), document);
      store.look();
    },
    async remove(document) {
      rmSync(join(dir.path, fileOf(document)));
      store.look();
    },
    async reopen() {
      await store.close();
      store = await open(dir.path);
      return store;
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      dir[Symbol.dispose]();
    },
  };
});

test('a file that no longer parses keeps its last good objects and is reported, every problem at once', async () => {
  using dir = temporaryDirectory();
  write(dir.path, 'a.yaml', toy('bear'), toy('duck'));
  const store = await open(dir.path);
  writeFileSync(
    join(dir.path, 'a.yaml'),
    'apiVersion: test.example/v1\nkind: Toy\nmetadata: {name: bear, namespace: toys}\nspec: {size: big, colour: red}\n',
  );
  store.look();
  assert.deepEqual((await names(store)).toSorted(), ['bear', 'duck']);
  const said = store
    .report()
    .problems.map(({ file, line, path, message }) => `${basename(file)}:${line}: ${path}: ${message}`);
  assert.equal(said.length, 2);
  assert.match(said[0]!, /^a\.yaml:4: spec\.size: expected (int|number), got string$/);
  assert.equal(said[1], 'a.yaml:4: spec.colour: unknown key');
  writeFileSync(join(dir.path, 'a.yaml'), '');
  store.look();
  assert.deepEqual((await names(store)).length, 2, 'an emptied file is half a save, no order');
  await store.close();
});

test('a folder that vanishes, or lost its state, deletes nothing, and coming back ends the hold', async () => {
  using dir = temporaryDirectory();
  const folder = join(dir.path, 'resources');
  mkdirSync(folder);
  write(folder, 'a.json', toy('bear'));
  const store = await open(folder);
  renameSync(folder, `${folder}-away`);
  store.look();
  assert.match(store.report().held?.reason ?? '', /not there/);
  mkdirSync(folder); // the bare mount point
  store.look();
  assert.match(store.report().held?.reason ?? '', /lost its \.postern/);
  assert.deepEqual(await names(store), ['bear']);
  rmSync(folder, { recursive: true });
  renameSync(`${folder}-away`, folder);
  store.look();
  assert.equal(store.report().held, undefined);
  assert.deepEqual(await names(store), ['bear']);
  await store.close();
});

test('more than a fifth of the objects gone in one look waits for --confirm-prune; a fifth, or one, goes', async () => {
  using dir = temporaryDirectory();
  const all = Array.from({ length: 10 }, (_, i) => `toy${i}`);
  for (const name of all) write(dir.path, `${name}.json`, toy(name));
  const store = await open(dir.path);
  for (const name of all.slice(0, 2)) rmSync(join(dir.path, `${name}.json`));
  store.look();
  assert.equal((await names(store)).length, 8, 'two of ten may go');
  for (const name of all.slice(2, 4)) rmSync(join(dir.path, `${name}.json`));
  store.look();
  assert.equal((await names(store)).length, 8, 'two of eight may not');
  assert.deepEqual(store.report().held?.objects, ['Toy/toys/toy2', 'Toy/toys/toy3']);
  await store.close();
  const again = await open(dir.path);
  assert.ok(again.report().held, 'a restart is no confirmation');
  await again.close();
  const confirmed = await open(dir.path, { confirmPrune: true });
  assert.equal((await names(confirmed)).length, 6);
  assert.equal(confirmed.report().held, undefined);
  await confirmed.close();
});

test('a file removed while nobody looked is still finalised, with the Secret that went with it', async () => {
  using dir = temporaryDirectory();
  write(dir.path, 'a.json', toy('bear', { size: 1, secret: 'key' }), secret('key', 'toys'));
  write(dir.path, 'b.json', toy('duck'));
  const store = await open(dir.path);
  await hold(store);
  await store.close();
  rmSync(join(dir.path, 'a.json'));
  const next = await open(dir.path);
  const bear = await next.get(toyKind, { namespace: 'toys', name: 'bear' });
  assert.ok(bear?.metadata.deletionTimestamp);
  assert.equal(await next.secret({ namespace: 'toys', name: 'key' }), undefined, 'deleted for everybody else');
  const kept = await next.secret({ namespace: 'toys', name: 'key' }, { forCleanUp: true });
  assert.equal(kept?.values.get('key')?.reveal(), 'value');
  await next.updateMetadata(toyKind, bear, { removeFinalizers: ['t.example/f'] });
  assert.equal(
    await next.secret({ namespace: 'toys', name: 'key' }, { forCleanUp: true }),
    undefined,
    'and then it goes',
  );
  await next.close();
});

test('the state is for its owner only, one controller at a time, and readers may look beside it', async () => {
  using dir = temporaryDirectory();
  write(dir.path, 'a.json', toy('bear'));
  const store = await open(dir.path);
  assert.equal(statSync(join(dir.path, '.postern/state.db')).mode & 0o077, 0);
  await assert.rejects(open(dir.path), /another controller/);
  await store.updateStatus(toyKind, (await store.list(toyKind))[0]!, { seen: 5 });
  const reader = await open(dir.path, { readOnly: true });
  assert.deepEqual((await reader.list(toyKind))[0]!.status, { seen: 5 });
  await reader.close();
  await store.close();
});

test('two definitions of one object, a rule over old and new, and a slip in a kind are said where they stand', async () => {
  using dir = temporaryDirectory();
  write(dir.path, 'a.json', toy('bear', { size: 5 }));
  const store = await open(dir.path);
  write(dir.path, '0.json', toy('bear', { size: 9 }));
  writeFileSync(
    join(dir.path, 'c.yaml'),
    'apiVersion: test.example/v1\nkind: Toi\nmetadata: {name: x}\nspec: {size: 1}\n',
  );
  write(dir.path, 'e.json', { name: 'package' });
  writeFileSync(join(dir.path, 'f.yaml'), 'spec: {size: 1}\n');
  write(dir.path, 'd.json', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } });
  store.look();
  assert.equal((await store.list(toyKind))[0]!.spec.size, 5, 'the one that was there first stays');
  const said = store
    .report()
    .problems.map(({ severity, file, message }) => `${severity} ${basename(file)}: ${message}`);
  assert.deepEqual(said.toSorted(), [
    'error 0.json: Toy/toys/bear is defined in a.json too; keep one of them',
    'error c.yaml: test.example/v1 Toi is not a known kind, did you mean Toy (test.example/v1)?',
    'error f.yaml: is missing (expected string)',
    'warning d.json: v1 Namespace is not used here',
    'warning e.json: is not a resource (no apiVersion, no kind)',
  ]);
  rmSync(join(dir.path, '0.json'));
  write(dir.path, 'a.json', toy('bear', { size: 4 }));
  store.look();
  assert.equal((await store.list(toyKind))[0]!.spec.size, 5);
  assert.match(
    store
      .report()
      .problems.map(({ message }) => message)
      .join(),
    /does not shrink/,
  );
  await store.close();
});

test('a Secret whose file names no namespace serves every namespace; one that names it does not', async () => {
  using dir = temporaryDirectory();
  write(dir.path, 'a.json', secret('shared'), secret('own', 'toys'));
  const store = await open(dir.path);
  assert.ok(await store.secret({ namespace: 'hive', name: 'shared' }));
  assert.equal(await store.secret({ namespace: 'hive', name: 'own' }), undefined);
  await store.close();
});

test('a watched folder: a change is heard, a file written in two steps is one change', async () => {
  using dir = temporaryDirectory();
  write(dir.path, 'a.json', toy('bear'));
  const store = await open(dir.path);
  const stop = new AbortController();
  const heard: string[] = [];
  const watching = store.watch([anyKind(toyKind)], ({ name }) => heard.push(name), stop.signal);
  write(dir.path, 'b.json', toy('duck'));
  await eventually('the new file', () => heard.includes('duck'));
  writeFileSync(join(dir.path, 'a.json'), '');
  write(dir.path, 'a.json', toy('bear', { size: 7 }));
  await eventually(
    'the change',
    async () => (await store.get(toyKind, { namespace: 'toys', name: 'bear' }))?.spec.size === 7,
  );
  assert.deepEqual(store.report().problems, []);
  stop.abort();
  await watching;
  await store.close();
});
