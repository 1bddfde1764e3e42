/** Every call, in order: what the tests and the person at the desk look at when they ask "what did it do?". */
export interface Entry {
  readonly seq: number;
  readonly atMs: number;
  readonly account: string;
  readonly principal: string;
  readonly service: string;
  readonly action: string;
  readonly region: string;
  readonly input: unknown;
  readonly status: number;
  /** The code of the refusal, absent where the call was answered. */
  readonly error?: string;
  readonly message?: string;
  readonly requestId: string;
  readonly userAgent?: string;
  /** The rule that had a hand in it. */
  readonly rules?: readonly string[];
  /** False for calls that only look (Describe, Get, List). */
  readonly changes: boolean;
  readonly durationMs: number;
}

export interface Summary {
  readonly last: number;
  readonly calls: number;
  /** Calls that changed something and were not refused. */
  readonly changes: number;
  readonly errors: number;
  readonly byAction: Readonly<Record<string, number>>;
}

/** Old entries go first; a crash-exhaustion suite makes some thousands. */
const entriesMax = 100_000;

export class Journal {
  #entries: Entry[] = [];
  #seq = 0;

  add(entry: Omit<Entry, 'seq'>): Entry {
    const kept = { seq: ++this.#seq, ...entry };
    this.#entries.push(kept);
    // In blocks, so that a full journal does not shift on each call.
    if (this.#entries.length > entriesMax * 1.1) this.#entries = this.#entries.slice(-entriesMax);
    return kept;
  }

  get last(): number {
    return this.#seq;
  }

  entries(wanted: { since?: number; match?: (entry: Entry) => boolean } = {}): readonly Entry[] {
    const { since = 0, match = () => true } = wanted;
    return this.#entries.filter((entry) => entry.seq > since && match(entry));
  }

  /** How many calls of each action, without carrying them all across: a thousand clusters make some ten thousands. */
  summary(wanted: Parameters<Journal['entries']>[0]): Summary {
    const chosen = this.entries(wanted);
    const byAction: Record<string, number> = {};
    for (const { service, action } of chosen)
      byAction[`${service}:${action}`] = (byAction[`${service}:${action}`] ?? 0) + 1;
    return {
      last: this.last,
      calls: chosen.length,
      changes: chosen.filter(({ changes, error }) => changes && error === undefined).length,
      errors: chosen.filter(({ error }) => error !== undefined).length,
      byAction,
    };
  }

  clear(): void {
    this.#entries = [];
    this.#seq = 0;
  }
}
