import { Option } from 'commander';
import { stringify } from 'yaml';

export type OutputFormat = 'table' | 'json' | 'yaml';

/** `-o json|yaml|table`, wherever something is listed. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(['table', 'json', 'yaml']).default('table');
}

/** Prints rows as an aligned table for people, or as JSON or YAML for programs (the whole objects, not just the columns). */
export function printList<T extends object>(
  rows: readonly T[],
  columns: Readonly<Record<string, (row: T) => string | number>>,
  format: OutputFormat,
): void {
  if (format === 'json') process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else if (format === 'yaml') process.stdout.write(stringify(rows));
  else process.stdout.write(table(rows, columns));
}

/** Prints one object: as JSON or YAML, or through `human`. */
export function printObject(value: object, format: OutputFormat, human: () => string): void {
  if (format === 'json') process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  else if (format === 'yaml') process.stdout.write(stringify(value));
  else process.stdout.write(human());
}

/** Columns two spaces apart, headers in capitals, as kubectl prints. */
export function table<T>(rows: readonly T[], columns: Readonly<Record<string, (row: T) => string | number>>): string {
  const lines = [
    Object.keys(columns).map((name) => name.toUpperCase()),
    ...rows.map((row) => Object.values(columns).map((cell) => printable(String(cell(row))))),
  ];
  const widths = Object.keys(columns).map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines
    .map((line) => `${line.map((cell, i) => (i === line.length - 1 ? cell : cell.padEnd(widths[i]! + 2))).join('')}\n`)
    .join('');
}

/** Text from a peer must not steer the reader's terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
