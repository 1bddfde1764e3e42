import { type Clock, errorMessage } from '@postern/core';
import { keyText, type ObjectKey, type Store } from '@postern/resources';
import { hiveConfigKind, hiveConfigName, privateLinkKinds } from '../kinds/index.ts';
import { AwsClients, type CallObserver } from '../providers/aws/clients.ts';
import { Accounts } from './accounts.ts';
import type { ReconcileHooks, Verdict } from './hooks.ts';
import { HubMemory } from './hub-memory.ts';
import { Ledger } from './ledger.ts';
import { linkKindOf } from './link-kinds.ts';
import type { PassWorld } from './prepare.ts';
import { workQueue } from './queue.ts';
import { Reconciler } from './reconciler.ts';
import { SharedLooks } from './shared-looks.ts';

/** The controller: the store's changes and the queue's times in, looks at objects out. */

export interface ControllerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  /** One URL for all of AWS: the simulator. */
  readonly awsEndpoint?: string | undefined;
  /** Objects looked at side by side; none waits inside, so this bounds calls in flight and little else. */
  readonly workers?: number;
  readonly resyncMs?: number;
  readonly hooks?: ReconcileHooks;
  readonly observer?: CallObserver;
  /** Hears of a defect in one object; the controller goes on with the others. Without it the defect ends the controller. */
  readonly onDefect?: (key: ObjectKey, error: unknown) => void;
}

const workersDefault = 10;
/** Drift is found within this; Hive looks every two hours. Ten reads a link in ten minutes stay far below AWS's rates. */
export const resyncDefaultMs = 10 * 60_000;
/** Drift is found later by this much at most, so that the links of one account share one list. */
const sharedAgeMsMax = 5 * 60_000;
/** A defect in one object's handling: look again, not at once. */
const defectRetryMs = 60_000;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #clients: AwsClients;
  readonly world: PassWorld;
  readonly #verdicts = new Map<string, { readonly key: ObjectKey; readonly verdict: Verdict }>();

  constructor(options: ControllerOptions) {
    const { clock, random, store, awsEndpoint, observer } = options;
    this.#options = options;
    const observing = observer === undefined ? {} : { observer };
    this.#clients = new AwsClients({ clock, random, endpoint: awsEndpoint, ...observing });
    const accounts = new Accounts(this.#clients, store, clock);
    const { resyncMs = resyncDefaultMs } = options;
    const shared = new SharedLooks(clock, Math.min(sharedAgeMsMax, resyncMs / 2));
    this.world = { store, accounts, ledger: new Ledger(clock), memory: new HubMemory(clock), shared };
  }

  /** Where every object stands, as of its last look. */
  verdicts(): ReadonlyArray<{ readonly key: ObjectKey; readonly verdict: Verdict }> {
    return [...this.#verdicts.values()];
  }

  /** Runs until the signal; with `once` until nothing more comes of waiting. */
  async run(signal: AbortSignal, once = false): Promise<void> {
    const { store, clock, workers = workersDefault, random, resyncMs = resyncDefaultMs, hooks = {} } = this.#options;
    const stop = new AbortController();
    const ended = AbortSignal.any([signal, stop.signal]);
    const reconciler = new Reconciler({ world: this.world, clock, random, resyncMs, hooks, signal: ended });
    const queue = workQueue(clock);
    const keys = new Map<string, ObjectKey>();
    const unseen = new Set<string>();
    /** Being looked at: no verdict yet, or one that is being made anew. */
    const looking = new Set<string>();
    const onChange = (key: ObjectKey): void => {
      if (linkKindOf(key) === undefined) {
        // A configuration, a Secret or a provision may matter to any link; a link to which it does not costs no call.
        for (const id of keys.keys()) queue.add(id);
        return;
      }
      keys.set(keyText(key), key);
      unseen.add(keyText(key));
      queue.add(keyText(key));
    };
    const look = async (id: string): Promise<number | undefined> => {
      unseen.delete(id);
      const key = keys.get(id);
      if (key === undefined) return undefined; // gone, and looked at once more for its own last event
      looking.add(id);
      const verdict = await this.#look(reconciler, key, ended);
      looking.delete(id);
      if (verdict === undefined) return undefined;
      if (verdict.state === 'gone') {
        if (!unseen.has(id)) keys.delete(id);
        this.#verdicts.delete(id);
      } else this.#verdicts.set(id, { key, verdict });
      const allSeen = unseen.size === 0 && looking.size === 0;
      if (once && allSeen && [...this.#verdicts.values()].every(({ verdict }) => verdict.settled)) stop.abort();
      return verdict.afterMs;
    };
    const watching = store.watch(privateLinkKinds, onChange, ended);
    if (once && keys.size === 0) stop.abort();
    try {
      await queue.run(workers, look, ended);
    } finally {
      stop.abort();
      await watching;
    }
  }

  async #look(reconciler: Reconciler, key: ObjectKey, signal: AbortSignal): Promise<Verdict | undefined> {
    try {
      return await reconciler.reconcile(key);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (this.#options.onDefect === undefined) throw error;
      this.#options.onDefect(key, error);
      return {
        state: 'failed',
        reason: 'InternalError',
        message: errorMessage(error),
        afterMs: defectRetryMs,
        settled: true,
      };
    }
  }

  /** How many endpoints each VPC holds at most: the configured number, or the one at which AWS refused. */
  async quotas(): Promise<ReadonlyMap<string, number>> {
    const config = await this.#options.store.get(hiveConfigKind, { namespace: '', name: hiveConfigName });
    const quotas = new Map<string, number>();
    for (const { vpcId, quota } of this.world.ledger.all()) if (quota !== undefined) quotas.set(vpcId, quota);
    for (const { vpcID, endpointQuota } of config?.spec.awsPrivateLink?.endpointVPCInventory ?? [])
      if (endpointQuota !== undefined) quotas.set(vpcID, Math.min(endpointQuota, quotas.get(vpcID) ?? endpointQuota));
    return quotas;
  }

  close(): void {
    this.#clients.close();
  }
}
