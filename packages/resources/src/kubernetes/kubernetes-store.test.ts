/** The store over a real API server: the compliance suite, and what only a server can do to it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@postern/core';
import { eventually, type Kube, needKube, startKube, storeCompliance } from '@postern/testing';
import { z } from 'zod';
import { anyKind, defineKind } from '../resource-kind.ts';
import { keyText } from '../resource.ts';
import { secretKind } from '../secret.ts';
import { ConflictError, type Store } from '../store.ts';
import { KubeApi } from './api.ts';
import { isStatus } from './errors.ts';
import { installCrds } from './install-crds.ts';
import { KubernetesStore, type KubernetesStoreOptions } from './kubernetes-store.ts';
import { type LiveObject, pathOf } from './live.ts';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};

const toyKind = defineKind<{ readonly size: number; readonly secret?: string | undefined }, { readonly seen?: number }>(
  {
    apiVersion: 'test.example/v1',
    kind: 'Toy',
    description: 'A toy.',
    plural: 'toys',
    scope: 'Namespaced',
    spec: z.strictObject({ size: z.int(), secret: z.string().optional() }),
    uses: ({ spec, metadata: { namespace } }) =>
      spec.secret === undefined ? [] : [{ kind: 'Secret', namespace, name: spec.secret }],
  },
);
const kinds = [anyKind(toyKind), anyKind(secretKind)];
const place = { namespace: 'toys', name: 'bear' };

const skip = needKube();
let kube: Kube;
let api: KubeApi;
before(async () => {
  if (skip !== false) return;
  kube = await startKube({ controllerManager: false });
  api = await KubeApi.open({ kubeconfig: kube.kubeconfig });
  await installCrds(api, kinds, clock);
  for (const name of ['toys', 'other'])
    await api.call('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });
});
after(async () => kube?.[Symbol.asyncDispose]());

interface Written {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

const pathFor = (document: object): string => {
  const { kind, metadata } = document as Written;
  return pathOf(kind === 'Secret' ? anyKind(secretKind) : anyKind(toyKind), metadata);
};

async function live(document: object): Promise<LiveObject | undefined> {
  try {
    return await api.call<LiveObject>('GET', pathFor(document));
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** As `kubectl apply --server-side` does; waits while an object of that name is on its way out. */
async function apply(store: Store | undefined, ...documents: readonly object[]): Promise<void> {
  for (const document of documents) {
    await eventually('the old one to go', async () => (await live(document))?.metadata.deletionTimestamp === undefined);
    const made = await api.call<LiveObject>('PATCH', pathFor(document), {
      body: document,
      query: { fieldManager: 'user', force: 'true' },
      contentType: 'application/apply-patch+yaml',
    });
    if (store !== undefined && made.kind === 'Toy')
      await eventually('the store to have it', async () => {
        const found = await store.get(toyKind, made.metadata as typeof place);
        return found?.metadata.uid === made.metadata.uid && found?.metadata.generation === made.metadata.generation;
      });
  }
}

const remove = (document: object): Promise<unknown> => api.call('DELETE', pathFor(document));

/** No object of one test is there in the next. */
async function sweep(): Promise<void> {
  for (const kind of kinds)
    for (const namespace of ['toys', 'other']) {
      const { items } = await api.call<{ items: LiveObject[] }>('GET', pathOf(kind, { namespace }));
      for (const { metadata } of items) {
        const path = pathOf(kind, metadata);
        await api.call('PATCH', path, {
          body: { metadata: { finalizers: null } },
          contentType: 'application/merge-patch+json',
        });
        await api.call('DELETE', path).catch((error: unknown) => assert.ok(isStatus(error, 404)));
      }
    }
}

const open = (options: Partial<KubernetesStoreOptions> = {}): Promise<KubernetesStore> =>
  KubernetesStore.open({
    api,
    kinds,
    clock,
    random: Math.random,
    mode: 'watch',
    component: 'postern-test',
    ...options,
  });

if (skip === false)
  storeCompliance('kubernetes', toyKind, async () => {
    await sweep();
    let store = await open();
    return {
      get store() {
        return store;
      },
      apply: (...documents) => apply(store, ...documents),
      async remove(document) {
        await remove(document);
      },
      async reopen() {
        await store.close();
        store = await open();
        return store;
      },
      async [Symbol.asyncDispose]() {
        await store.close();
        await sweep();
      },
    };
  });
else test('kubernetes: the compliance suite of the stores', { skip }, () => {});

const toy = (size: number, name = 'bear', secret?: string) => ({
  apiVersion: 'test.example/v1',
  kind: 'Toy',
  metadata: { namespace: 'toys', name },
  spec: { size, ...(secret === undefined ? {} : { secret }) },
});
const secret = (name: string, value = 'value') => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'toys' },
  stringData: { key: value },
});

test('a watch goes on over a restart of the API server, and what happened meanwhile is seen', { skip }, async () => {
  await sweep();
  await apply(undefined, toy(1));
  const troubles: string[] = [];
  const store = await open({ onTrouble: (kind) => troubles.push(kind) });
  const heard = new Set<string>();
  const stop = new AbortController();
  const watching = store.watch([anyKind(toyKind)], (key) => heard.add(keyText(key)), stop.signal);
  await kube.stopServer();
  await eventually('the broken watch to be noticed', () => troubles.length > 0);
  await kube.startServer();
  await apply(undefined, toy(2), toy(1, 'duck'));
  await eventually('the new one to be heard of', () => heard.has('Toy/toys/duck'));
  await eventually('the change', async () => (await store.get(toyKind, place))?.spec.size === 2);
  stop.abort();
  await watching;
  await store.close();
});

test('a list is read in pages, all of it', { skip }, async () => {
  await sweep();
  const names = Array.from({ length: 1203 }, (_, i) => `toy${String(i).padStart(4, '0')}`);
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let i = lane; i < names.length; i += 8)
        await api.call('POST', pathOf(anyKind(toyKind), { namespace: 'toys' }), { body: toy(i, names[i]) });
    }),
  );
  const store = await open();
  const listed = await store.list(toyKind);
  assert.deepEqual(listed.map(({ metadata }) => metadata.name).toSorted(), names);
  await store.close();
  await sweep();
});

test(
  'a version that the server has forgotten is answered by listing again: nothing that went meanwhile stays',
  { skip },
  async () => {
    await sweep();
    await apply(undefined, toy(1), toy(1, 'duck'));
    let gone = 0;
    // The real server's answer to an old version, at the first watch; everything else is the server's own.
    const forgetful = new Proxy(api, {
      get(target, property) {
        if (property !== 'stream') return Reflect.get(target, property).bind?.(target) ?? Reflect.get(target, property);
        return async function* (path: string, options: Parameters<KubeApi['stream']>[1]) {
          const first = path.includes('/toys') && gone++ === 0;
          if (first) await remove(toy(1, 'duck'));
          const query = first ? { ...options.query, resourceVersion: '1' } : options.query;
          yield* target.stream(path, { ...options, ...(query === undefined ? {} : { query }) });
        };
      },
    });
    const store = await open({ api: forgetful });
    assert.equal((await store.list(toyKind)).length, 2);
    await eventually('the list to be true again', async () => (await store.list(toyKind)).length === 1);
    await apply(store, toy(5));
    await store.close();
  },
);

test('a status that somebody else wrote is a conflict, and the next read has theirs', { skip }, async () => {
  await sweep();
  const store = await open();
  await apply(store, toy(1));
  const mine = (await store.get(toyKind, place))!;
  await api.call('PATCH', `${pathFor(toy(1))}/status`, {
    body: { status: { theirs: true } },
    contentType: 'application/merge-patch+json',
  });
  await assert.rejects(store.updateStatus(toyKind, mine, { seen: 1 }), ConflictError);
  const fresh = (await store.get(toyKind, place))!;
  assert.deepEqual(fresh.status, { theirs: true });
  const written = await store.updateStatus(toyKind, fresh, { ...fresh.status, seen: 1 });
  assert.deepEqual(written.status, { theirs: true, seen: 1 });
  await store.close();
});

test('a Secret deleted together with what uses it stays readable for clean-up, and no longer', { skip }, async () => {
  await sweep();
  const store = await open();
  await apply(store, secret('key'), toy(1, 'bear', 'key'));
  const at = { namespace: 'toys', name: 'key' };
  await eventually('the Secret', async () => store.secret(at));
  await store.updateMetadata(toyKind, (await store.get(toyKind, place))!, { addFinalizers: ['t.example/f'] });
  await remove(toy(1));
  await remove(secret('key'));
  await eventually('it to be gone for everybody else', async () => (await store.secret(at)) === undefined);
  const kept = await store.secret(at, { forCleanUp: true });
  assert.equal(kept?.values.get('key')?.reveal(), 'value');
  const bear = await eventually('the deletion', async () => {
    const found = await store.get(toyKind, place);
    return found?.metadata.deletionTimestamp === undefined ? undefined : found;
  });
  assert.equal(await store.updateMetadata(toyKind, bear, { removeFinalizers: ['t.example/f'] }), undefined);
  assert.equal(await store.secret(at, { forCleanUp: true }), undefined);
  await store.close();
});

test('only Secrets that something uses are heard of', { skip }, async () => {
  await sweep();
  const store = await open();
  await apply(store, toy(1, 'bear', 'key'));
  const heard: string[] = [];
  const stop = new AbortController();
  const watching = store.watch(kinds, (key) => heard.push(keyText(key)), stop.signal);
  await apply(undefined, secret('noise'), secret('key'));
  await eventually('the one in use', () => heard.includes('Secret/toys/key'));
  assert.ok(!heard.includes('Secret/toys/noise'));
  stop.abort();
  await watching;
  await store.close();
});

test('an event that repeats, also after a restart, is one event with a count', { skip }, async () => {
  await sweep();
  const news = { type: 'Warning', reason: 'Lost', message: 'an eye' } as const;
  let store = await open();
  await apply(store, toy(1));
  for (let i = 0; i < 3; i++) await store.event((await store.get(toyKind, place))!, news);
  await store.close();
  store = await open();
  await store.event((await store.get(toyKind, place))!, news);
  await store.close();
  const { items } = await api.call<{ items: Array<{ reason: string; count: number; source: object }> }>(
    'GET',
    '/api/v1/namespaces/toys/events?fieldSelector=reason=Lost,involvedObject.name=bear',
  );
  assert.deepEqual(
    items.map(({ count }) => count),
    [4],
  );
});

test('a guard that says no stops every write before it is sent', { skip }, async () => {
  await sweep();
  const store = await open({
    guard: () => {
      throw new Error('no longer');
    },
  });
  await apply(store, toy(1));
  const bear = (await store.get(toyKind, place))!;
  await assert.rejects(store.updateStatus(toyKind, bear, { seen: 1 }), /no longer/);
  await assert.rejects(store.updateMetadata(toyKind, bear, { addFinalizers: ['a.example/x'] }), /no longer/);
  assert.equal((await live(toy(1)))?.status, undefined);
  await store.close();
});
