/** Terraform itself reads every stack: names, types, required arguments, references. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { awsMirror, need, run, temporaryDirectory, terraformEnvironment } from '@postern/testing';
import { generate } from '../generate/generate.ts';
import { stackNames } from './names.ts';
import { exampleText } from '../testdata/example.ts';

const aws = awsMirror() === undefined ? 'stub' : 'real';

for (const highAvailable of [true, false])
  test(
    `terraform validate accepts every stack, highAvailable ${highAvailable} (aws provider: ${aws})`,
    { skip: need('terraform') },
    async () => {
      using scratch = temporaryDirectory();
      const dir = join(scratch.path, 'instance');
      mkdirSync(dir);
      writeFileSync(join(dir, 'config.yaml'), exampleText({ highAvailable }));
      generate(dir, { parts: ['cdktf'] });
      const env = terraformEnvironment(scratch.path, { aws });
      for (const name of stackNames) {
        const cwd = join(dir, 'terraform/stacks', name);
        const init = await run('terraform', ['init', '-backend=false', '-no-color'], { cwd, env });
        assert.equal(init.code, 0, `${name}: ${init.stdout}${init.stderr}`);
        const validate = await run('terraform', ['validate', '-no-color'], { cwd, env });
        assert.equal(validate.code, 0, `${name}: ${validate.stdout}${validate.stderr}`);
      }
    },
  );
