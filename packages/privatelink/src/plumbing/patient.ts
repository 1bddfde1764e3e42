import { backoffMs, type Clock } from '@postern/core';
import { AwsError } from '../providers/aws/errors.ts';

/** Tries a call again while the trouble is of the kind that passes: a command has no queue to come back to. */

const triesMax = 6;
const backoff = { minMs: 500, maxMs: 15_000 };

export interface Patience {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/**
 * @param done codes that mean, on a second try, that the first one was done and only its answer was lost
 * @returns undefined where such a code came
 */
export async function patiently<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { clock, random, signal }: Patience,
  done: readonly string[] = [],
): Promise<T | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await call(signal);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      if (tries > 1 && done.includes(error.awsCode)) return undefined;
      if (!['throttled', 'transient'].includes(error.kind) || tries === triesMax) throw error;
      await clock.sleep(error.retryAfterMs ?? backoffMs(tries - 1, backoff, random()), signal);
    }
  }
}
