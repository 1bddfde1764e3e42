/** The rows as a person reads them. */
import { cell, table } from './figures.ts';
import type { Row } from './measure.ts';

/** Postern's figure over the other one's of the same measure; of times and CPU less than one is better, of rates more. */
export function ratioTo(rows: readonly Row[], row: Row, of: (row: Row) => number | undefined): number | undefined {
  const ours = rows.find((one) => one.program === 'postern' && one.measure === row.measure);
  const [mine, other] = [ours && of(ours), of(row)];
  if (ours === row || mine === undefined || other === undefined) return undefined;
  const ratio = mine / other;
  return Number.isFinite(ratio) ? ratio : undefined;
}

export function report(rows: readonly Row[]): string {
  const lines = [
    ['measure', 'program', 'median', 'unit', 'postern/it', 'CPU-s/GiB', 'client', 'server', 'agent', 'postern/it'],
  ];
  let last = '';
  for (const row of rows) {
    const { client, server, agent, sum } = row.cpu;
    lines.push([
      row.measure === last ? '' : row.measure,
      row.program,
      row.failure === undefined ? cell(row.value) : 'FAILED',
      row.unit,
      cell(ratioTo(rows, row, (one) => one.value)),
      ...[sum, client, server, agent].map(cell),
      cell(ratioTo(rows, row, (one) => one.cpu.sum)),
    ]);
    last = row.measure;
  }
  const failures = rows.filter((row) => row.failure !== undefined);
  return table(lines, 2) + failures.map((row) => `FAILED ${row.measure}, ${row.program}: ${row.failure}\n`).join('');
}
