import { createHash } from 'node:crypto';
import type { Clock } from '@postern/core';
import type { Resource } from '../resource.ts';
import type { EventNews, StoredEvent } from '../store.ts';
import type { KubeApi } from './api.ts';
import { isStatus } from './errors.ts';

/**
 * Events beside the objects, where `kubectl describe` shows them. The name of one is made of what it says, so that a repeat,
 * also one by the next leader, counts up instead of adding another. Sending is not waited for, and its failure stops nobody.
 */

/** What waits to be sent at most; news beyond it is dropped, the conditions hold the same. */
const waitingMax = 5000;
/** Sent side by side; those of one object stay in order. */
const lanesMax = 4;
/** How often each was told, for as many as this. */
const knownMax = 10_000;
/** The API's own bounds. */
const messageLengthMax = 1024;
const reasonLengthMax = 128;

export interface EventRecorderOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Who says it: `postern-privatelink`. */
  readonly component: string;
  readonly instance: string;
}

interface LiveEvent {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly metadata: { readonly creationTimestamp?: string; readonly continue?: string };
  readonly involvedObject?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #counts = new Map<string, number>();
  readonly #lanes = Array.from({ length: lanesMax }, () => Promise.resolve());
  #waiting = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  add(resource: Resource, event: EventNews): void {
    if (this.#waiting >= waitingMax) return;
    const at = new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const lane = createHash('sha256').update(resource.metadata.uid).digest()[0]! % lanesMax;
    this.#waiting++;
    const send = (): Promise<void> => this.#send(resource, event, at);
    const before = this.#lanes[lane]!;
    // News must not stop the work; what it tells of is in the status too.
    const after = before.then(send).catch(() => {});
    this.#lanes[lane] = after.finally(() => this.#waiting--);
  }

  /** When all that was told before has been sent, or has failed. */
  async flush(): Promise<void> {
    await Promise.all(this.#lanes);
  }

  async #send(resource: Resource, event: EventNews, at: string): Promise<void> {
    const { api, component, instance } = this.#options;
    const { metadata, apiVersion, kind } = resource;
    const namespace = metadata.namespace || 'default';
    const reason = event.reason.slice(0, reasonLengthMax);
    const message = event.message.slice(0, messageLengthMax);
    const said = JSON.stringify([metadata.uid, component, event.type, reason, message]);
    // A name is at most 253 characters; the hash alone tells the events of one object apart.
    const name = `${metadata.name.slice(0, 220)}.${createHash('sha256').update(said).digest('hex').slice(0, 16)}`;
    const path = `/api/v1/namespaces/${namespace}/events`;
    const count = this.#counts.get(name);
    if (count !== undefined && (await this.#again(`${path}/${name}`, count + 1, at)))
      return this.#remember(name, count + 1);
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: {
        apiVersion,
        kind,
        namespace: metadata.namespace,
        name: metadata.name,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      type: event.type,
      reason,
      message,
      count: 1,
      firstTimestamp: at,
      lastTimestamp: at,
      source: { component },
      reportingComponent: component,
      reportingInstance: instance,
    };
    try {
      await api.call('POST', path, { body });
      this.#remember(name, 1);
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      const told = await api.call<LiveEvent>('GET', `${path}/${name}`);
      if (await this.#again(`${path}/${name}`, (told.count ?? 1) + 1, at)) this.#remember(name, (told.count ?? 1) + 1);
    }
  }

  /** False when the cluster has forgotten it (an hour, by default). */
  async #again(path: string, count: number, at: string): Promise<boolean> {
    try {
      const body = { count, lastTimestamp: at };
      await this.#options.api.call('PATCH', path, { body, contentType: 'application/merge-patch+json' });
      return true;
    } catch (error) {
      if (isStatus(error, 404)) return false;
      throw error;
    }
  }

  #remember(name: string, count: number): void {
    this.#counts.delete(name);
    this.#counts.set(name, count);
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= knownMax) break;
      this.#counts.delete(oldest);
    }
  }
}

/** Our events, oldest first, by `Kind/namespace/name`. */
export async function readEvents(
  api: KubeApi,
  component: string,
  about?: { readonly kind: string; readonly namespace: string; readonly name: string },
): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
  const selectors = {
    source: component,
    ...(about === undefined ? {} : { 'involvedObject.kind': about.kind, 'involvedObject.name': about.name }),
  };
  const fieldSelector = Object.entries(selectors)
    .map(([field, value]) => `${field}=${value}`)
    .join(',');
  const path = about === undefined ? '/api/v1/events' : `/api/v1/namespaces/${about.namespace || 'default'}/events`;
  const events = new Map<string, StoredEvent[]>();
  for (let next: string | undefined; ;) {
    const page = await api.call<{ items?: LiveEvent[]; metadata?: { continue?: string } }>('GET', path, {
      query: { limit: '500', continue: next, fieldSelector },
    });
    for (const event of page.items ?? []) {
      const { kind = '', namespace = '', name = '' } = event.involvedObject ?? {};
      const key = namespace === '' ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
      events.set(key, [...(events.get(key) ?? []), toStored(event)]);
    }
    next = page.metadata?.continue;
    if (next === undefined || next === '') break;
  }
  for (const list of events.values()) list.sort(byTime);
  return events;
}

function toStored(event: LiveEvent): StoredEvent {
  const created = event.metadata.creationTimestamp ?? '';
  const first = event.firstTimestamp ?? event.eventTime ?? created;
  return {
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: event.reason ?? '',
    message: event.message ?? '',
    count: event.count ?? 1,
    firstTimestamp: first,
    lastTimestamp: event.lastTimestamp ?? first,
  };
}

function byTime(a: StoredEvent, b: StoredEvent): number {
  return a.lastTimestamp < b.lastTimestamp ? -1 : a.lastTimestamp > b.lastTimestamp ? 1 : 0;
}
