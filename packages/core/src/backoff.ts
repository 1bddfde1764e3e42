/** Exponential backoff with full jitter: attempt n waits a random time in [min/2, min(max, min * 2^n)). */
export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Milliseconds before attempt `attempt` (0 is the first retry). Jitter is "full" (AWS Architecture Blog, "Exponential
 * Backoff And Jitter"): a server that comes back sees its peers spread over the whole interval and not in a herd.
 * @param random a number in [0, 1), passed in because this folder holds no randomness
 */
export function backoffMs(attempt: number, { minMs, maxMs }: BackoffOptions, random: number): number {
  const ceilingMs = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  const floorMs = Math.min(minMs / 2, ceilingMs);
  return floorMs + random * (ceilingMs - floorMs);
}
