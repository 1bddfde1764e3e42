import { IssueRefusal } from './refusal.ts';

/** What clocks of well-kept machines differ by at most. */
const leewayMs = 60_000;
/** A proof is made for one call; what lives longer is worth stealing. */
const lifetimeSecondsMax = 300;

/** Checks when a token was made and when it ends; a refusal says by how much the peer's clock is off. */
export function checkTimes(
  { iat, exp, nbf = iat }: { iat: number; exp: number; nbf?: number | undefined },
  nowMs: number,
  known: { identity: string; keyId: string },
): void {
  if (!(exp > iat) || exp - iat > lifetimeSecondsMax)
    throw new IssueRefusal('TOKEN_LIFETIME', `a proof may live at most ${lifetimeSecondsMax} s`, known);
  const aheadMs = Math.max(iat, nbf) * 1000 - nowMs;
  const measured = { ...known, why: `iat is ${Math.round(iat - nowMs / 1000)} s from now` };
  if (aheadMs > leewayMs)
    throw new IssueRefusal(
      'CLOCK_SKEW',
      `the clock of this machine is off by about ${about(aheadMs)} (it is ahead of the server's): set it, for example with NTP`,
      measured,
    );
  if (exp * 1000 + leewayMs <= nowMs)
    throw new IssueRefusal(
      'TOKEN_EXPIRED',
      `the proof has expired; if it was just made, the clock of this machine is off by about ${about(nowMs - iat * 1000)} (it is behind the server's): set it, for example with NTP`,
      measured,
    );
}

/** A length of time in one rounded unit: `45 s`, `12 min`, `1 h`, `3 days`. */
export function about(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 50 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
