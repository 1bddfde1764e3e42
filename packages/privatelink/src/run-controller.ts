import type { Clock, Secret } from '@postern/core';
import { createLogger, startAdmin } from '@postern/daemon';
import { type FolderReport, openStore, type StoreSource } from '@postern/resources';
import { Registry } from 'prom-client';
import { privateLinkKinds } from './kinds/index.ts';
import { type ClusterOptions, leadAndRun } from './lead-and-run.ts';
import type { Controller } from './reconcile/controller.ts';
import { runTerm, type TermResult } from './run-term.ts';

/** The controller as a daemon: store, log, admin endpoint, graceful end; in a cluster, leadership before all that. */

export interface RunOptions {
  readonly source: StoreSource;
  readonly cluster: ClusterOptions;
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

export type Log = ReturnType<typeof createLogger>;

/** What the terms of one process share: the admin endpoint shows the metrics of the term that runs. */
export interface Daemon {
  readonly log: Log;
  registry: Registry;
}

export async function runController(options: RunOptions): Promise<RunResult> {
  const log = createLogger({ name: 'privatelink', level: options.logLevel });
  const daemon: Daemon = { log, registry: new Registry() };
  const admin =
    options.admin === undefined
      ? undefined
      : await startAdmin({
          listen: options.admin,
          registry: { contentType: daemon.registry.contentType, metrics: () => daemon.registry.metrics() },
          notReady: () => undefined,
          ...(options.adminToken === undefined ? {} : { token: options.adminToken }),
        });
  if (admin !== undefined) log.info({ admin: `${admin.address.host}:${admin.address.port}` }, 'admin endpoint');
  const timeout = options.once ? AbortSignal.timeout(options.onceTimeoutMs) : undefined;
  const signal = timeout === undefined ? options.signal : AbortSignal.any([options.signal, timeout]);
  try {
    const term =
      options.source.kind === 'files'
        ? await runFiles(options, daemon, signal)
        : await leadAndRun({ ...options, signal }, options.source, daemon);
    if (options.signal.aborted) log.info('stopped');
    return { ...term, timedOut: timeout?.aborted ?? false };
  } finally {
    await admin?.close();
  }
}

async function runFiles(options: RunOptions, daemon: Daemon, signal: AbortSignal): Promise<TermResult> {
  const { source, clock, random, confirmPrune } = options;
  const onReport = reporter(daemon.log);
  const opened = await openStore({
    source,
    kinds: privateLinkKinds,
    clock,
    random,
    mode: 'control',
    confirmPrune,
    onReport,
  });
  try {
    if (confirmPrune)
      daemon.log.warn('--confirm-prune: objects whose files are gone are removed, however many they are');
    return await runTerm({ ...options, signal }, daemon, opened);
  } finally {
    await opened.close();
  }
}

/** Says once what is wrong with a folder, and again when it is something else. */
function reporter(log: Log): (report: FolderReport) => void {
  let last = '';
  return (report) => {
    if (JSON.stringify(report) === last) return;
    last = JSON.stringify(report);
    for (const { file, line, col, path, message, severity } of report.problems)
      log[severity === 'error' ? 'error' : 'warn']({ file, line, col, path }, message);
    if (report.held !== undefined)
      log.warn(
        { objects: report.held.objects },
        `deletions are held: ${report.held.reason}; bring the files back, or start with --confirm-prune`,
      );
  };
}
