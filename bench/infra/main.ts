/**
 * `npm run bench:infra`: `postern generate` of 1 instance as a user types it (the command, through npx, without anything cached)
 * and of 200 as one process that does them all. Wall time and peak memory; prints a table and writes JSON beside it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exampleText } from '../../packages/infra/src/testdata/example.ts';
import { type Row, measure, measureOften, node, postern, runBench } from '../child.ts';

const worker = join(import.meta.dirname, 'generate-all.ts');
const many = 200;
/** What the contract promises; 400 MiB holds for both. */
const limits = { one: { seconds: 1, rssMiB: 400 }, many: { seconds: 20, rssMiB: 400 } };

runBench('infra', (scratch) => {
  let made = 0;
  const instance = (): string => {
    const index = made++;
    const dir = join(scratch, `instance-${index}`);
    mkdirSync(dir);
    const text = exampleText({ highAvailable: index % 3 !== 0 }).replaceAll(
      '0123456789abcdef0123',
      index.toString(16).padStart(20, '0'),
    );
    writeFileSync(join(dir, 'config.yaml'), text);
    return dir;
  };
  /** From the shell's point of view: the command starts, loads, and writes a whole tree. */
  const single = (what: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): Row => ({
    what,
    ...measureOften(scratch, () => ({ command: [...command, 'generate', instance()], env })),
    limit: limits.one,
  });
  return [
    single('postern generate, 1 instance', postern),
    single('npx postern generate, 1 instance', ['npx', 'postern']),
    single('the same, nothing cached (the first run)', postern, { NODE_DISABLE_COMPILE_CACHE: '1' }),
    {
      what: `generate, ${many} instances in one process`,
      ...measure(scratch, { command: [...node, worker, ...Array.from({ length: many }, () => instance())] }),
      limit: limits.many,
    },
  ];
});
