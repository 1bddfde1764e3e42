import { keyText, type OpenedStore } from '@postern/resources';
import { Registry } from 'prom-client';
import { findLeaksWith } from './leaks.ts';
import { type PrivateLinkMetrics, privateLinkMetrics } from './metrics.ts';
import { explain } from './plan/explain.ts';
import { Controller } from './reconcile/controller.ts';
import type { Daemon, Log, RunOptions, RunResult } from './run-controller.ts';

/** One term of a controller: from an open store to its end, or to the end of its leadership. */

export type TermResult = Omit<RunResult, 'timedOut'>;

/** @param guard asked before every call that changes AWS or the store; throws when this process may no longer act */
export async function runTerm(
  options: RunOptions,
  daemon: Daemon,
  opened: OpenedStore,
  guard?: () => void,
): Promise<TermResult> {
  const { log } = daemon;
  const { clock, random, awsEndpoint, workers, resyncMs, once, signal } = options;
  const { store } = opened;
  const registry = new Registry();
  const metrics = privateLinkMetrics(registry);
  const controller = new Controller({
    store,
    clock,
    random,
    awsEndpoint,
    ...(workers === undefined ? {} : { workers }),
    ...(resyncMs === undefined ? {} : { resyncMs }),
    observer: guard === undefined ? metrics.observer : { ...metrics.observer, before: guard },
    hooks: hooksOf(metrics, log),
    onDefect: (key, error) => log.error({ object: keyText(key), error }, 'a defect while looking at this object'),
  });
  metrics.watch(controller);
  daemon.registry = registry;
  const stop = new AbortController();
  const looking = once ? Promise.resolve() : lookForLeaks(options, { opened, controller, log, metrics }, stop.signal);
  try {
    log.info({ resources: opened.where }, once ? 'looking once' : 'ready');
    await controller.run(signal, once);
    return { verdicts: controller.verdicts(), report: opened.report() };
  } finally {
    stop.abort();
    await looking;
    controller.close();
  }
}

function hooksOf(metrics: PrivateLinkMetrics, log: Log): PrivateLinkMetrics['hooks'] {
  return {
    ...metrics.hooks,
    onAct(key, step, why) {
      metrics.hooks.onAct?.(key, step, why);
      log.info({ object: keyText(key), step: step.kind, why }, explain(step));
    },
    onVerdict(key, verdict) {
      metrics.hooks.onVerdict?.(key, verdict);
      const { state, reason, message, afterMs } = verdict;
      log[state === 'failed' ? 'warn' : 'debug']({ object: keyText(key), state, reason, afterMs }, message || state);
    },
    onReady(key, seconds) {
      metrics.hooks.onReady?.(key, seconds);
      log.info({ object: keyText(key), seconds: Math.round(seconds * 10) / 10 }, 'ready');
    },
  };
}

/** The first look when a start has settled; then seldom, because it lists every account. */
const firstLeakLookMs = 2 * 60_000;
const leakLookMs = 30 * 60_000;

/** Counts leaks for the metric, and names each new one once in the log. */
async function lookForLeaks(
  { clock, signal }: RunOptions,
  parts: {
    readonly opened: OpenedStore;
    readonly controller: Controller;
    readonly log: Log;
    readonly metrics: PrivateLinkMetrics;
  },
  ended: AbortSignal,
): Promise<void> {
  const { opened, controller, log, metrics } = parts;
  const end = AbortSignal.any([signal, ended]);
  const told = new Set<string>();
  for (let waitMs = firstLeakLookMs; ; waitMs = leakLookMs) {
    try {
      await clock.sleep(waitMs, end);
      const { leaks } = await findLeaksWith(controller, opened.store, end);
      const byKind = Map.groupBy(leaks, ({ kind }) => kind);
      metrics.setLeaks(new Map([...byKind].map(([kind, list]) => [kind, list.length])));
      for (const leak of leaks.filter(({ id }) => !told.has(id))) {
        told.add(leak.id);
        log.warn({ ...leak }, `${leak.kind} ${leak.id} carries our tag: ${leak.why}`);
      }
    } catch (error) {
      if (end.aborted) return;
      log.warn({ error }, 'could not look for leaks');
    }
  }
}
