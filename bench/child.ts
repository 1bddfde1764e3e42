/** A program measured from the shell's point of view: wall time by the parent, peak memory as each Node of it reports. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { median } from './tunnel/figures.ts';

export const repository = dirname(import.meta.dirname);
export const node: readonly string[] = [process.execPath, '--disable-warning=ExperimentalWarning'];
export const postern: readonly string[] = [...node, join(repository, 'packages/cli/bin/postern.mjs')];

/** Runs of one command: the median is quoted, because the machine is shared. */
const repeats = 5;

/** Preloaded into every Node of the command: each adds its peak resident set, in KiB. Plain JavaScript, to strip no types. */
const reportRss = `data:text/javascript,${encodeURIComponent(`
import { appendFileSync } from 'node:fs';
process.on('exit', () => appendFileSync(process.env.POSTERN_BENCH_RSS, process.resourceUsage().maxRSS + '\\n'));
`)}`;

export interface Cost {
  readonly seconds: number;
  readonly rssMiB: number;
}

export interface Row extends Cost {
  readonly what: string;
  readonly limit: Cost;
}

export interface Measured {
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Exit codes that are answers: a gate that refuses is no failure. */
  readonly accept?: readonly number[];
}

/** The wall time is the parent's; of several processes the largest counts. */
export function measure(scratch: string, { command, env, accept = [0] }: Measured): Cost {
  const [program, ...args] = command;
  const report = join(scratch, 'rss');
  writeFileSync(report, '');
  const startedMs = performance.now();
  const child = spawnSync(program!, args, {
    cwd: repository,
    env: { ...process.env, ...env, NODE_OPTIONS: `--import=${reportRss}`, POSTERN_BENCH_RSS: report },
    encoding: 'utf8',
    // Nobody reads what a command prints; a pipe's default limit would end the child.
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const seconds = (performance.now() - startedMs) / 1000;
  if (!accept.includes(child.status ?? -1)) throw new Error(child.stderr);
  const peaksKiB = readFileSync(report, 'utf8').trim().split('\n').map(Number);
  return { seconds, rssMiB: Math.max(...peaksKiB) / 1024 };
}

/** The median time of several runs and the largest memory. What is run is asked anew for each. */
export function measureOften(scratch: string, next: () => Measured): Cost {
  const runs = Array.from({ length: repeats }, () => measure(scratch, next()));
  return { seconds: median(runs.map((one) => one.seconds)), rssMiB: Math.max(...runs.map((one) => one.rssMiB)) };
}

/** Measures in a folder of its own, prints the table, writes JSON; exit code 1 when a row is above its limit. */
export function runBench(name: string, work: (scratch: string) => readonly Row[]): void {
  const scratch = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  try {
    const rows = work(scratch);
    const json = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, rows };
    for (const row of rows) print(row);
    const out = process.argv[2] ?? join(repository, `scratch/bench-${name}.json`);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, `${JSON.stringify(json, null, 2)}\n`);
    process.stdout.write(`\n${process.version}, ${json.cores} x ${json.cpu}; written to ${out}\n`);
    if (rows.some((row) => above(row))) process.exitCode = 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function above({ seconds, rssMiB, limit }: Row): boolean {
  return seconds > limit.seconds || rssMiB > limit.rssMiB;
}

function print(row: Row): void {
  const { what, seconds, rssMiB, limit } = row;
  process.stdout.write(
    `${what.padEnd(52)} ${seconds.toFixed(2).padStart(7)} s (< ${limit.seconds})  ${rssMiB.toFixed(0).padStart(4)} MiB (< ${limit.rssMiB})  ${above(row) ? 'ABOVE' : 'ok'}\n`,
  );
}
