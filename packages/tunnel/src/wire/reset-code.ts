/** Why a connection ended before its time: the numbers and meanings of `ResetCode` in tunnel.proto. */
export const resetCodes = {
  UNSPECIFIED: 0,
  ABORTED: 1,
  DENIED: 2,
  DENIED_BY_AGENT: 3,
  REFUSED: 4,
  UNREACHABLE: 5,
  NAME_UNKNOWN: 6,
  DIAL_TIMEOUT: 7,
  NO_AGENT: 8,
  SESSION_ENDED: 9,
  DRAINING: 10,
  IDLE_TIMEOUT: 11,
  LIMIT: 12,
  INTERNAL: 13,
} as const;

export type ResetCode = keyof typeof resetCodes;

const names = new Map<number, ResetCode>(
  Object.entries(resetCodes).map(([name, number]) => [number, name as ResetCode]),
);

/** The name of a number from a peer; a newer peer's unknown number is UNSPECIFIED. */
export function resetCodeName(number: number): ResetCode {
  return names.get(number) ?? 'UNSPECIFIED';
}

/** Codes that promise that nothing was dialled: another agent may be asked. */
export const dialDidNotBegin: ReadonlySet<ResetCode> = new Set(['DRAINING', 'LIMIT']);
