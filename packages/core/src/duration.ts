/** Durations are written as Go and Prometheus write them: `250ms`, `90s`, `15m`, `1h30m`, `24h`, `30d`. */
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Ten years: anything longer is a slip, and still far below the 2^53 ms where sums would lose precision. */
export const durationMsMax = 3650 * 86_400_000;

/** Milliseconds, or undefined when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text) || text.length > 64) return undefined;
  let totalMs = 0;
  for (const [, number, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d)/g))
    totalMs += Number(number) * unitMs[unit!]!;
  return totalMs <= durationMsMax ? totalMs : undefined;
}

/** The shortest exact spelling: 90000 -> `1m30s`, 250 -> `250ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.round(ms);
  let text = '';
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    const n = Math.floor(rest / size);
    if (n > 0) text += `${n}${unit}`;
    rest -= n * size;
  }
  return text;
}
