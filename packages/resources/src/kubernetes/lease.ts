import { type Clock, PosternError } from '@postern/core';
import type { KubeApi } from './api.ts';
import { isStatus } from './errors.ts';
import type { LiveObject } from './live.ts';
import { expiresInMs, isFree, type LeaseSpec, microTime, type Sighting } from './lease-rules.ts';
import { Reflector } from './reflector.ts';

/**
 * One leader among several controllers, by a Lease (coordination.k8s.io). The leader stops by its own clock well before anybody
 * may take the lease; the others watch it, and take it in the moment it has gone unrenewed for its whole duration.
 */

export interface LeaseOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: () => number;
  readonly namespace: string;
  readonly name: string;
  /** Of this process; different for every start. */
  readonly identity: string;
  readonly durationMs: number;
  /** Hears of who leads, and of trouble that is tried again. */
  readonly onWait?: (holder: string) => void;
  readonly onTrouble?: (error: unknown) => void;
}

/** This process may no longer write: another one may lead. */
export class NotLeading extends PosternError {
  override readonly name = 'NotLeading';
  constructor() {
    super('NOT_LEADING', 'the lease was lost: another controller may lead now');
  }
}

/** Renewed this often, in parts of the duration: several may be lost before it matters. */
const renewPart = 2 / 15;
/** Without a renewal for this part the leader stops: the rest is what its last calls may take to end. */
const deadlinePart = 10 / 15;
const retryMs = 1000;

/** Leadership, from the moment it was gained to its end. */
export interface Leadership {
  /** Aborted when it is lost, by our own clock or because somebody else holds it. */
  readonly lost: AbortSignal;
  /** Throws `NotLeading` from the moment on at which this process must not write any more. */
  readonly assert: () => void;
  /** Gives it up, so that another need not wait. Call it when all work has ended. */
  release(): Promise<void>;
}

/** Waits until this process leads. Throws the signal's reason when it is aborted first. */
export async function lead(options: LeaseOptions, signal: AbortSignal): Promise<Leadership> {
  const { clock, durationMs, onWait, onTrouble } = options;
  const watch = watchLease(options);
  let told: string | undefined;
  try {
    for (;;) {
      signal.throwIfAborted();
      try {
        const seen = await watch.sighting(signal);
        if (isFree(seen, options.identity, clock.monotonic())) {
          const startedMs = clock.monotonic();
          const taken = await take(options, seen, signal);
          if (taken !== undefined) return keep(options, taken, startedMs);
          await watch.lookAgain(signal);
          continue;
        }
        const holder = seen?.spec.holderIdentity ?? '';
        if (holder !== told) onWait?.(holder);
        told = holder;
        await watch.change(expiresInMs(seen, clock.monotonic(), durationMs), signal);
      } catch (error) {
        signal.throwIfAborted();
        onTrouble?.(error);
        await clock.sleep(retryMs, signal);
      }
    }
  } finally {
    await watch.close();
  }
}

function pathOf({ namespace, name }: LeaseOptions, subject: 'one' | 'all'): string {
  const all = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  return subject === 'all' ? all : `${all}/${encodeURIComponent(name)}`;
}

/** What is seen of the lease, and when by our own clock: the holder's clock is not trusted. */
function watchLease(options: LeaseOptions) {
  const { api, clock, random, name } = options;
  const stop = new AbortController();
  let seen: Sighting | undefined;
  let listed = false;
  let wake: (() => void) | undefined;
  const note = (object: LiveObject | undefined): void => {
    const spec = (object?.spec ?? {}) as LeaseSpec;
    const version = object?.metadata.resourceVersion ?? '';
    if (object === undefined) seen = undefined;
    else if (seen === undefined || seen.resourceVersion !== version)
      seen = { spec, resourceVersion: version, atMs: clock.monotonic() };
    wake?.();
  };
  const reflector = new Reflector({
    api,
    path: pathOf(options, 'all'),
    fieldSelector: `metadata.name=${name}`,
    clock,
    random,
    onList: (items) => note(items[0]),
    onEvent: (type, object) => note(type === 'DELETED' ? undefined : object),
    ...(options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble }),
  });
  let running: Promise<void> | undefined;
  return {
    async sighting(signal: AbortSignal): Promise<Sighting | undefined> {
      if (!listed) await reflector.list(signal);
      listed = true;
      running ??= reflector.run(stop.signal);
      return seen;
    },
    lookAgain: (signal: AbortSignal) => reflector.list(signal),
    /** Until something is heard of the lease, or for `ms`. */
    async change(ms: number, signal: AbortSignal): Promise<void> {
      const woken = new AbortController();
      wake = () => woken.abort();
      await clock.sleep(ms, AbortSignal.any([woken.signal, signal])).catch(() => {});
      wake = undefined;
    },
    async close(): Promise<void> {
      stop.abort();
      await running;
    },
  };
}

/** Makes the lease ours; undefined when somebody was faster. */
async function take(
  options: LeaseOptions,
  seen: Sighting | undefined,
  signal: AbortSignal,
): Promise<LiveObject | undefined> {
  const { api, clock, identity, durationMs, namespace, name } = options;
  const now = microTime(clock.now());
  const changes = seen === undefined || seen.spec.holderIdentity === identity ? 0 : 1;
  const spec: LeaseSpec = {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: now,
    renewTime: now,
    leaseTransitions: (seen?.spec.leaseTransitions ?? 0) + changes,
  };
  const body = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace, ...(seen === undefined ? {} : { resourceVersion: seen.resourceVersion }) },
    spec,
  };
  try {
    return seen === undefined
      ? await api.call<LiveObject>('POST', pathOf(options, 'all'), { body, signal })
      : await api.call<LiveObject>('PUT', pathOf(options, 'one'), { body, signal });
  } catch (error) {
    if (isStatus(error, 409)) return undefined;
    throw error;
  }
}

/** Renews until it cannot; by the deadline at the latest it says so itself. */
function keep(options: LeaseOptions, taken: LiveObject, startedMs: number): Leadership {
  const { api, clock, identity, durationMs, onTrouble } = options;
  const lost = new AbortController();
  const stop = new AbortController();
  let lease = taken;
  /** The beginning of the last renewal that succeeded: the lease cannot run out sooner than a duration after it. */
  let renewedMs = startedMs;
  let renewedAtMs = clock.now();
  const deadlineMs = durationMs * deadlinePart;
  // Two clocks: the monotonic one stands still while a machine sleeps, the other one may be set back.
  const leftMs = (): number => deadlineMs - Math.max(clock.monotonic() - renewedMs, clock.now() - renewedAtMs);
  const assert = (): void => {
    if (lost.signal.aborted || leftMs() <= 0) {
      lost.abort();
      throw new NotLeading();
    }
  };
  const renew = async (): Promise<void> => {
    const attempt = { monotonic: clock.monotonic(), wall: clock.now() };
    const spec = { ...(lease.spec as LeaseSpec), renewTime: microTime(clock.now()) };
    const body = { ...lease, spec };
    try {
      lease = await api.call<LiveObject>('PUT', pathOf(options, 'one'), { body, timeoutMs: Math.max(1, leftMs()) });
    } catch (error) {
      if (!isStatus(error, 404, 409)) throw error;
      const now = await api.call<LiveObject>('GET', pathOf(options, 'one'));
      if ((now.spec as LeaseSpec).holderIdentity !== identity) return lost.abort();
      lease = now; // somebody touched it, and it is still ours: the next attempt is on top of that
      return;
    }
    renewedMs = attempt.monotonic;
    renewedAtMs = attempt.wall;
  };
  const renewing = (async () => {
    const ended = AbortSignal.any([stop.signal, lost.signal]);
    while (!ended.aborted) {
      const pauseMs = Math.max(1, Math.min(durationMs * renewPart, leftMs()));
      await clock.sleep(pauseMs, ended).catch(() => {});
      if (ended.aborted) return;
      if (leftMs() <= 0) return lost.abort();
      // A renewal that hangs must not make the deadline pass unnoticed.
      const late = clock.sleep(leftMs(), ended).catch(() => {});
      await Promise.race([renew().catch((error: unknown) => onTrouble?.(error)), late]);
    }
  })();
  return {
    lost: lost.signal,
    assert,
    async release() {
      stop.abort();
      await renewing;
      if (lost.signal.aborted) return;
      const spec = { ...(lease.spec as LeaseSpec), holderIdentity: '', leaseDurationSeconds: 1 };
      try {
        await api.call('PUT', pathOf(options, 'one'), { body: { ...lease, spec }, timeoutMs: 3000 });
      } catch {
        // It runs out by itself.
      }
    },
  };
}
