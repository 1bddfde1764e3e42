/** The shape of a conformance case, and what it is given. Cases know no target: they run as they are wherever there is an AWS. */
import type { Clients } from './clients.ts';

export interface Stage {
  /** Two accounts; where a target has only one, cases that need `b` are skipped there. */
  readonly a: Clients;
  readonly b: Clients;
  readonly accountA: string;
  readonly accountB: string;
  /** A name nobody else has. */
  name(prefix: string): string;
  /** Undone at the end, last first, also when the case fails. */
  cleanup(undo: () => Promise<unknown>): void;
  /** Waits for what AWS does in its own time; targets differ in how long that is. */
  eventually<T>(what: string, probe: () => Promise<T>): Promise<NonNullable<T>>;
}

export interface Case {
  readonly name: string;
  /** Why moto cannot run it. */
  readonly motoLacks?: string;
  /** It needs a second account. */
  readonly twoAccounts?: true;
  readonly run: (stage: Stage) => Promise<void>;
}
