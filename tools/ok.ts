/**
 * `npm run ok`, the one gate: format, lint, types, tests (the tidy tests among them), generated code. Stops at the first
 * that fails. `--fix` formats and repairs instead of checking; `--fast` leaves out the tests.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
const has = (flag: string): boolean => process.argv.includes(flag);

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

const steps: readonly Step[] = has('--fix')
  ? [
      { name: 'format', command: [bin('oxfmt'), '--write', '.'] },
      { name: 'lint', command: [bin('oxlint'), '--type-aware', '--fix', '--deny-warnings', '.'] },
    ]
  : [
      { name: 'format', command: [bin('oxfmt'), '--check', '.'] },
      { name: 'lint', command: [bin('oxlint'), '--type-aware', '--deny-warnings', '.'] },
      { name: 'types', command: [bin('tsc'), '-p', root] },
      ...(has('--fast') ? [] : [{ name: 'tests', command: [process.execPath, join(root, 'tools/test.ts')] }]),
    ];

for (const { name, command } of steps) {
  const startedMs = performance.now();
  const [file, ...args] = command as [string, ...string[]];
  const { status } = spawnSync(file, args, { cwd: root, stdio: 'inherit' });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stderr.write(`${status === 0 ? 'ok' : 'FAILED'}  ${name}  ${seconds} s\n`);
  if (status !== 0) process.exit(1);
}
