/**
 * `npm test [-- PATH...]`: every test, or those whose path starts with one of the given ones.
 *
 * Unit tests lie beside the code, the rest under test/. Two files at a time: the suite is meant for two cores, and tests with
 * deadlines must not starve one another.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname } from 'node:path';

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
const args = [
  '--disable-warning=ExperimentalWarning',
  '--test',
  '--test-concurrency=2',
  '--test-timeout=300000',
  '--test-reporter=spec',
  ...options,
  ...files,
];
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
