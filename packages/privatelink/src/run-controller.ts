import { type Clock, type Secret } from '@postern/core';
import { createLogger, startAdmin } from '@postern/daemon';
import { FilesStore, type FolderReport, keyText } from '@postern/resources';
import { Registry } from 'prom-client';
import { privateLinkKinds } from './kinds/index.ts';
import { findLeaksWith } from './leaks.ts';
import { type PrivateLinkMetrics, privateLinkMetrics } from './metrics.ts';
import { explain } from './plan/explain.ts';
import { Controller } from './reconcile/controller.ts';

/** The controller as a daemon: store, log, metrics, graceful end. */

export interface RunOptions {
  readonly folder: string;
  readonly stateFile?: string | undefined;
  readonly awsEndpoint?: string | undefined;
  readonly confirmPrune: boolean;
  readonly once: boolean;
  readonly workers?: number;
  readonly resyncMs?: number;
  readonly logLevel: string;
  readonly admin?: { readonly host: string; readonly port: number } | undefined;
  readonly adminToken?: Secret | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** `--once` gives up after this: what is not settled by then is reported. */
  readonly onceTimeoutMs: number;
}

export interface RunResult {
  readonly verdicts: ReturnType<Controller['verdicts']>;
  readonly report: FolderReport;
  readonly timedOut: boolean;
}

export async function runController(options: RunOptions): Promise<RunResult> {
  const log = createLogger({ name: 'privatelink', level: options.logLevel });
  const registry = new Registry();
  const metrics = privateLinkMetrics(registry);
  let lastReport = '';
  const onReport = (report: FolderReport): void => {
    if (JSON.stringify(report) === lastReport) return;
    lastReport = JSON.stringify(report);
    for (const { file, line, col, path, message, severity } of report.problems)
      log[severity === 'error' ? 'error' : 'warn']({ file, line, col, path }, message);
    if (report.held !== undefined)
      log.warn(
        { objects: report.held.objects },
        `deletions are held: ${report.held.reason}; bring the files back, or start with --confirm-prune`,
      );
  };
  const { folder, stateFile, clock, confirmPrune, signal, random, awsEndpoint, workers, resyncMs } = options;
  const store = await FilesStore.open({ folder, kinds: privateLinkKinds, stateFile, clock, confirmPrune, onReport });
  try {
    if (confirmPrune) log.warn('--confirm-prune: objects whose files are gone are removed, however many they are');
    const controller = new Controller({
      store,
      clock,
      random,
      awsEndpoint,
      ...(workers === undefined ? {} : { workers }),
      ...(resyncMs === undefined ? {} : { resyncMs }),
      observer: metrics.observer,
      hooks: {
        ...metrics.hooks,
        onAct(key, step, why) {
          metrics.hooks.onAct?.(key, step, why);
          log.info({ object: keyText(key), step: step.kind, why }, explain(step));
        },
        onVerdict(key, verdict) {
          metrics.hooks.onVerdict?.(key, verdict);
          const { state, reason, message, afterMs } = verdict;
          log[state === 'failed' ? 'warn' : 'debug'](
            { object: keyText(key), state, reason, afterMs },
            message || state,
          );
        },
        onReady(key, seconds) {
          metrics.hooks.onReady?.(key, seconds);
          log.info({ object: keyText(key), seconds: Math.round(seconds * 10) / 10 }, 'ready');
        },
      },
      onDefect: (key, error) => log.error({ object: keyText(key), error }, 'a defect while looking at this object'),
    });
    metrics.watch(controller);
    return await serve(options, { store, controller, registry, log, metrics, signal });
  } finally {
    await store.close();
  }
}

async function serve(
  options: RunOptions,
  parts: {
    readonly store: FilesStore;
    readonly controller: Controller;
    readonly registry: Registry;
    readonly log: ReturnType<typeof createLogger>;
    readonly metrics: PrivateLinkMetrics;
    readonly signal: AbortSignal;
  },
): Promise<RunResult> {
  const { store, controller, registry, log, signal } = parts;
  const admin =
    options.admin === undefined
      ? undefined
      : await startAdmin({
          listen: options.admin,
          registry,
          notReady: () => undefined,
          ...(options.adminToken === undefined ? {} : { token: options.adminToken }),
        });
  if (admin !== undefined) log.info({ admin: `${admin.address.host}:${admin.address.port}` }, 'admin endpoint');
  const timeout = options.once ? AbortSignal.timeout(options.onceTimeoutMs) : undefined;
  const stop = new AbortController();
  const looking = options.once ? Promise.resolve() : lookForLeaks(options, parts, stop.signal);
  try {
    log.info({ resources: options.folder }, options.once ? 'looking once' : 'ready');
    await controller.run(timeout === undefined ? signal : AbortSignal.any([signal, timeout]), options.once);
    if (signal.aborted) log.info('stopped');
    return { verdicts: controller.verdicts(), report: store.report(), timedOut: timeout?.aborted ?? false };
  } finally {
    stop.abort();
    await looking;
    await admin?.close();
    controller.close();
  }
}

/** The first look when a start has settled; then seldom, because it lists every account. */
const firstLeakLookMs = 2 * 60_000;
const leakLookMs = 30 * 60_000;

/** Counts leaks for the metric, and names each new one once in the log. */
async function lookForLeaks(
  { clock, signal }: RunOptions,
  { store, controller, log, metrics }: Parameters<typeof serve>[1],
  ended: AbortSignal,
): Promise<void> {
  const end = AbortSignal.any([signal, ended]);
  const told = new Set<string>();
  for (let waitMs = firstLeakLookMs; ; waitMs = leakLookMs) {
    try {
      await clock.sleep(waitMs, end);
      const { leaks } = await findLeaksWith(controller, store, end);
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
