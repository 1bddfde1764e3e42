/** What every store of resources must do, whatever it keeps them in: the same suite over files and over a Kubernetes API server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConflictError, keyText, type Resource, type ResourceKind, type Store } from '@postern/resources';
import { eventually } from './wait.ts';

/** A store under test, and the hand of its user. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  /** Creates or replaces objects, as `kubectl apply` or an editor does, and waits until the store has them. */
  readonly apply: (...documents: readonly object[]) => Promise<void>;
  /** Deletes an object, as `kubectl delete` or removing its file does. */
  readonly remove: (document: object) => Promise<void>;
  /** A new store over the same place, as after a restart of the controller. */
  readonly reopen: () => Promise<Store>;
}

interface Toy {
  readonly size: number;
}

/** @param kind a namespaced kind with `spec.size`; documents of it are made by `document` */
export function storeCompliance(
  name: string,
  kind: ResourceKind<Toy, { readonly seen?: number }>,
  setUp: () => Promise<StoreUnderTest>,
): void {
  const place = { namespace: 'toys', name: 'bear' };
  const document = (size: number, metadata: object = {}) => ({
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: { ...place, ...metadata },
    spec: { size },
  });
  const get = async (store: Store): Promise<Resource<Toy, { readonly seen?: number }>> => {
    const found = await store.get(kind, place);
    assert.ok(found, 'the object is there');
    return found;
  };
  const it = (what: string, work: (under: StoreUnderTest) => Promise<void>): void => {
    test(`${name}: ${what}`, async () => {
      await using under = await setUp();
      await work(under);
    });
  };

  it('an object that was applied is listed and got, with the metadata that a store gives', async ({ store, apply }) => {
    await apply(document(1, { labels: { a: 'b' }, annotations: { c: 'd' } }));
    const { metadata, spec } = await get(store);
    assert.deepEqual(spec, { size: 1 });
    assert.equal(metadata.labels['a'], 'b');
    assert.equal(metadata.annotations['c'], 'd');
    assert.ok(metadata.uid.length > 8 && metadata.resourceVersion !== '');
    assert.ok(Math.abs(Date.parse(metadata.creationTimestamp) - Date.now()) < 60_000);
    assert.equal((await store.list(kind)).length, 1);
    assert.equal(await store.get(kind, { ...place, name: 'nobody' }), undefined);
  });

  it('a changed spec is a new generation and keeps uid and status', async ({ store, apply }) => {
    await apply(document(1));
    const first = await get(store);
    await store.updateStatus(kind, first, { seen: 1 });
    await apply(document(2));
    const second = await eventually('the change', async () => {
      const found = await get(store);
      return found.spec.size === 2 ? found : undefined;
    });
    assert.equal(second.metadata.uid, first.metadata.uid);
    assert.equal(second.metadata.generation, first.metadata.generation + 1);
    assert.deepEqual(second.status, { seen: 1 });
  });

  it('a status write on top of an old version is refused; a fresh one is kept and is no new generation', async (under) => {
    await under.apply(document(1));
    const first = await get(under.store);
    const second = await under.store.updateStatus(kind, first, { seen: 1 });
    assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.equal(second.metadata.generation, first.metadata.generation);
    await assert.rejects(under.store.updateStatus(kind, first, { seen: 9 }), ConflictError);
    await under.store.updateStatus(kind, second, { seen: 2 });
    const store = await under.reopen();
    assert.deepEqual((await get(store)).status, { seen: 2 });
  });

  it('finalizers hold a deleted object, also over a restart, until the last has gone', async (under) => {
    await under.apply(document(1));
    await under.store.updateMetadata(kind, await get(under.store), { addFinalizers: ['a.example/x', 'b.example/y'] });
    await under.remove(document(1));
    await eventually('the deletion to be seen', async () => (await get(under.store)).metadata.deletionTimestamp);
    const store = await under.reopen();
    const held = await get(store);
    assert.ok(held.metadata.deletionTimestamp);
    const still = await store.updateMetadata(kind, held, { removeFinalizers: ['a.example/x'] });
    assert.deepEqual(still?.metadata.finalizers, ['b.example/y']);
    assert.equal(await store.updateMetadata(kind, still, { removeFinalizers: ['b.example/y'] }), undefined);
    assert.equal(await store.get(kind, place), undefined);
  });

  it('without a finalizer a deleted object is gone', async ({ store, apply, remove }) => {
    await apply(document(1));
    await remove(document(1));
    await eventually('it to be gone', async () => (await store.get(kind, place)) === undefined);
  });

  it('an object that comes back while it is finalised is another one afterwards', async (under) => {
    const { store } = under;
    await under.apply(document(1));
    const first = await get(store);
    await store.updateMetadata(kind, first, { addFinalizers: ['a.example/x'] });
    await under.remove(document(1));
    await eventually('the deletion', async () => (await get(store)).metadata.deletionTimestamp);
    const reborn = under.apply(document(3)).catch(() => {}); // an API server refuses until the old one has gone
    await store.updateMetadata(kind, await get(store), { removeFinalizers: ['a.example/x'] });
    await reborn;
    await under.apply(document(3));
    const second = await eventually('the new one', async () => {
      const found = await store.get(kind, place);
      return found?.spec.size === 3 ? found : undefined;
    });
    assert.notEqual(second.metadata.uid, first.metadata.uid);
    assert.deepEqual(second.metadata.finalizers, []);
  });

  it("a controller's annotations and a user's do not take each other away", async (under) => {
    await under.apply(document(1, { annotations: { theirs: '1' } }));
    await under.store.updateMetadata(kind, await get(under.store), { annotations: { ours: '1', gone: '1' } });
    await under.store.updateMetadata(kind, await get(under.store), { annotations: { gone: undefined } });
    const store = await under.reopen();
    const { annotations } = (await get(store)).metadata;
    assert.equal(annotations['theirs'], '1');
    assert.equal(annotations['ours'], '1');
    assert.ok(!('gone' in annotations));
  });

  it('a watcher hears of what is there and of every change, and ends with its signal', async (under) => {
    await under.apply(document(1));
    const heard: string[] = [];
    const stop = new AbortController();
    const watching = under.store.watch(
      [kind as unknown as ResourceKind],
      (key) => heard.push(keyText(key)),
      stop.signal,
    );
    const id = keyText({ kind: kind.kind, ...place });
    await eventually('the one that is there', () => heard.includes(id));
    heard.length = 0;
    await under.apply(document(2));
    await eventually('the change', () => heard.includes(id));
    heard.length = 0;
    await under.remove(document(2));
    await eventually('the deletion', () => heard.includes(id));
    stop.abort();
    await watching;
  });

  it('Secrets are read by value, never listed as text, and have a version that follows their content', async (under) => {
    const secret = (value: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key', namespace: 'toys' },
      stringData: { password: value },
    });
    await under.apply(document(1), secret('one'));
    const first = await under.store.secret({ namespace: 'toys', name: 'key' });
    assert.equal(first?.values.get('password')?.reveal(), 'one');
    assert.ok(!JSON.stringify([...first.values]).includes('one'));
    await under.apply(document(1), secret('two'));
    const second = await eventually('the new value', async () => {
      const found = await under.store.secret({ namespace: 'toys', name: 'key' });
      return found?.values.get('password')?.reveal() === 'two' ? found : undefined;
    });
    assert.notEqual(second.version, first.version);
    assert.equal(await under.store.secret({ namespace: 'other', name: 'key' }), undefined);
  });

  it('events are kept with the object, repeats counted', async ({ store, apply }) => {
    await apply(document(1));
    const bear = await get(store);
    await store.event(bear, { type: 'Normal', reason: 'Made', message: 'it is made' });
    await store.event(bear, { type: 'Warning', reason: 'Torn', message: 'an ear' });
    await store.event(bear, { type: 'Warning', reason: 'Torn', message: 'an ear' });
    const events = await eventually('three events', async () => {
      const found = await store.events({ kind: kind.kind, ...place });
      return found.some(({ count }) => count === 2) ? found : undefined;
    });
    assert.deepEqual(events.map(({ reason }) => reason).toSorted(), ['Made', 'Torn']);
  });
}
