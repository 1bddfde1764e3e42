import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { PosternError } from '@postern/core';
import {
  ClusterEditor,
  installCrds,
  isStatus,
  KubeApi,
  KubeUnreachable,
  lead,
  openStore,
  type StoreSource,
} from '@postern/resources';
import { component } from './component.ts';
import { hiveConfigKind, hiveConfigName, type HiveConfigSpec, privateLinkKinds } from './kinds/index.ts';
import type { Daemon, RunOptions } from './run-controller.ts';
import { runTerm, type TermResult } from './run-term.ts';

/** The controller in a cluster: the kinds are there, Hive's own controller is off, one leads and the others stand by. */

export interface ClusterOptions {
  /** Makes the definitions that are missing, where this account may. */
  readonly installCrds: boolean;
  /** Starts although Hive's own controller may be at work too. */
  readonly takeOver: boolean;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  readonly leaseDurationMs: number;
}

const unreachableRetryMs = 2000;
/** Hive's name for its controller, in `spec.disabledControllers`. */
const hivesController = 'awsprivatelink';

export async function leadAndRun(
  options: RunOptions,
  source: Extract<StoreSource, { kind: 'cluster' }>,
  daemon: Daemon,
): Promise<TermResult> {
  const { clock, random, signal, cluster } = options;
  const { log } = daemon;
  const api = await KubeApi.open(source);
  await prepareKinds(options, api, daemon);
  await refuseBesideHive(api, cluster.takeOver, daemon);
  const identity = `${hostname()}_${randomUUID()}`;
  let last: TermResult = { verdicts: [], report: { problems: [], held: undefined } };
  while (!signal.aborted) {
    const leadership = await lead(
      {
        api,
        clock,
        random,
        namespace: cluster.leaseNamespace,
        name: cluster.leaseName,
        identity,
        durationMs: cluster.leaseDurationMs,
        onWait: (holder) => log.info({ holder, lease: cluster.leaseName }, 'standing by: another controller leads'),
        onTrouble: (error) => log.warn({ error }, 'trouble with the lease; trying again'),
      },
      signal,
    ).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (leadership === undefined) break;
    log.info({ identity, lease: cluster.leaseName }, 'leading');
    const term = AbortSignal.any([signal, leadership.lost]);
    try {
      const opened = await openStore({
        source,
        kinds: privateLinkKinds,
        clock,
        random,
        mode: 'control',
        cluster: {
          component,
          instance: identity,
          guard: leadership.assert,
          onTrouble: (kind, error) => log.warn({ kind, error }, 'a watch was interrupted; it goes on'),
        },
        signal: term,
      });
      const missing = opened.missingKinds();
      if (missing.length > 0)
        log.warn(
          { missing },
          'the cluster lacks kinds; they are looked for again and again ("postern privatelink crds")',
        );
      try {
        last = await runTerm({ ...options, signal: term }, daemon, opened, leadership.assert);
      } finally {
        await opened.close();
      }
    } catch (error) {
      if (term.aborted) continue;
      // The API server went away between the lease and the first list: that passes, and the next term begins with the same wait.
      if (options.once || !(error instanceof KubeUnreachable || isStatus(error, 429, 500, 502, 503, 504))) throw error;
      log.warn({ error }, 'the cluster does not answer; trying again');
      await clock.sleep(unreachableRetryMs, signal).catch(() => {});
    } finally {
      await leadership.release();
    }
    if (options.once && !leadership.lost.aborted) break;
    if (!signal.aborted) log.warn('the lease was lost; all work has stopped; standing by again');
  }
  return last;
}

async function prepareKinds(options: RunOptions, api: KubeApi, { log }: Daemon): Promise<void> {
  const { clock, signal, cluster } = options;
  if (!cluster.installCrds) return;
  const reports = await installCrds(api, privateLinkKinds, clock, signal);
  for (const { name, outcome } of reports)
    if (outcome === 'made' || outcome === 'updated') log.info({ definition: name }, `the definition was ${outcome}`);
  const missing = reports.filter(({ outcome }) => outcome === 'missing').map(({ name }) => name);
  if (missing.length > 0)
    throw new PosternError(
      'CRDS_MISSING',
      `the cluster lacks ${missing.join(', ')}, and this account may not make them`,
      {
        hint: 'postern privatelink crds | kubectl apply --server-side -f -',
        exitCode: 2,
      },
    );
}

/** Two controllers over one set of links undo each other's work: Hive's must be off, or the operator must say that he knows. */
async function refuseBesideHive(api: KubeApi, takeOver: boolean, { log }: Daemon): Promise<void> {
  const config = await new ClusterEditor(api).read(hiveConfigKind as never, { namespace: '', name: hiveConfigName });
  if (config === undefined) return;
  const disabled = (config['spec'] as HiveConfigSpec | undefined)?.disabledControllers ?? [];
  if (disabled.includes(hivesController)) return;
  const what = `HiveConfig/${hiveConfigName} does not list ${hivesController} in spec.disabledControllers, so Hive's own controller may be at work`;
  if (takeOver) return log.warn(`${what}; taking over all the same`);
  throw new PosternError('HIVE_AT_WORK', what, {
    hint: `kubectl patch hiveconfig ${hiveConfigName} --type merge -p '{"spec":{"disabledControllers":["${hivesController}"]}}' (beside what is listed there), or start with --take-over`,
    exitCode: 2,
  });
}
