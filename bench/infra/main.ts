/**
 * `npm run bench:infra`: `postern generate` of 1 and of 200 instances, each as the command a user types and, for many, as one
 * process that does them all. Wall time and peak memory; prints a table and writes JSON beside it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exampleText } from '../../packages/infra/src/testdata/example.ts';

const root = dirname(dirname(import.meta.dirname));
const cli = join(root, 'packages/cli/src/main.ts');
const worker = join(import.meta.dirname, 'generate-all.ts');
const many = 200;
/** Runs of the single command: the median is quoted, because the machine is shared. */
const repeats = 5;

interface Row {
  readonly what: string;
  readonly seconds: number;
  readonly rssMiB: number;
  readonly limit: { readonly seconds: number; readonly rssMiB: number };
}

const scratch = mkdtempSync(join(tmpdir(), 'postern-bench-'));
try {
  const rows = [single(), all()];
  const json = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, rows };
  for (const row of rows) print(row);
  const out = process.argv[2] ?? join(root, 'scratch/bench-infra.json');
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(json, null, 2)}\n`);
  process.stdout.write(`\n${process.version}, ${json.cores} x ${json.cpu}; written to ${out}\n`);
  if (rows.some(({ seconds, rssMiB, limit }) => seconds > limit.seconds || rssMiB > limit.rssMiB)) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function instance(index: number): string {
  const dir = join(scratch, `instance-${index}`);
  mkdirSync(dir);
  const text = exampleText({ highAvailable: index % 3 !== 0 }).replaceAll(
    '0123456789abcdef0123',
    index.toString(16).padStart(20, '0'),
  );
  writeFileSync(join(dir, 'config.yaml'), text);
  return dir;
}

/** From the shell's point of view: Node starts, the command loads, the tree is written. */
function single(): Row {
  const runs = Array.from({ length: repeats }, (_, i) => measure([cli, 'generate', instance(many + i)]));
  const seconds = runs.map((run) => run.seconds).toSorted((a, b) => a - b)[Math.floor(repeats / 2)]!;
  return {
    what: 'postern generate, 1 instance',
    seconds,
    rssMiB: Math.max(...runs.map((run) => run.rssMiB)),
    limit: { seconds: 1, rssMiB: 400 },
  };
}

function all(): Row {
  const dirs = Array.from({ length: many }, (_, i) => instance(i));
  return {
    what: `generate, ${many} instances in one process`,
    ...measure([worker, ...dirs]),
    limit: { seconds: 20, rssMiB: 400 },
  };
}

/** The child reports its own peak; the wall time is the parent's. */
function measure(args: readonly string[]): { seconds: number; rssMiB: number } {
  const report = join(scratch, 'rss');
  const hook = join(import.meta.dirname, 'report-rss.ts');
  const startedMs = performance.now();
  const child = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--import', hook, ...args], {
    env: { ...process.env, POSTERN_BENCH_RSS: report },
    encoding: 'utf8',
  });
  const seconds = (performance.now() - startedMs) / 1000;
  if (child.status !== 0) throw new Error(child.stderr);
  return { seconds, rssMiB: Number(spawnSync('cat', [report], { encoding: 'utf8' }).stdout) / 1024 };
}

function print({ what, seconds, rssMiB, limit }: Row): void {
  const verdict = seconds <= limit.seconds && rssMiB <= limit.rssMiB ? 'ok' : 'ABOVE';
  process.stdout.write(
    `${what.padEnd(44)} ${seconds.toFixed(2).padStart(7)} s (< ${limit.seconds})  ${rssMiB.toFixed(0).padStart(4)} MiB (< ${limit.rssMiB})  ${verdict}\n`,
  );
}
