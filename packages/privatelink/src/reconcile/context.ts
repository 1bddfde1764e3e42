import type { DesiredLink } from '../plan/desired.ts';
import type { KnownIds } from '../plan/next-service.ts';
import type { Observed } from '../plan/observed.ts';
import type { AssociationClient, CustomerClient, HubClient } from '../providers/aws/calls.ts';
import type { Ledger } from './ledger.ts';
import type { HubMemory } from './hub-memory.ts';
import type { LinkLooks } from './shared-looks.ts';

/** What looks and acts need of the world, for one link in one pass. */
export interface LinkContext {
  readonly desired: DesiredLink;
  readonly known: KnownIds;
  /** Clients are made when first needed: removing the hub's half must not need the customer's credentials. */
  readonly customer: () => Promise<CustomerClient>;
  readonly hub: () => Promise<HubClient>;
  /** Changes with the hub's credentials: what is remembered of one account must not be said of another. */
  readonly hubName: () => Promise<string>;
  readonly association: (secretName: string, region: string) => Promise<AssociationClient>;
  readonly ledger: Ledger;
  readonly memory: HubMemory;
  /** Where it is enough to know that all is well; undefined: every look is the link's own. */
  readonly shared?: LinkLooks;
  readonly probe: (host: string, probe: NonNullable<DesiredLink['probe']>, signal: AbortSignal) => Promise<Reachable>;
  /** Different for every object and every life of it: client tokens are made of it. */
  readonly tokenSeed: string;
  /** How many links of this object were removed before. */
  readonly epoch: number;
  readonly signal: AbortSignal;
}

export interface Reachable {
  readonly ok: boolean;
  readonly detail: string;
}

/** What a look or an act changes in what is known. */
export type Update = (observed: Observed) => Observed;

/** A part that must be looked at again. */
export function forget(observed: Observed, ...parts: ReadonlyArray<keyof Observed>): Observed {
  const rest: { -readonly [Key in keyof Observed]: Observed[Key] } = { ...observed };
  for (const part of parts) delete rest[part];
  return rest;
}

/** Notes an optional permission that turned out to be missing; the link does without. */
export function withMissing(observed: Observed, action: string): Observed {
  return { ...observed, missingPermissions: [...new Set([...(observed.missingPermissions ?? []), action])] };
}
