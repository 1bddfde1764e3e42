import { type Clock } from '@postern/core';
import { aborted } from '../aborted.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { keyOf, keyText, type ObjectKey, type Resource } from '../resource.ts';
import { type SecretData, secretKind } from '../secret.ts';
import {
  ConflictError,
  type EventNews,
  type MetadataPatch,
  patchedMetadata,
  type ReadOptions,
  type Store,
  type StoredEvent,
} from '../store.ts';
import type { KubeApi } from './api.ts';
import { isStatus } from './errors.ts';
import { EventRecorder, readEvents } from './event-recorder.ts';
import { type LiveObject, pathOf, type Place, toResource } from './live.ts';
import { ObjectCache } from './object-cache.ts';
import { Reflector } from './reflector.ts';
import { SecretReader } from './secret-reader.ts';

/**
 * The store over a Kubernetes API server. Reads come from copies that lists fill and watches keep true; writes go to the
 * server with the version that was read, and their answers into the copies, so that a pass sees what the one before wrote.
 */
export interface KubernetesStoreOptions {
  readonly api: KubeApi;
  readonly kinds: readonly ResourceKind[];
  readonly clock: Clock;
  readonly random: () => number;
  /** `watch` keeps the copies true; `snapshot` lists each kind once, when it is first asked for. */
  readonly mode: 'watch' | 'snapshot';
  /** Who writes events. */
  readonly component: string;
  readonly instance?: string;
  /** A full list of each kind after this, in case an event was lost. */
  readonly resyncMs?: number;
  /** Asked before every write: throws when this process may no longer write. */
  readonly guard?: () => void;
  /** Hears of watches that broke, before they are tried again. */
  readonly onTrouble?: (kind: string, error: unknown) => void;
}

/** Secrets come as metadata: their content is read when it is needed. */
const metadataOnly = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
};

/** What is left to say when the process ends is said within this. */
const flushMs = 3000;

export class KubernetesStore implements Store {
  readonly #options: KubernetesStoreOptions;
  readonly #cache: ObjectCache;
  readonly #secrets: SecretReader;
  readonly #events: EventRecorder;
  readonly #reflectors = new Map<string, Reflector>();
  readonly #listed = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  readonly #running: Array<Promise<void>> = [];
  #allEvents: Promise<ReadonlyMap<string, readonly StoredEvent[]>> | undefined;

  /** With `mode: 'watch'` everything has been listed once when it resolves. */
  static async open(options: KubernetesStoreOptions, signal?: AbortSignal): Promise<KubernetesStore> {
    const store = new KubernetesStore(options);
    if (options.mode === 'snapshot') return store;
    try {
      const end = signal === undefined ? store.#stop.signal : AbortSignal.any([store.#stop.signal, signal]);
      await Promise.all([...store.#reflectors.values()].map((reflector) => reflector.list(end)));
    } catch (error) {
      await store.close();
      throw error;
    }
    for (const reflector of store.#reflectors.values()) store.#running.push(reflector.run(store.#stop.signal));
    return store;
  }

  private constructor(options: KubernetesStoreOptions) {
    const { api, kinds, clock, random, resyncMs, onTrouble, component, instance = '' } = options;
    this.#options = options;
    this.#cache = new ObjectCache(kinds);
    this.#secrets = new SecretReader(api);
    this.#events = new EventRecorder({ api, clock, component, instance });
    this.#cache.onForgotten = (id) => this.#secrets.forget(id);
    for (const kind of kinds)
      this.#reflectors.set(
        kind.kind,
        new Reflector({
          api,
          path: pathOf(kind),
          ...(kind.kind === secretKind.kind ? { accept: metadataOnly } : {}),
          clock,
          random,
          ...(resyncMs === undefined ? {} : { resyncMs }),
          onList: (items) =>
            this.#cache.replace(
              kind.kind,
              items.map((item) => toResource(kind, item)),
            ),
          onEvent: (type, object) => {
            const resource = toResource(kind, object);
            if (type === 'DELETED') this.#cache.remove(keyOf(resource), resource.metadata.uid);
            else this.#cache.put(resource);
          },
          onTrouble: (error) => onTrouble?.(kind.kind, error),
        }),
      );
  }

  /** Kinds that the cluster does not have. */
  missingKinds(): string[] {
    return [...this.#reflectors].filter(([, { missing }]) => missing).map(([kind]) => kind);
  }

  async #ready(kind: string): Promise<void> {
    if (this.#options.mode === 'watch') return;
    let listed = this.#listed.get(kind);
    if (listed === undefined) {
      listed = this.#reflectors.get(kind)?.list(this.#stop.signal) ?? Promise.resolve();
      this.#listed.set(kind, listed);
      listed.catch(() => this.#listed.delete(kind));
    }
    await listed;
  }

  async list<Spec, Status>(kind: ResourceKind<Spec, Status>): Promise<ReadonlyArray<Resource<Spec, Status>>> {
    await this.#ready(kind.kind);
    return this.#cache.list(kind.kind) as Array<Resource<Spec, Status>>;
  }

  async get<Spec, Status>(
    kind: ResourceKind<Spec, Status>,
    place: Place,
    options: ReadOptions = {},
  ): Promise<Resource<Spec, Status> | undefined> {
    await this.#ready(kind.kind);
    const found = this.#cache.get(keyText({ kind: kind.kind, ...placeIn(kind, place) }), options.forCleanUp);
    return found as Resource<Spec, Status> | undefined;
  }

  async secret(place: Place, options: ReadOptions = {}): Promise<SecretData | undefined> {
    const id = keyText({ kind: secretKind.kind, namespace: place.namespace, name: place.name });
    if (this.#options.mode === 'snapshot')
      return this.#secrets.remembered(id) ?? this.#secrets.read(id, place, undefined);
    // Not seen yet is asked for: a cluster may be heard of before the Secret that was made just before it.
    const data = await this.#secrets.read(id, place, this.#cache.get(id)?.metadata.resourceVersion);
    if (data !== undefined || options.forCleanUp !== true) return data;
    return this.#cache.get(id, true) === undefined ? undefined : this.#secrets.remembered(id);
  }

  async watch(kinds: readonly ResourceKind[], onChange: (key: ObjectKey) => void, signal: AbortSignal): Promise<void> {
    using _listener = this.#cache.listen(kinds, onChange);
    await aborted(signal);
  }

  async updateStatus<Spec, Status>(
    kind: ResourceKind<Spec, Status>,
    resource: Resource<Spec, Status>,
    status: Status,
  ): Promise<Resource<Spec, Status>> {
    const { name, namespace, uid, resourceVersion } = resource.metadata;
    const body = {
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      metadata: { name, ...(namespace === '' ? {} : { namespace }), uid, resourceVersion },
      // The server takes only the status of this, and may insist on a whole object.
      spec: resource.spec,
      status,
    };
    const written = await this.#write(kind, resource, 'PUT', '/status', body);
    this.#cache.put(written);
    return written as Resource<Spec, Status>;
  }

  async updateMetadata<Spec, Status>(
    kind: ResourceKind<Spec, Status>,
    resource: Resource<Spec, Status>,
    patch: MetadataPatch,
  ): Promise<Resource<Spec, Status> | undefined> {
    const { uid, resourceVersion, finalizers: before } = resource.metadata;
    const { finalizers } = patchedMetadata(resource.metadata, patch);
    const annotations = Object.fromEntries(
      Object.entries(patch.annotations ?? {}).map(([key, value]) => [key, value ?? null]),
    );
    const sameFinalizers = JSON.stringify(finalizers) === JSON.stringify(before);
    const metadata = {
      uid,
      resourceVersion,
      ...(sameFinalizers ? {} : { finalizers }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    };
    const written = await this.#write(kind, resource, 'PATCH', '', { metadata });
    // The answer to the removal of the last finalizer is the object as it was when it went.
    if (written.metadata.deletionTimestamp !== undefined && written.metadata.finalizers.length === 0) {
      this.#cache.ended(written);
      return undefined;
    }
    this.#cache.put(written);
    return written as Resource<Spec, Status>;
  }

  async #write<Spec, Status>(
    kind: ResourceKind<Spec, Status>,
    resource: Resource,
    method: string,
    subresource: string,
    body: unknown,
  ): Promise<Resource> {
    this.#options.guard?.();
    const path = `${pathOf(kind, resource.metadata)}${subresource}`;
    const any = kind as unknown as ResourceKind;
    try {
      const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      return toResource(any, await this.#options.api.call<LiveObject>(method, path, { body, contentType }));
    } catch (error) {
      if (!isStatus(error, 404, 409)) throw error;
      await this.#readAgain(any, resource);
      throw new ConflictError(keyText(keyOf(resource)));
    }
  }

  /** Somebody else wrote: the next read must see it, whether or not the watch has brought it. */
  async #readAgain(kind: ResourceKind, resource: Resource): Promise<void> {
    try {
      const path = pathOf(kind, resource.metadata);
      this.#cache.put(toResource(kind, await this.#options.api.call<LiveObject>('GET', path)));
    } catch (error) {
      if (isStatus(error, 404)) this.#cache.remove(keyOf(resource), resource.metadata.uid);
      // Otherwise the watch brings it.
    }
  }

  async event(resource: Resource, event: EventNews): Promise<void> {
    if (this.#options.mode === 'watch') this.#events.add(resource, event);
  }

  async events(key: ObjectKey): Promise<readonly StoredEvent[]> {
    const { api, component, mode } = this.#options;
    if (mode === 'watch') return (await readEvents(api, component, key)).get(keyText(key)) ?? [];
    // A snapshot is asked about every link: one list serves all.
    this.#allEvents ??= readEvents(api, component);
    return (await this.#allEvents).get(keyText(key)) ?? [];
  }

  async close(): Promise<void> {
    const end = AbortSignal.timeout(flushMs);
    await Promise.race([this.#events.flush(), aborted(end)]);
    this.#stop.abort();
    await Promise.all(this.#running);
  }
}

function placeIn(kind: Pick<ResourceKind, 'scope'>, { namespace, name }: Place): Place {
  return { namespace: kind.scope === 'Cluster' ? '' : namespace, name };
}
