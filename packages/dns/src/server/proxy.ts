/** The running proxy: sockets, the current resolver, reloads, resolv.conf, and the end in good order. */
import type { PlainLogger } from '@postern/daemon/log-lines';
import { errorMessage } from '@postern/core/errors';
import { newCounters } from '../resolver/metrics.ts';
import { Resolver } from '../resolver/resolver.ts';
import { patienceMs } from '../resolver/deadlines.ts';
import { listenBoth } from './listen.ts';
import type { Plan } from './plan.ts';
import { Readiness } from './ready.ts';
import { restoreFile, rewriteFile } from './resolv-conf-file.ts';

/** On SIGTERM open questions get this long: a pod that ends sends few, and kubelet waits 30 s. */
const drainMs = Math.min(2000, patienceMs);
const drainLookMs = 20;

const nowMs = (): number => performance.now();

export interface ProxyOptions {
  readonly plan: Plan;
  readonly log: PlainLogger;
  /** The first abort drains and ends. */
  readonly signal: AbortSignal;
  /** Calls back with a new plan whenever there is one. */
  readonly onNewPlan: (use: (plan: Plan) => void) => void;
}

/** Resolves when it has ended. */
export async function runProxy({ plan, log, signal, onNewPlan }: ProxyOptions): Promise<void> {
  const counters = newCounters();
  let resolver = new Resolver(plan, nowMs, counters);
  let ready: Readiness | undefined;
  const listener = await listenBoth(
    plan.listen,
    (message, transport, respond) =>
      ready?.takes(message, respond) === true || resolver.handle(message, transport, respond),
  );
  const place = `${listener.address.host.includes(':') ? `[${listener.address.host}]` : listener.address.host}:${listener.address.port}`;
  let restore = (): void => {};
  let admin: { readonly address: { readonly host: string; readonly port: number }; close(): Promise<void> } | undefined;
  try {
    if (plan.admin !== undefined) {
      const { startDnsAdmin } = await import('./admin.ts');
      ready = new Readiness(
        listener.address,
        () => resolver,
        nowMs,
        () => log.info('an upstream answers'),
      );
      admin = await startDnsAdmin(plan, plan.admin, { counters, current: () => resolver, ready });
      ready.start(signal);
    }
    if (plan.resolvConf !== undefined) restore = rewriteUntilExit(plan.resolvConf, log);
  } catch (error) {
    await Promise.all([listener.close(), admin?.close()]);
    throw error;
  }
  for (const warning of plan.warnings) log.warn(warning);
  // Before it says that it is ready: a change from then on is seen.
  onNewPlan((next) => {
    if (signal.aborted) return;
    const fixed = ({ listen, admin, resolvConf }: Plan): string => JSON.stringify([listen, admin, resolvConf]);
    if (fixed(next) !== fixed(plan)) log.warn('listen, admin and resolvConf stay as they are until the next start');
    const old = resolver;
    resolver = new Resolver(next, nowMs, counters);
    old.retire();
    log.info(
      { routes: next.routes.length, upstreams: resolver.upstreams.upstreams.map((u) => u.name) },
      'configuration reloaded',
    );
  });
  log.info(
    {
      listen: place,
      ...(admin === undefined ? {} : { admin: `${admin.address.host}:${admin.address.port}` }),
      upstreams: resolver.upstreams.upstreams.map((upstream) => upstream.name),
      routes: plan.routes.length,
    },
    'ready',
  );

  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  restore();
  await drained(() => resolver);
  await Promise.all([listener.close(), admin?.close()]);
  resolver.retire();
  log.info('stopped');
}

/** However the process ends, but for SIGKILL: the file must not name a proxy that is gone. Returns what restores it now. */
function rewriteUntilExit(file: NonNullable<Plan['resolvConf']>, log: PlainLogger): () => void {
  rewriteFile(file);
  const restore = (): void => {
    process.off('exit', restore);
    try {
      if (restoreFile(file) === 'restored') log.info({ file: file.path }, 'restored');
      else log.warn({ file: file.path }, 'somebody else has written the file since; it stays as it is');
    } catch (error) {
      log.error(
        { file: file.path, reason: errorMessage(error) },
        'could not restore the file; the original is in its comments',
      );
    }
  };
  process.on('exit', restore);
  return restore;
}

async function drained(current: () => Resolver): Promise<void> {
  const untilMs = nowMs() + drainMs;
  while (nowMs() < untilMs && current().busy > 0) await new Promise((resolve) => setTimeout(resolve, drainLookMs));
}
