import { backoffMs } from '@postern/core';
import { AwsError } from '../providers/aws/errors.ts';
import { CredentialsError } from '../providers/aws/credentials.ts';
import { MoveError } from './moves.ts';

/** When to look again after a failure: decided by what kind of failure it is. */

/** Something that passes by itself: a broken connection, AWS's bad minute. */
const passing = { minMs: 1000, maxMs: 5 * 60_000 };
/** Something a person must change, often outside our sight (an IAM policy). Hive waits 1,000 s at once (HIVE-1895). */
const standing = { minMs: 10_000, maxMs: 1_000_000 };

/** What was made a moment ago may not be found for some seconds; what is not found after this many tries is not there. */
const youngFailuresMax = 6;

/** Trouble that passes by itself: AWS's bad minute, something in the way, something too young to be seen everywhere. */
export function isPassing(error: AwsError): boolean {
  if (error.kind === 'not-found') return /VpcEndpoint|HostedZone|InvalidServiceName/.test(error.awsCode);
  return ['throttled', 'transient', 'busy', 'exists'].includes(error.kind);
}

export interface Retry {
  readonly afterMs: number;
  /** The trouble passes by itself: `--once` tries again. */
  readonly passing: boolean;
}

export function retryAfter(error: unknown, failures: number, random: number): Retry {
  const cause = error instanceof MoveError ? error.cause : error;
  if (cause instanceof AwsError) {
    if (cause.kind === 'throttled') return { afterMs: (cause.retryAfterMs ?? 1000) * (1 + random / 2), passing: true };
    const passes =
      isPassing(cause) && (cause.kind === 'transient' || cause.kind === 'busy' || failures < youngFailuresMax);
    return { afterMs: backoffMs(failures, passes ? passing : standing, random), passing: passes };
  }
  const standsStill = cause === undefined || cause instanceof CredentialsError;
  return { afterMs: backoffMs(failures, standsStill ? standing : passing, random), passing: !standsStill };
}
