/** The whole state of the simulator, and the clock and randomness it is given. */
import { Journal } from '../control/journal.ts';
import { Rules } from '../control/rules.ts';
import { type Quotas, defaultQuotas } from './quotas.ts';
import { type Kind, kinds, type Stored } from './kind.ts';

export interface WorldOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Bytes nobody can guess; a seeded source makes a run repeatable. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** What a client token made, so that the same request again makes nothing new. */
export interface Remembered {
  readonly input: string;
  readonly id: string;
}

export class World {
  readonly rules = new Rules();
  readonly journal = new Journal();
  quotas: Quotas = { ...defaultQuotas };
  /** Zone names an account sees in place of the region's own order: account -> { 'us-east-1a': 'use1-az3' }. */
  zoneIds = new Map<string, Readonly<Record<string, string>>>();
  /** The API server that every EKS cluster names as its own; undefined: a name that resolves nowhere. */
  apiServer: { readonly endpoint: string; readonly certificateAuthority?: string } | undefined;
  readonly remembered = new Map<string, Remembered>();
  /** What each page token still has to give. */
  readonly pageTokens = new Map<string, readonly string[]>();
  readonly #options: WorldOptions;
  readonly #tables = new Map<string, Map<string, Stored>>();
  readonly #pending = new Map<Stored, Kind<Stored>>();
  #skewMs = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  now(): number {
    return this.#options.now() + this.#skewMs;
  }

  /** Lets time pass without waiting for it. */
  advance(ms: number): void {
    this.#skewMs += ms;
    this.settle();
  }

  hex(digits: number): string {
    const bytes = this.#options.randomBytes(Math.ceil(digits / 2));
    return Buffer.from(bytes).toString('hex').slice(0, digits);
  }

  /** An id as EC2 makes them: `vpc-0` and sixteen hexadecimal digits. */
  id(prefix: string): string {
    return `${prefix}-0${this.hex(16)}`;
  }

  table<T extends Stored>(name: string): Map<string, T> {
    let table = this.#tables.get(name);
    if (table === undefined) this.#tables.set(name, (table = new Map()));
    return table as Map<string, T>;
  }

  tableNames(): string[] {
    return [...this.#tables.keys()].toSorted();
  }

  /** Whether a route's target is there: `local`, or any record of that id that has not ended. */
  targetExists(id: string): boolean {
    if (id === 'local') return true;
    for (const table of this.#tables.values()) {
      const record = table.get(id);
      if (record !== undefined) return !/^(deleted|deleting|rejected|failed|expired)$/.test(record.state ?? '');
    }
    return false;
  }

  watch(kind: Kind<Stored>, record: Stored): void {
    if (record.next !== undefined) this.#pending.set(record, kind);
  }

  unwatch(record: Stored): void {
    this.#pending.delete(record);
  }

  /** Carries out every change of state that is due. */
  settle(): void {
    const now = this.now();
    for (const [record, kind] of this.#pending) {
      while (record.next?.[0] !== undefined && record.next[0].atMs <= now) {
        const { state } = record.next.shift()!;
        if (state === 'gone') kind.remove(this, record.id);
        else record.state = state;
        kind.options.entered?.(this, record, state);
      }
      if (record.next?.length === 0) delete record.next;
      if (record.next === undefined) this.#pending.delete(record);
    }
  }

  /** An empty world again, with no rules and an empty journal. */
  reset(): void {
    this.#tables.clear();
    this.#pending.clear();
    this.remembered.clear();
    this.pageTokens.clear();
    this.rules.clear();
    this.journal.clear();
    this.zoneIds.clear();
    this.apiServer = undefined;
    this.quotas = { ...defaultQuotas };
  }

  /** Takes back what `GET /_postern/state` or a state file holds. */
  restore(kindName: string, record: Stored): void {
    const kind = kinds.get(kindName);
    if (kind === undefined) this.table(kindName).set(record.id, record);
    else kind.put(this, record);
  }
}
