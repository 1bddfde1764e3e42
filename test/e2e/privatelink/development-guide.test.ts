/** The development walk-through is true: its own command blocks, in order, in one bash, against the AWS simulator. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { need, posternCommand, repositoryRoot, run, temporaryDirectory } from '@postern/testing';

const guide = join(repositoryRoot, 'docs/guides/privatelink-development.md');

function blocks(): string[] {
  return [...readFileSync(guide, 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1]!);
}

test('every command of the guide works, in its order', { skip: need('aws') || need('bash') }, async () => {
  using dir = temporaryDirectory();
  const bin = join(dir.path, 'bin');
  mkdirSync(bin);
  const shim = `#!/bin/sh\nexec ${posternCommand.map((part) => `'${part}'`).join(' ')} "$@"\n`;
  writeFileSync(join(bin, 'postern'), shim);
  chmodSync(join(bin, 'postern'), 0o755);
  const commands = blocks();
  assert.ok(commands.length >= 12, `${commands.length} blocks`);
  // Whatever fails, the simulator that the first block starts ends with the shell.
  const script = [
    'set -euo pipefail',
    'trap \'kill "${LAB_PID:-}" 2>/dev/null || true\' EXIT',
    ...commands.map((block, i) => `echo "== block ${i + 1}"\n${block}`),
    'echo "== end"',
  ].join('\n');
  writeFileSync(join(dir.path, 'guide.sh'), script);
  const work = join(dir.path, 'work');
  mkdirSync(work);
  const environment = {
    ...process.env,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    AWS_CONFIG_FILE: join(dir.path, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(dir.path, 'none'),
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const { code, stdout, stderr } = await run('bash', [join(dir.path, 'guide.sh')], { cwd: work, env: environment });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  for (const expected of [
    /request a peering from/,
    /ClusterDeployment\/clusters\/acme {2}ready/,
    /its zone Z\w+ is associated with every associated VPC/,
    /No leaks\./,
    /== end/,
  ])
    assert.match(stdout, expected);
  assert.match(stderr, /is in use by ClusterDeployment\/clusters\/acme/);
});
