import { type Clock, UsageError } from '@postern/core';
import { keyOf, keyText, type Store } from '@postern/resources';
import type { AwsPrivateLink, HiveConfigSpec } from '../kinds/hive-config.ts';
import { linkStatusOf } from '../kinds/status.ts';
import { finalizer } from '../plan/names.ts';
import { AwsClients, type CallObserver } from '../providers/aws/clients.ts';
import { Accounts } from '../reconcile/accounts.ts';
import { linkKindOf, linkResources } from '../reconcile/link-kinds.ts';
import { prepare } from '../reconcile/prepare.ts';
import type { HiveHome } from './home.ts';
import type { Patience } from './patient.ts';
import { act } from './act.ts';
import type { ActContext } from './act.ts';
import type { PlumbingPlan } from './plan/steps.ts';
import { runPlan, type RunHooks } from './run.ts';

/** What the commands that prepare VPCs have in common. */

export interface PlumbingOptions {
  readonly home: HiveHome;
  readonly awsEndpoint?: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly observer?: CallObserver;
}

/** Long enough to delete a peering and some routes; a person who pressed Ctrl-C waits no longer for the way back. */
const undoMs = 3 * 60_000;

export interface Plumbing {
  readonly accounts: Accounts;
  readonly clients: AwsClients;
  readonly patience: Patience;
}

export async function withPlumbing<T>(options: PlumbingOptions, work: (plumbing: Plumbing) => Promise<T>): Promise<T> {
  const { home, awsEndpoint, clock, random, signal, observer } = options;
  const observing = observer === undefined ? {} : { observer };
  const clients = new AwsClients({ clock, random, endpoint: awsEndpoint, ...observing });
  try {
    return await work({
      clients,
      accounts: new Accounts(clients, home.store, clock),
      patience: { clock, random, signal },
    });
  } finally {
    clients.close();
  }
}

/** Does a plan, and undoes it where a step fails or the signal comes. */
export async function carryOut(
  plan: PlumbingPlan,
  context: Omit<ActContext, 'patience'>,
  patience: Patience,
  hooks: RunHooks | undefined,
): Promise<void> {
  await runPlan(
    plan,
    async (step) => {
      patience.signal.throwIfAborted();
      await act(step, { ...context, patience });
    },
    (step) => act(step, { ...context, patience: { ...patience, signal: AbortSignal.timeout(undoMs) } }),
    hooks,
  );
}

/** The section, or what to type to have one. */
export function sectionOf(config: HiveConfigSpec | undefined): AwsPrivateLink {
  const section = config?.awsPrivateLink;
  if (section === undefined || section === null)
    throw new UsageError('private links are not enabled: HiveConfig has no spec.awsPrivateLink', {
      hint: 'run "postern privatelink enable" first',
    });
  return section;
}

/** Objects that ask for a link, or of which one may still be there. */
export async function linksIn(store: Store): Promise<string[]> {
  const names: string[] = [];
  for (const resource of await linkResources(store)) {
    const { gate } = await prepare(store, linkKindOf(resource)!, resource);
    const held = resource.metadata.finalizers.includes(finalizer);
    const made = Object.keys(linkStatusOf(resource.status)).length > 0;
    if (held || made || ['link', 'await-provision', 'clean-up', 'clean-up-previous'].includes(gate.kind))
      names.push(keyText(keyOf(resource)));
  }
  return names.toSorted();
}

/** Which object each owner tag stands for. */
export async function ownersIn(store: Store): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  for (const resource of await linkResources(store)) {
    const { gate } = await prepare(store, linkKindOf(resource)!, resource);
    if ('ask' in gate && gate.ask.owner !== undefined) owners.set(gate.ask.owner, keyText(keyOf(resource)));
  }
  return owners;
}
