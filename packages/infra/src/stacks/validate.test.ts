/** Terraform itself reads every stack: names, types, required arguments, references. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
      const dir = instanceIn(scratch.path, exampleText({ highAvailable }));
      const env = terraformEnvironment(scratch.path, { aws });
      // Without high availability only the VPN differs.
      for (const name of highAvailable ? stackNames : (['awsvpn'] as const)) {
        const result = await validate(join(dir, 'terraform/stacks', name), env);
        assert.equal(result.code, 0, `${name}: ${result.stdout}${result.stderr}`);
      }
    },
  );

test('the HCL says the same, and is laid out as terraform fmt does', { skip: need('terraform') }, async () => {
  using scratch = temporaryDirectory();
  const dir = instanceIn(scratch.path, exampleText());
  const env = terraformEnvironment(scratch.path, { aws: 'stub' });
  const stacks = join(dir, 'terraform/stacks');
  const fmt = await run('terraform', ['fmt', '-check', '-recursive', '-diff', stacks], { env });
  assert.equal(fmt.code, 0, fmt.stdout);
  const result = await validate(join(stacks, 'awsvpn/hcl'), env);
  assert.equal(result.code, 0, `${result.stdout}${result.stderr}`);
});

test('the stub provider lets no wrong shape through', { skip: need('terraform') }, async () => {
  using scratch = temporaryDirectory();
  const dir = instanceIn(scratch.path, exampleText());
  const env = terraformEnvironment(scratch.path, { aws: 'stub' });
  const cwd = join(dir, 'terraform/stacks/awsvpn');
  const file = join(cwd, 'cdk.tf.json');
  const right = readFileSync(file, 'utf8');
  const mistakes: ReadonlyArray<readonly [from: string, to: string, says: RegExp]> = [
    ['"ike_version": 2', '"ike_versionn": 2', /ike_versionn|Extraneous/],
    ['google_compute_router.vpn.name', 'google_compute_router.vpn.nam', /"nam"/],
    ['"peer_asn": 64512', '"peer_asn": "many"', /number/],
  ];
  for (const [from, to, says] of mistakes) {
    assert.ok(right.includes(from));
    writeFileSync(file, right.replace(from, to));
    const result = await validate(cwd, env);
    assert.notEqual(result.code, 0);
    assert.match(`${result.stdout}${result.stderr}`, says);
  }
});

function instanceIn(scratch: string, text: string): string {
  const dir = join(scratch, 'instance');
  mkdirSync(dir);
  writeFileSync(join(dir, 'config.yaml'), text);
  generate(dir, { parts: ['cdktf'], hcl: true });
  return dir;
}

async function validate(cwd: string, env: NodeJS.ProcessEnv) {
  const init = await run('terraform', ['init', '-backend=false', '-no-color'], { cwd, env });
  return init.code === 0 ? run('terraform', ['validate', '-no-color'], { cwd, env }) : init;
}
