import { backoffMs } from '@postern/core';
import { AwsError } from '../providers/aws/errors.ts';
import { CredentialsError } from '../providers/aws/credentials.ts';
import { MoveError } from './moves.ts';

/** When to look again after a failure: decided by what kind of failure it is. */

/** Something that passes by itself: a broken connection, AWS's bad minute. */
const passing = { minMs: 1000, maxMs: 5 * 60_000 };
/** Something a person must change, often outside our sight (an IAM policy). Hive waits 1,000 s at once (HIVE-1895). */
const standing = { minMs: 10_000, maxMs: 1_000_000 };

export interface Retry {
  readonly afterMs: number;
  /** The trouble passes by itself: `--once` tries again. */
  readonly passing: boolean;
}

export function retryAfter(error: unknown, failures: number, random: number): Retry {
  const cause = error instanceof MoveError ? error.cause : error;
  if (cause instanceof AwsError) {
    if (cause.kind === 'throttled') return { afterMs: (cause.retryAfterMs ?? 1000) * (1 + random / 2), passing: true };
    const rule = ['transient', 'busy', 'exists', 'not-found'].includes(cause.kind) ? passing : standing;
    return { afterMs: backoffMs(failures, rule, random), passing: cause.kind === 'transient' || cause.kind === 'busy' };
  }
  const standsStill = cause === undefined || cause instanceof CredentialsError;
  return { afterMs: backoffMs(failures, standsStill ? standing : passing, random), passing: !standsStill };
}
