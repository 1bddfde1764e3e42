/** Time as an argument. `now` is milliseconds since 1970 (wall), `monotonic` milliseconds that never go back. */
export interface Clock {
  now(): number;
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
