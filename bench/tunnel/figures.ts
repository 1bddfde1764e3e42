/** Numbers and the table: no sockets, no clock. */

export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Of an even count, the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[half]!;
  return sorted.length === 0 ? NaN : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Without coordinated omission: a message that took long kept those behind it from being sent. Each that was due meanwhile, one
 * every `interval`, is counted with the time it would have waited.
 */
export function uncoordinated(samples: readonly number[], interval: number): number[] {
  const all: number[] = [];
  for (const sample of samples) {
    all.push(sample);
    if (interval > 0) for (let rest = sample - interval; rest >= interval; rest -= interval) all.push(rest);
  }
  return all;
}

/** `64MiB`, `1GiB`, or plain bytes; undefined when it is none of them. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)?$/.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * 2 ** (10 * ['B', 'KiB', 'MiB', 'GiB'].indexOf(match[2] ?? 'B')));
}

/** Three significant digits, more where the number is longer; `-` for what is not there. */
export function cell(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '-';
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** Lines as wide as their widest cell; the first `left` columns to the left, numbers to the right. */
export function table(lines: readonly (readonly string[])[], left: number): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map((line) => line.map((text, i) => (i < left ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
