/** When a lease may be taken. PURE. */

export interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

/** A version of the lease, and when it was first seen by the seer's own monotonic clock. */
export interface Sighting {
  readonly spec: LeaseSpec;
  readonly resourceVersion: string;
  readonly atMs: number;
}

/** As the holder promised it; a lease that says nothing is as good as run out after this. */
const durationMsDefault = 15_000;

export function durationOf({ leaseDurationSeconds }: LeaseSpec): number {
  return leaseDurationSeconds === undefined || leaseDurationSeconds === null
    ? durationMsDefault
    : leaseDurationSeconds * 1000;
}

/** Nobody's, our own, or not renewed for its whole duration since we saw its last renewal. */
export function isFree(seen: Sighting | undefined, identity: string, nowMs: number): boolean {
  if (seen === undefined) return true;
  const holder = seen.spec.holderIdentity ?? '';
  return holder === '' || holder === identity || nowMs - seen.atMs >= durationOf(seen.spec);
}

/** How long until it may be taken if nothing more is heard of it. */
export function expiresInMs(seen: Sighting | undefined, nowMs: number, atMostMs: number): number {
  if (seen === undefined) return 0;
  return Math.max(1, Math.min(seen.atMs + durationOf(seen.spec) - nowMs, Math.max(atMostMs, 1000)));
}

/** Kubernetes' MicroTime: six digits after the second. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
}
