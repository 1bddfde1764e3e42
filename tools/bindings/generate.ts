/**
 * Writes the typed resource bindings of the stacks from the committed schemas:
 * `node tools/run.mjs tools/bindings/generate.ts` (`--check` only says whether they are up to date).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bindings } from './render.ts';
import type { ProviderSchema } from './schema.ts';

const root = dirname(dirname(import.meta.dirname));
export const target = join(root, 'packages/terraform/src/bindings.gen.ts');

export function readSchemas(): ProviderSchema[] {
  return ['aws', 'google', 'random'].map(
    (name) => JSON.parse(readFileSync(join(import.meta.dirname, 'schemas', `${name}.json`), 'utf8')) as ProviderSchema,
  );
}

if (process.argv[1] === import.meta.filename) {
  const text = bindings(readSchemas());
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write('bindings.gen.ts is not what the schemas give: run tools/bindings/generate.ts\n');
    process.exitCode = 1;
  }
}
