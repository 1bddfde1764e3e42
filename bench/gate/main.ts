/**
 * `npm run bench:gate`: `postern sandbox gate evaluate` of a report with 10,000 findings and 1,000 waivers, as a pipeline types
 * it: from the start of Node to the verdict. Wall time and peak memory; prints a table and writes JSON beside it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureOften, postern, runBench } from '../child.ts';
import { digest, grype, image, junit, trivy, waivers } from './evidence.ts';

const findings = 10_000;
const waived = 1000;
/** What the gate promises, and the memory of a small CI container. */
const limit = { seconds: 1, rssMiB: 400 };

runBench('gate', (scratch) => {
  const write = (name: string, text: string): string => {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return path;
  };
  const now = new Date();
  const tests = write('tests.xml', junit());
  const list = waivers(waived, now);
  const row = (what: string, scan: string, ...files: readonly string[]) => ({
    what,
    ...measureOften(scratch, () => ({
      command: [
        ...postern,
        'sandbox',
        'gate',
        'evaluate',
        '--image',
        `${image}@${digest}`,
        '--scan',
        scan,
        '--tests',
        tests,
        ...files.flatMap((file) => ['--waivers', file]),
        '-o',
        'json',
      ],
      accept: [0, 1],
    })),
    limit,
  });
  const large = write('trivy.json', trivy(findings, now));
  const asJson = write('waivers.json', JSON.stringify(list));
  return [
    row('Trivy, 1 finding', write('one.json', trivy(1, now))),
    row(`Trivy, ${findings} findings`, large),
    row(`Trivy, ${findings} findings, ${waived} waivers (JSON)`, large, asJson),
    row(
      `Trivy, ${findings} findings, ${waived} waivers (YAML)`,
      large,
      write('waivers.yaml', list.map((one) => yaml(one)).join('---\n')),
    ),
    row(`Grype, ${findings} findings, ${waived} waivers (JSON)`, write('grype.json', grype(findings, now)), asJson),
  ];
});

/** Block style, as a person writes it. */
function yaml(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return ` ${JSON.stringify(value)}\n`;
  if (Array.isArray(value)) return `\n${value.map((item) => `${indent}-${yaml(item, `${indent}  `)}`).join('')}`;
  const lines = Object.entries(value).map(
    ([key, item]) => `${indent}${JSON.stringify(key)}:${yaml(item, `${indent}  `)}`,
  );
  return `${indent === '' ? '' : '\n'}${lines.join('')}`;
}
