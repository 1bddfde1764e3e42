import { backoffMs, type Clock } from '@postern/core';
import type { KubeApi } from './api.ts';
import { fromStatus, isGone, isStatus } from './errors.ts';
import type { LiveObject } from './live.ts';

/**
 * Keeps a copy of a collection true: lists it in pages, then watches from that version on. A broken watch goes on where it
 * was; a version that the server has forgotten (410) means listing again; and now and then it lists anyway.
 */

export interface ReflectorOptions {
  readonly api: KubeApi;
  readonly path: string;
  /** Other than whole objects: metadata only. */
  readonly accept?: { readonly list: string; readonly watch: string };
  readonly fieldSelector?: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** A full list after this, in case an event was lost; default half an hour. */
  readonly resyncMs?: number;
  /** The collection as it is; whatever is not in it is gone. */
  readonly onList: (items: readonly LiveObject[]) => void;
  readonly onEvent: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: LiveObject) => void;
  /** Hears of what went wrong, before it is tried again. */
  readonly onTrouble?: (error: unknown) => void;
}

/** A page of a list: bounded answers whatever the size of the hub. */
export const pageItems = 500;
/** Lists whose continuation expired are begun again this often before the trouble is told. */
const listTriesMax = 5;
const resyncDefaultMs = 30 * 60_000;
/** The server ends a watch after this (and a random part of it, so that those of many controllers do not end together). */
const watchSeconds = 280;
/** Bookmarks come every minute: a watch that is silent for longer may be dead, and asking again costs one request. */
const idleMs = 100_000;
const retry = { minMs: 200, maxMs: 15_000 };
/** A kind that is not installed is asked for again after this. */
const missingRetryMs = 15_000;

interface WatchEvent {
  readonly type: string;
  readonly object: LiveObject & { readonly code?: number };
}

export class Reflector {
  readonly #options: ReflectorOptions;
  #version: string | undefined;
  #listedAtMs = Number.NEGATIVE_INFINITY;
  /** The server does not know this kind. */
  missing = false;

  constructor(options: ReflectorOptions) {
    this.#options = options;
  }

  /** Throws when the server does; a kind that is not installed has no objects. */
  async list(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { items, version } = await this.#pages(signal);
        this.missing = false;
        this.#version = version;
        this.#listedAtMs = this.#options.clock.monotonic();
        this.#options.onList(items);
        return;
      } catch (error) {
        if (isStatus(error, 404)) {
          this.missing = true;
          this.#version = undefined;
          this.#options.onList([]);
          return;
        }
        if (!isGone(error) || attempt >= listTriesMax) throw error;
      }
    }
  }

  async #pages(signal: AbortSignal): Promise<{ items: LiveObject[]; version: string }> {
    const { api, path, accept, fieldSelector } = this.#options;
    const items: LiveObject[] = [];
    for (let next: string | undefined; ;) {
      const page = await api.call<{
        items?: LiveObject[];
        metadata?: { continue?: string; resourceVersion?: string };
      }>('GET', path, {
        query: { limit: String(pageItems), continue: next, fieldSelector },
        ...(accept === undefined ? {} : { accept: accept.list }),
        signal,
      });
      items.push(...(page.items ?? []));
      next = page.metadata?.continue;
      if (next === undefined || next === '') return { items, version: page.metadata?.resourceVersion ?? '' };
    }
  }

  /** Watches until the signal. Never throws: it reports and tries again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onTrouble, resyncMs = resyncDefaultMs } = this.#options;
    const pause = (ms: number): Promise<void> => clock.sleep(ms, signal).catch(() => {});
    for (let failures = 0; !signal.aborted;) {
      try {
        if (this.missing) await pause(missingRetryMs);
        if (signal.aborted) return;
        if (this.#version === undefined || clock.monotonic() - this.#listedAtMs > resyncMs) await this.list(signal);
        if (this.missing) continue;
        const events = await this.#watch(signal);
        failures = events > 0 ? 0 : failures;
        // A server that ends every watch at once must not be asked in a tight loop.
        if (events === 0) await pause(retry.minMs);
      } catch (error) {
        if (signal.aborted) return;
        if (isGone(error)) this.#version = undefined;
        else onTrouble?.(error);
        if (failures > 0 || !isGone(error)) await pause(backoffMs(failures, retry, random()));
        failures++;
      }
    }
  }

  /** One watch to its end; how many events it brought, bookmarks included. */
  async #watch(signal: AbortSignal): Promise<number> {
    const { api, path, accept, fieldSelector, random } = this.#options;
    let events = 0;
    const stream = api.stream(path, {
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: this.#version,
        timeoutSeconds: String(Math.round(watchSeconds * (1 + random() / 2))),
        fieldSelector,
      },
      ...(accept === undefined ? {} : { accept: accept.watch }),
      signal,
      idleMs,
    });
    for await (const value of stream) {
      const { type, object } = value as WatchEvent;
      if (type === 'ERROR') throw fromStatus(object.code ?? 0, object, `watch ${path}`);
      events++;
      this.#version = object.metadata.resourceVersion ?? this.#version;
      if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') this.#options.onEvent(type, object);
    }
    return events;
  }
}
