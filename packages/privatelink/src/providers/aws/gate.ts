import { backoffMs, type Clock } from '@postern/core';
import { AwsError } from './errors.ts';

/**
 * One gate an account and service: when AWS throttles one call, all calls there wait, because AWS counts them together. A
 * short wait is sat out; a longer one goes back to the queue, so that it holds no worker.
 */

const backoff = { minMs: 500, maxMs: 60_000 };
/** Longer than this a worker has better things to do. */
const patienceMs = 1500;

export interface ThrottleGate {
  /** Resolves when a call may be made; throws a throttled `AwsError` when that is too far off. */
  pass(action: string, signal: AbortSignal | undefined): Promise<void>;
  succeeded(): void;
  /** AWS refused: returns how long everybody waits now. */
  throttled(): number;
}

export function throttleGate(clock: Clock, random: () => number): ThrottleGate {
  let openAtMs = 0;
  let refusals = 0;
  return {
    async pass(action, signal) {
      const waitMs = openAtMs - clock.monotonic();
      if (waitMs <= 0) return;
      if (waitMs > patienceMs)
        throw new AwsError(action, 'Throttling', 'the account is backing off', { retryAfterMs: Math.ceil(waitMs) });
      // Spread: all who waited would otherwise call in the same instant.
      await clock.sleep(waitMs + random() * 200, signal);
    },
    succeeded() {
      if (clock.monotonic() >= openAtMs) refusals = 0;
    },
    throttled() {
      const now = clock.monotonic();
      // Calls that were on their way when the gate closed are one refusal, not many.
      if (openAtMs <= now) openAtMs = now + backoffMs(refusals++, backoff, random());
      return Math.ceil(openAtMs - now);
    },
  };
}
