/**
 * `npm run bench:infra`: `postern generate` of 1 instance as a user types it (the command, through npx, without anything cached)
 * and of 200 as one process that does them all. Wall time and peak memory; prints a table and writes JSON beside it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exampleText } from '../../packages/infra/src/testdata/example.ts';

const root = dirname(dirname(import.meta.dirname));
const cli = join(root, 'packages/cli/bin/postern.mjs');
const worker = join(import.meta.dirname, 'generate-all.ts');
const many = 200;
/** What the contract promises; 400 MiB holds for both. */
const limits = { one: { seconds: 1, rssMiB: 400 }, many: { seconds: 20, rssMiB: 400 } };
/** Runs of the single command: the median is quoted, because the machine is shared. */
const repeats = 5;

/** Preloaded into every Node of the command: each adds its peak resident set, in KiB. Plain JavaScript, to strip no types. */
const reportRss = `data:text/javascript,${encodeURIComponent(`
import { appendFileSync } from 'node:fs';
process.on('exit', () => appendFileSync(process.env.POSTERN_BENCH_RSS, process.resourceUsage().maxRSS + '\\n'));
`)}`;

interface Row {
  readonly what: string;
  readonly seconds: number;
  readonly rssMiB: number;
  readonly limit: typeof limits.one;
}

interface Run {
  readonly seconds: number;
  readonly rssMiB: number;
}

let made = 0;
const scratch = mkdtempSync(join(tmpdir(), 'postern-bench-'));
try {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', cli];
  const rows = [
    single('postern generate, 1 instance', node),
    single('npx postern generate, 1 instance', ['npx', 'postern']),
    single('the same, nothing cached (the first run)', node, { NODE_DISABLE_COMPILE_CACHE: '1' }),
    all(),
  ];
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

/** From the shell's point of view: the command starts, loads, and writes a whole tree. */
function single(what: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): Row {
  const runs = Array.from({ length: repeats }, () => measure([...command, 'generate', instance(made++)], env));
  return {
    what,
    seconds: runs.map((run) => run.seconds).toSorted((a, b) => a - b)[Math.floor(repeats / 2)]!,
    rssMiB: Math.max(...runs.map((run) => run.rssMiB)),
    limit: limits.one,
  };
}

function all(): Row {
  const dirs = Array.from({ length: many }, () => instance(made++));
  return {
    what: `generate, ${many} instances in one process`,
    ...measure([process.execPath, '--disable-warning=ExperimentalWarning', worker, ...dirs]),
    limit: limits.many,
  };
}

/** The wall time is the parent's; of several processes the largest counts. */
function measure([command, ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const report = join(scratch, 'rss');
  writeFileSync(report, '');
  const startedMs = performance.now();
  const child = spawnSync(command!, args, {
    cwd: root,
    env: { ...process.env, ...env, NODE_OPTIONS: `--import=${reportRss}`, POSTERN_BENCH_RSS: report },
    encoding: 'utf8',
  });
  const seconds = (performance.now() - startedMs) / 1000;
  if (child.status !== 0) throw new Error(child.stderr);
  const peaksKiB = readFileSync(report, 'utf8').trim().split('\n').map(Number);
  return { seconds, rssMiB: Math.max(...peaksKiB) / 1024 };
}

function print({ what, seconds, rssMiB, limit }: Row): void {
  const verdict = seconds <= limit.seconds && rssMiB <= limit.rssMiB ? 'ok' : 'ABOVE';
  process.stdout.write(
    `${what.padEnd(44)} ${seconds.toFixed(2).padStart(7)} s (< ${limit.seconds})  ${rssMiB.toFixed(0).padStart(4)} MiB (< ${limit.rssMiB})  ${verdict}\n`,
  );
}
