import type { Clock } from '@postern/core';
import type { Observed } from '../plan/observed.ts';
import type { WaitFor } from '../plan/steps.ts';
import { pauseMs, type WaitRule, waitRules } from '../plan/waits.ts';
import { forget } from './context.ts';
import type { Verdict } from './hooks.ts';
import { type Retry, retryAfter } from './retry.ts';

/**
 * What the controller remembers of a link between passes. All of it may be lost at any moment: it saves calls and paces
 * retries, and decides nothing.
 */

interface Entry {
  print: string;
  verdict: Verdict | undefined;
  nextAtMs: number;
  failures: number;
  wait: { readonly for: WaitFor; readonly sinceMs: number; readonly attempts: number } | undefined;
  seen: { readonly observed: Observed; readonly atMs: number } | undefined;
  actedAtMs: number;
}

/** What was seen before a short wait still holds after it; after this long everything is looked at again. */
const seenMs = 60_000;

/** What a wait is about, hence what must be looked at again after it. */
const waitedPart: Readonly<Record<WaitFor, ReadonlyArray<keyof Observed>>> = {
  'load-balancer-to-exist': ['loadBalancer'],
  'load-balancer-to-be-active': ['loadBalancer'],
  'service-to-be-available': ['services'],
  'service-to-be-visible': ['serviceZones'],
  'endpoint-to-be-available': ['endpoints', 'addresses'],
  'endpoint-to-have-dns': ['endpoints', 'addresses'],
  'endpoint-to-be-gone': ['endpoints'],
  'service-to-be-gone': ['services', 'connections'],
  'host-to-be-reachable': ['reachable'],
};

export class LinkMemory {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  #entry(id: string): Entry {
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      entry = {
        print: '',
        verdict: undefined,
        nextAtMs: 0,
        failures: 0,
        wait: undefined,
        seen: undefined,
        actedAtMs: Number.NEGATIVE_INFINITY,
      };
      this.#entries.set(id, entry);
    }
    return entry;
  }

  drop(id: string): void {
    this.#entries.delete(id);
  }

  /** The last verdict while nothing has changed and its time has not come. */
  verdictIfFresh(id: string, print: string): Verdict | undefined {
    const { verdict, nextAtMs, print: known } = this.#entry(id);
    const leftMs = nextAtMs - this.#clock.monotonic();
    if (verdict === undefined || known !== print || leftMs <= 0) return undefined;
    return { ...verdict, afterMs: Math.ceil(leftMs) };
  }

  remember(id: string, print: string, verdict: Verdict): void {
    if (verdict.state === 'gone') return this.drop(id);
    const entry = this.#entry(id);
    entry.print = print;
    entry.verdict = verdict;
    entry.nextAtMs = this.#clock.monotonic() + (verdict.afterMs ?? Number.POSITIVE_INFINITY);
  }

  acted(id: string): void {
    this.#entry(id).actedAtMs = this.#clock.monotonic();
  }

  /** When this link was last changed, by the monotonic clock: what was seen before says nothing about it any more. */
  actedAtMs(id: string): number {
    return this.#entry(id).actedAtMs;
  }

  /** Whether a wait is under way. */
  isWaiting(id: string): boolean {
    return this.#entry(id).wait !== undefined;
  }

  /** What was seen before the wait, without what was waited for. */
  resume(id: string, print: string): Observed {
    const entry = this.#entry(id);
    const { seen, wait } = entry;
    if (entry.print !== print) {
      entry.failures = 0;
      entry.wait = undefined;
      entry.seen = undefined;
      return {};
    }
    if (seen === undefined || wait === undefined || this.#clock.monotonic() - seen.atMs > seenMs) return {};
    return forget(seen.observed, ...waitedPart[wait.for]);
  }

  waiting(
    id: string,
    what: WaitFor,
    print: string,
    observed: Observed,
  ): { readonly afterMs: number; readonly tooLong: boolean; readonly rule: WaitRule } {
    const entry = this.#entry(id);
    const now = this.#clock.monotonic();
    const same = entry.print === print && entry.wait?.for === what ? entry.wait : undefined;
    const wait = { for: what, sinceMs: same?.sinceMs ?? now, attempts: (same?.attempts ?? -1) + 1 };
    const rule = waitRules[what];
    entry.print = print;
    entry.wait = wait;
    entry.failures = 0;
    // The age of what was seen first: a chain of waits must not keep it alive for ever.
    const atMs =
      same !== undefined && entry.seen !== undefined && now - entry.seen.atMs <= seenMs ? entry.seen.atMs : now;
    entry.seen = { observed, atMs };
    return {
      afterMs: pauseMs(rule, wait.attempts, this.#random()),
      tooLong: now - wait.sinceMs > rule.failAfterMs,
      rule,
    };
  }

  failed(id: string, error: unknown): Retry & { readonly failures: number } {
    const entry = this.#entry(id);
    entry.seen = undefined;
    const retry = retryAfter(error, entry.failures, this.#random());
    entry.failures++;
    return { ...retry, failures: entry.failures };
  }

  succeeded(id: string): void {
    const entry = this.#entry(id);
    entry.failures = 0;
    entry.wait = undefined;
    entry.seen = undefined;
  }

  forgetPlan(id: string): void {
    const entry = this.#entry(id);
    entry.seen = undefined;
    entry.print = '';
  }
}
