/** The commands of an instance as a user types them, from an empty directory to the whole tree. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadDocument } from '../../../packages/core/src/index.ts';
import { exampleText } from '../../../packages/infra/src/testdata/example.ts';
import { later, oldest } from '../../../packages/infra/src/testdata/older.ts';
import { postern, temporaryDirectory } from '../../../packages/testing/src/index.ts';
import { clientSchema, serverSchema } from '../../../packages/tunnel/src/config/index.ts';

const rules =
  '      rules: [{name: git, clients: [gitserver@acme.example], agents: [dc1@acme.example], destinations: ["gitlab.internal.acme.example:443"]}]\n';

function instance(dir: string, text: string): string {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'config.yaml'), text);
  return dir;
}

test('init, validate, generate: an empty directory becomes a valid instance with nothing switched on', async () => {
  using scratch = temporaryDirectory();
  const dir = join(scratch.path, 'Acme_Prod');
  assert.equal((await postern(['instance', 'init', dir])).code, 0);
  const text = readFileSync(join(dir, 'config.yaml'), 'utf8');
  assert.match(text, /^# yaml-language-server: \$schema=\.\/\.postern\/instance\.schema\.json\n/);
  const schema = JSON.parse(readFileSync(join(dir, '.postern/instance.schema.json'), 'utf8')) as { title: string };
  assert.equal(schema.title, 'Instance (postern.dev/v1)');
  const validated = await postern(['instance', 'validate'], { cwd: dir });
  assert.deepEqual([validated.code, validated.stderr], [0, '']);
  assert.match(validated.stdout, /^acme-prod: valid; stacks: none/);
  writeFileSync(join(dir, 'config.yaml'), `${text}# mine\n`);
  assert.equal((await postern(['instance', 'init', dir])).code, 0);
  assert.equal(readFileSync(join(dir, 'config.yaml'), 'utf8'), `${text}# mine\n`, 'what exists stays');
  assert.equal((await postern(['generate'], { cwd: dir })).code, 0);
});

test('validate: exit 2, every problem on a line of its own, nothing on standard output', async () => {
  using scratch = temporaryDirectory();
  const wrong = exampleText()
    .replace('"123456789012"', '123456789012')
    .replace('10.64.0.0/14', '10.128.0.0/16')
    .replace('europe-west3', 'mars-1');
  const dir = instance(scratch.path, wrong);
  const result = await postern(['instance', 'validate', dir]);
  assert.equal(result.code, 2);
  assert.equal(result.stdout, '');
  const lines = result.stderr.trimEnd().split('\n');
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line, /config\.yaml:\d+:\d+: spec\.infrastructure\.[A-Za-z.[\]0-9]+: /);
  const missing = await postern(['instance', 'validate', join(scratch.path, 'nowhere')]);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /does not exist\n {2}make one with: postern instance init/);
});

test('migrate: hints before, none after, the same instance; --dry-run prints and changes nothing', async () => {
  for (const text of [oldest, later]) {
    using scratch = temporaryDirectory();
    const dir = instance(scratch.path, text);
    const before = await postern(['instance', 'validate', dir, '-o', 'json']);
    assert.equal(before.code, 0, before.stderr);
    assert.match(before.stderr, /warning: .*postern instance migrate rewrites it/);
    const dry = await postern(['instance', 'migrate', dir, '--dry-run']);
    assert.equal(readFileSync(join(dir, 'config.yaml'), 'utf8'), text);
    const migrated = await postern(['instance', 'migrate', dir]);
    assert.equal(migrated.code, 0, migrated.stderr);
    assert.match(migrated.stdout, /older spellings rewritten\n$/);
    assert.equal(readFileSync(join(dir, 'config.yaml'), 'utf8'), dry.stdout);
    const after = await postern(['instance', 'validate', dir]);
    assert.equal(after.code, 0);
    assert.doesNotMatch(after.stderr, /migrate/);
    assert.match((await postern(['instance', 'migrate', dir])).stdout, /nothing to migrate/);
  }
});

test('generate: all or one part; what it writes the programs themselves accept', async () => {
  using scratch = temporaryDirectory();
  const dir = instance(scratch.path, exampleText() + rules);
  const one = await postern(['generate', 'cdktf', dir, '-o', 'json']);
  assert.equal(one.code, 0, one.stderr);
  assert.ok((JSON.parse(one.stdout) as { written: string[] }).written.includes('terraform/stacks/awsvpn/cdk.tf.json'));
  assert.ok(!existsSync(join(dir, 'dashboard.md')));
  assert.equal((await postern(['generate', dir])).code, 0);
  assert.match((await postern(['generate'], { cwd: dir })).stdout, /^0 written, 0 removed, \d+ unchanged\n$/);
  assert.equal((await postern(['generate', 'cdktff', dir])).code, 2);

  const proxy = join(dir, 'kubernetes/dns-proxy/dns-proxy.yaml');
  const corefile = await postern(['dns-proxy', '--config', proxy, '--engine', 'coredns']);
  assert.equal(corefile.code, 0, corefile.stderr);
  assert.match(corefile.stdout, /rewrite stop name exact gitlab\.internal\.acme\.example\. vpce-0a1b\./);
  const server = join(dir, 'kubernetes/connect-server/server.yaml');
  assert.equal(loadDocument(server, readFileSync(server, 'utf8'), serverSchema).listen.port, 50050);
  const client = join(dir, 'kubernetes/connect-client/client.yaml');
  assert.equal(loadDocument(client, readFileSync(client, 'utf8'), clientSchema).proxy?.http?.port, 3128);
});

test('dashboard goes to a file or to standard output; schema prints a kind, or lists them', async () => {
  using scratch = temporaryDirectory();
  const dir = instance(scratch.path, exampleText());
  const file = join(scratch.path, 'runbook.md');
  assert.equal((await postern(['instance', 'dashboard', dir, '--output', file])).code, 0);
  assert.equal((await postern(['instance', 'dashboard', dir])).stdout, readFileSync(file, 'utf8'));
  const schema = JSON.parse((await postern(['schema', 'Instance'])).stdout) as { additionalProperties: boolean };
  assert.equal(schema.additionalProperties, false);
  assert.match((await postern(['schema'])).stdout, /Instance +postern\.dev\/v1/);
  const unknown = await postern(['schema', 'Instanse']);
  assert.deepEqual([unknown.code, /did you mean Instance/.test(unknown.stderr)], [2, true]);
});

test('advise: from options alone, with reasons for and against', async () => {
  const result = await postern([
    'instance',
    'advise',
    '--public',
    'no',
    '--location',
    'on-prem',
    '--agent',
    'yes',
    '--other-than-tcp',
    'no',
    '-o',
    'json',
  ]);
  const advice = JSON.parse(result.stdout) as {
    recommended: string;
    paths: Array<{ path: string; reasons: string[] }>;
  };
  assert.equal(advice.recommended, 'tunnel');
  assert.ok(advice.paths.every(({ reasons }) => reasons.length > 0));
});
