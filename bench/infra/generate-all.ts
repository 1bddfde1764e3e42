/** Generates every instance named on the command line, one after the other, in this process. */
import { generate } from '../../packages/infra/src/generate/generate.ts';

for (const dir of process.argv.slice(2)) generate(dir);
