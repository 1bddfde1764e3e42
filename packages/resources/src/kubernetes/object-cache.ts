import type { ResourceKind } from '../resource-kind.ts';
import { keyOf, keyText, type ObjectKey, type Resource } from '../resource.ts';
import { isNewer } from './live.ts';

/**
 * The objects as last seen, who uses whom, and who hears of a change. PURE in all but name: no clock, no network.
 *
 * An object that is deleted stays readable for clean-up while something with a finalizer uses it: `kubectl delete` of a
 * cluster together with its Secret must not lose the credentials with which the link is removed.
 */

interface Listener {
  readonly kinds: ReadonlySet<string>;
  readonly onChange: (key: ObjectKey) => void;
}

interface Entry {
  readonly resource: Resource;
  readonly uses: readonly string[];
}

export class ObjectCache {
  readonly #kinds: ReadonlyMap<string, ResourceKind>;
  readonly #entries = new Map<string, Entry>();
  readonly #byKind = new Map<string, Map<string, Entry>>();
  readonly #users = new Map<string, number>();
  readonly #graves = new Map<string, Entry>();
  /** Objects whose end we know of before the watch tells it; what it still says about them is old. */
  readonly #ended = new Set<string>();
  readonly #listeners = new Set<Listener>();
  /** Told of objects that are no longer readable in any way. */
  onForgotten: ((id: string) => void) | undefined;

  constructor(kinds: readonly ResourceKind[]) {
    this.#kinds = new Map(kinds.map((kind) => [kind.kind, kind]));
    for (const { kind } of kinds) this.#byKind.set(kind, new Map());
  }

  get(id: string, forCleanUp = false): Resource | undefined {
    const entry = this.#entries.get(id) ?? (forCleanUp ? this.#graves.get(id) : undefined);
    return entry?.resource;
  }

  list(kind: string): Resource[] {
    return [...(this.#byKind.get(kind)?.values() ?? [])].map(({ resource }) => resource);
  }

  /** A newer version of an object; an older one (a slow watch after our own write) is not news. */
  put(resource: Resource): void {
    const id = keyText(keyOf(resource));
    const { uid, resourceVersion } = resource.metadata;
    if (this.#ended.has(uid)) return;
    const old = this.#entries.get(id);
    const same = old?.resource.metadata.uid === uid;
    if (same && isNewer(old.resource.metadata.resourceVersion, resourceVersion)) return;
    this.#set(id, resource);
    this.#announce(keyOf(resource));
  }

  /** It has gone; `uid` when the news is of one particular life of it. */
  remove(key: ObjectKey, uid?: string): void {
    const id = keyText(key);
    if (uid !== undefined) this.#ended.delete(uid);
    const old = this.#entries.get(id);
    if (old === undefined || (uid !== undefined && old.resource.metadata.uid !== uid)) return;
    this.#unset(id, old);
    this.#graves.set(id, old);
    this.#bury();
    this.#announce(key);
  }

  /** We ended it ourselves: what a slow watch still brings of it is ignored. */
  ended(resource: Resource): void {
    this.remove(keyOf(resource), resource.metadata.uid);
    this.#ended.add(resource.metadata.uid);
  }

  /** All objects of a kind; what is not among them has gone. */
  replace(kind: string, resources: readonly Resource[]): void {
    const now = new Map(resources.map((resource) => [keyText(keyOf(resource)), resource]));
    for (const [id, { resource }] of this.#byKind.get(kind) ?? [])
      if (!now.has(id)) this.remove(keyOf(resource), resource.metadata.uid);
    for (const resource of resources) this.put(resource);
    const alive = new Set(resources.map(({ metadata }) => metadata.uid));
    for (const uid of this.#ended) if (!alive.has(uid)) this.#ended.delete(uid);
  }

  #set(id: string, resource: Resource): void {
    const old = this.#entries.get(id);
    if (old !== undefined) this.#unset(id, old);
    const uses = (this.#kinds.get(resource.kind)?.uses(resource) ?? []).map((key) => keyText(key));
    for (const used of uses) this.#users.set(used, (this.#users.get(used) ?? 0) + 1);
    const entry = { resource, uses };
    this.#entries.set(id, entry);
    this.#byKind.get(resource.kind)?.set(id, entry);
    if (this.#graves.delete(id)) this.onForgotten?.(id);
  }

  #unset(id: string, { resource, uses }: Entry): void {
    this.#entries.delete(id);
    this.#byKind.get(resource.kind)?.delete(id);
    for (const used of uses) {
      const left = (this.#users.get(used) ?? 1) - 1;
      if (left > 0) this.#users.set(used, left);
      else this.#users.delete(used);
    }
  }

  /** Keeps of the deleted only what something with a finalizer needs. */
  #bury(): void {
    const needed = new Set<string>();
    const visit = (entry: Entry | undefined): void => {
      for (const id of entry?.uses ?? []) {
        if (needed.has(id)) continue;
        needed.add(id);
        visit(this.#entries.get(id) ?? this.#graves.get(id));
      }
    };
    for (const entry of this.#entries.values()) if (entry.resource.metadata.finalizers.length > 0) visit(entry);
    for (const id of this.#graves.keys()) {
      if (needed.has(id)) continue;
      this.#graves.delete(id);
      this.onForgotten?.(id);
    }
  }

  /** Whether any object names this one. A hub has thousands of Secrets that are nobody's business here. */
  isUsed(id: string): boolean {
    return this.#users.has(id);
  }

  listen(kinds: readonly ResourceKind[], onChange: (key: ObjectKey) => void): Disposable {
    const listener = { kinds: new Set(kinds.map(({ kind }) => kind)), onChange };
    this.#listeners.add(listener);
    for (const kind of listener.kinds)
      for (const resource of this.list(kind)) if (this.#matters(keyOf(resource))) onChange(keyOf(resource));
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  #matters(key: ObjectKey): boolean {
    return this.#kinds.get(key.kind)?.attachment !== true || this.isUsed(keyText(key));
  }

  #announce(key: ObjectKey): void {
    if (!this.#matters(key)) return;
    for (const { kinds, onChange } of this.#listeners) if (kinds.has(key.kind)) queueMicrotask(() => onChange(key));
  }
}
