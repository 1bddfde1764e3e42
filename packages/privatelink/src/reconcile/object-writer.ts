import { type EventNews, type MetadataPatch, type Resource, type ResourceKind, type Store } from '@postern/resources';
import {
  type Condition,
  type LinkStatus,
  linkStatusOf,
  type PrivateLinkStatus,
  withLinkStatus,
} from '../kinds/status.ts';

/** Writes what became of one object: only what changed, each write on top of the one before. */
export class ObjectWriter<Spec> {
  readonly #store: Store;
  readonly #kind: ResourceKind<Spec, LinkStatus>;
  readonly #now: () => string;
  #resource: Resource<Spec, LinkStatus>;
  #status: LinkStatus;

  constructor(
    store: Store,
    kind: ResourceKind<Spec, LinkStatus>,
    resource: Resource<Spec, LinkStatus>,
    now: () => string,
  ) {
    this.#store = store;
    this.#kind = kind;
    this.#now = now;
    this.#resource = resource;
    this.#status = resource.status ?? {};
  }

  get resource(): Resource<Spec, LinkStatus> {
    return this.#resource;
  }

  get link(): PrivateLinkStatus {
    return linkStatusOf(this.#status);
  }

  get conditions(): readonly Condition[] {
    return this.#status.conditions ?? [];
  }

  /** Takes effect with the next `flush`. */
  setLink(link: PrivateLinkStatus | undefined): void {
    this.#status = withLinkStatus(this.#status, link);
  }

  setConditions(change: (conditions: readonly Condition[], now: string) => readonly Condition[]): void {
    const conditions = change(this.conditions, this.#now());
    if (conditions !== this.#status.conditions && conditions.length > 0) this.#status = { ...this.#status, conditions };
  }

  /** Writes the status if it says anything new. */
  async flush(): Promise<void> {
    if (same(this.#status, this.#resource.status ?? {})) return;
    this.#resource = await this.#store.updateStatus(this.#kind, this.#resource, this.#status);
  }

  /** Status first: a finalizer must not go before what it stood for is written down. False: the object is gone with it. */
  async patch(patch: MetadataPatch): Promise<boolean> {
    await this.flush();
    const left = await this.#store.updateMetadata(this.#kind, this.#resource, patch);
    if (left !== undefined) this.#resource = left;
    return left !== undefined;
  }

  async event(event: EventNews): Promise<void> {
    await this.#store.event(this.#resource, event);
  }
}

/** Key order is not news. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined && !isEmptyObject(inner));
  return Object.fromEntries(
    entries.toSorted(([x], [y]) => (x < y ? -1 : 1)).map(([key, inner]) => [key, ordered(inner)]),
  );
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
