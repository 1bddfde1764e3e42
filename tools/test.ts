/**
 * `npm test [-- PATH...]`: every test, or those whose path starts with one of the given ones.
 *
 * Unit tests lie beside the code, the rest under test/. Two files at a time: the suite is meant for two cores, and tests with
 * deadlines must not starve one another. A file that fails is run once more by itself: what passes alone is named as unsteady, so that a
 * busy machine is told from a defect and neither is hidden.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = dirname(import.meta.dirname);
const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const options = process.argv.slice(2).filter((arg) => arg.startsWith('-'));
const files = globSync(
  ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
  { cwd: root },
)
  .filter(
    (file) =>
      !file.includes('node_modules') &&
      (wanted.length === 0 || wanted.some((prefix) => file.startsWith(prefix.replace(/^\.\//, '')))),
  )
  .toSorted();
if (files.length === 0) {
  process.stderr.write(`no test file under ${wanted.join(', ')}\n`);
  process.exit(2);
}

/** Runs files; returns those that failed, as their own reporter names them, and the exit code. */
function run(paths: readonly string[], concurrency: number): Promise<{ code: number; failed: string[] }> {
  const reporter = join(root, 'tools/failed-files.ts');
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-timeout=240000',
    // A handle that a failed test left open must not hold up the rest.
    '--test-force-exit',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stderr',
    ...options,
    ...paths,
  ];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['inherit', 'inherit', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const named = [...errors.matchAll(/^failed-file (.+)$/gm)].map((match) => relative(root, match[1]!));
      process.stderr.write(errors.replace(/^failed-file .+\n/gm, ''));
      resolve({ code: code ?? 1, failed: [...new Set(named)] });
    });
  });
}

const first = await run(files, 2);
if (first.code === 0 || first.failed.length === 0) process.exit(first.code);
process.stdout.write(`\nonce more, one at a time: ${first.failed.join(' ')}\n`);
const again = await run(first.failed, 1);
const unsteady = first.failed.filter((file) => !again.failed.includes(file));
if (unsteady.length > 0)
  process.stdout.write(`\nUNSTEADY (failed beside others, passed alone): ${unsteady.join(' ')}\n`);
if (again.code !== 0) process.stdout.write(`\nFAILED: ${again.failed.join(' ')}\n`);
process.exit(again.code);
