/** Sizes are written with binary units (`64KiB`, `256MiB`, `1GiB`) or as a plain number of bytes. */
const units: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** Bytes, or undefined when the text is not a size. `256MB` is refused: it would not say which of two numbers it means. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s?(B|KiB|MiB|GiB|TiB|)$/.exec(text);
  if (match === null) return undefined;
  const bytes = Math.round(Number(match[1]) * units[match[2]!]!);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** For people: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    const size = units[unit]!;
    if (bytes >= size) return `${(bytes / size).toFixed(bytes < 10 * size ? 1 : 0)} ${unit}`;
  }
  return `${bytes} B`;
}
