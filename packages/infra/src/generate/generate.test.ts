/** The generated tree on disk: the same twice, nothing left behind, nothing half-written, nothing of the operator's touched. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '@postern/core';
import { temporaryDirectory } from '@postern/testing';
import { exampleText } from '../testdata/example.ts';
import { generate } from './generate.ts';
import { writeOutputs } from './outputs.ts';
import { forgetRemovedStack, readRemovedStacks } from './removed.ts';

function tree(dir: string): Map<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  return new Map(paths.map((path) => [path.slice(dir.length + 1), readFileSync(path, 'utf8')]));
}

function instance(dir: string, text = exampleText()): void {
  writeFileSync(join(dir, 'config.yaml'), text);
}

test('twice is byte-equal, and the second run writes nothing', () => {
  using scratch = temporaryDirectory();
  instance(scratch.path);
  const first = generate(scratch.path);
  const before = tree(scratch.path);
  const second = generate(scratch.path);
  assert.deepEqual(tree(scratch.path), before);
  assert.deepEqual([second.written, second.removed], [[], []]);
  assert.ok(first.written.length > 25);
  assert.ok([...before.keys()].every((path) => !path.endsWith('.tmp')));
  // Another directory, the same bytes: nothing says where it was made.
  using other = temporaryDirectory();
  instance(other.path);
  generate(other.path);
  assert.deepEqual(tree(other.path), before);
});

test('part by part is the same as all at once', () => {
  using whole = temporaryDirectory();
  using pieces = temporaryDirectory();
  instance(whole.path);
  instance(pieces.path);
  generate(whole.path);
  for (const part of ['playbook', 'kustomize', 'cdktf', 'dashboard'] as const) generate(pieces.path, { parts: [part] });
  assert.deepEqual(tree(pieces.path), tree(whole.path));
});

const off: ReadonlyArray<readonly [feature: string, from: string | RegExp, to: string, stacks: readonly string[]]> = [
  ['nat', 'nat: {enabled: true', 'nat: {enabled: false', ['nat']],
  [
    'privateCodeHost',
    'privateCodeHost:\n      enabled: true',
    'privateCodeHost:\n      enabled: false',
    ['awsvpc', 'awsvpn'],
  ],
  ['connect', 'connect:\n      enabled: true', 'connect:\n      enabled: false', ['connect']],
];

for (const [feature, from, to, stacks] of off)
  test(`switching ${feature} off removes what it generated and records its stacks; on again forgets them`, () => {
    using scratch = temporaryDirectory();
    instance(scratch.path);
    generate(scratch.path, { hcl: true });
    const before = tree(scratch.path);
    // What terraform init leaves in a stack's directory goes with it.
    for (const stack of stacks)
      mkdirSync(join(scratch.path, `terraform/stacks/${stack}/.terraform/providers`), { recursive: true });
    instance(scratch.path, exampleText().replace(from, to));
    const result = generate(scratch.path, { hcl: true });
    assert.deepEqual(result.removedStacks, stacks);
    const after = tree(scratch.path);
    for (const stack of stacks) {
      assert.ok(![...after.keys()].some((path) => path.startsWith(`terraform/stacks/${stack}/`)));
      assert.ok(!readdirSync(join(scratch.path, 'terraform/stacks')).includes(stack), 'no empty directory stays');
    }
    if (feature === 'connect')
      assert.ok(![...after.keys()].some((path) => path.includes('connect') || path.includes('agent')));

    // What is left is exactly what a fresh directory would get, beside the record.
    using fresh = temporaryDirectory();
    instance(fresh.path, exampleText().replace(from, to));
    generate(fresh.path, { hcl: true });
    const expected = tree(fresh.path);
    assert.deepEqual(
      [...after.keys()].filter((path) => path !== 'stacks.removed.yaml'),
      [...expected.keys()],
    );

    const recorded = readRemovedStacks(scratch.path);
    assert.deepEqual(
      recorded.map(({ name }) => name),
      stacks.toReversed(),
      'in the order of destruction',
    );
    for (const { configuration } of recorded) {
      assert.ok('terraform' in configuration && 'provider' in configuration);
      assert.ok(!('resource' in configuration));
    }
    generate(scratch.path, { hcl: true });
    assert.deepEqual(readRemovedStacks(scratch.path), recorded, 'still recorded');

    instance(scratch.path);
    generate(scratch.path, { hcl: true });
    assert.deepEqual(tree(scratch.path), before, 'on again: the record is gone, the stack is back');
  });

test('a destroyed stack is forgotten, and with the last one the file goes', () => {
  using scratch = temporaryDirectory();
  instance(scratch.path);
  generate(scratch.path);
  instance(
    scratch.path,
    exampleText().replace('privateCodeHost:\n      enabled: true', 'privateCodeHost:\n      enabled: false'),
  );
  generate(scratch.path);
  forgetRemovedStack(scratch.path, 'awsvpn');
  assert.deepEqual(
    readRemovedStacks(scratch.path).map(({ name }) => name),
    ['awsvpc'],
  );
  forgetRemovedStack(scratch.path, 'awsvpc');
  assert.ok(!tree(scratch.path).has('stacks.removed.yaml'));
});

test('a tree that lost its manifest still gives up a stack that is off', () => {
  using scratch = temporaryDirectory();
  instance(scratch.path);
  generate(scratch.path);
  rmSync(join(scratch.path, '.postern'), { recursive: true });
  instance(scratch.path, exampleText().replace('nat: {enabled: true', 'nat: {enabled: false'));
  assert.deepEqual(generate(scratch.path).removedStacks, ['nat']);
  assert.ok(!tree(scratch.path).has('terraform/stacks/nat/cdk.tf.json'));
});

test('a wrong configuration changes nothing', () => {
  using scratch = temporaryDirectory();
  instance(scratch.path);
  generate(scratch.path);
  const before = tree(scratch.path);
  instance(
    scratch.path,
    exampleText().replace('nat: {enabled: true', 'nat: {enabled: false').replace('64512', '64514'),
  );
  assert.throws(() => generate(scratch.path), ConfigError);
  before.delete('config.yaml');
  const after = tree(scratch.path);
  after.delete('config.yaml');
  assert.deepEqual(after, before);
});

test('kubernetes/base is the operator’s: made once, never overwritten; its Services are in NO_PROXY', () => {
  using scratch = temporaryDirectory();
  instance(scratch.path);
  generate(scratch.path);
  const base = join(scratch.path, 'kubernetes/base');
  writeFileSync(join(base, 'kustomization.yaml'), '# mine\nresources: [web.yaml]\n');
  writeFileSync(
    join(base, 'web.yaml'),
    'kind: Service\nmetadata: {name: gitserver}\n---\nkind: Deployment\nmetadata: {name: web}\n',
  );
  generate(scratch.path);
  const files = tree(scratch.path);
  assert.equal(files.get('kubernetes/base/kustomization.yaml'), '# mine\nresources: [web.yaml]\n');
  assert.match(files.get('kubernetes/connect-client/kustomization.yaml')!, /NO_PROXY=[^\n]*,gitserver,/);
});

test('what the stacks gave reaches manifests and playbook', () => {
  using scratch = temporaryDirectory();
  instance(
    scratch.path,
    exampleText().replace(
      'vpce-0a1b.vpce-svc-0123456789abcdef0.eu-central-1.vpce.amazonaws.com',
      'vpce-svc-0123456789abcdef0.eu-central-1.vpce.amazonaws.com',
    ),
  );
  const warned = generate(scratch.path).diagnostics.map(({ message }) => message);
  assert.ok(warned.some((message) => message.includes('once the stack awsvpn is applied')));
  writeOutputs(scratch.path, 'awsvpn', {
    endpoint_dns_names: {
      'vpce-svc-0123456789abcdef0': 'vpce-0c0ffee-abc.vpce-svc-0123456789abcdef0.eu-central-1.vpce.amazonaws.com',
    },
  });
  writeOutputs(scratch.path, 'gke', { cluster_dns: '10.96.0.10', services_cidr: '10.96.0.0/20' });
  writeOutputs(scratch.path, 'nat', { allowlist: ['203.0.113.10', '203.0.113.11'] });
  writeOutputs(scratch.path, 'connect', { address: '203.0.113.99', port: 50050 });
  const again = generate(scratch.path);
  assert.ok(
    !again.diagnostics.some(({ message }) => message.includes('awsvpn is applied') || message.includes('clusterDNS')),
  );
  const files = tree(scratch.path);
  assert.match(files.get('kubernetes/dns-proxy/dns-proxy.yaml')!, /destination: vpce-0c0ffee-abc\./);
  assert.match(files.get('kubernetes/dns-proxy/dns-proxy.yaml')!, /- 10\.96\.0\.10:53/);
  assert.match(files.get('playbook/README.md')!, /- 203\.0\.113\.10\/32\n- 203\.0\.113\.11\/32/);
  assert.match(files.get('playbook/agent/agent.yaml')!, /server: 203\.0\.113\.99:50050\nserverName: tunnel\.src-/);
});

test('an image is named by the digest of the lock, or by its tag with a warning', () => {
  using scratch = temporaryDirectory();
  instance(scratch.path);
  assert.ok(generate(scratch.path).diagnostics.some(({ message }) => message.includes('postern images lock')));
  assert.match(tree(scratch.path).get('kubernetes/dns-proxy/kustomization.yaml')!, /newTag: 0\.1\.0/);
  const digest = `sha256:${'ab'.repeat(32)}`;
  const lock = (tag: string): string =>
    `apiVersion: postern.dev/v1\nkind: ImagesLock\nimages:\n  - {name: postern, repository: r.example/postern, tag: "${tag}", digest: ${digest}}\n`;
  writeFileSync(join(scratch.path, 'images.lock.yaml'), lock('0.1.0'));
  assert.ok(!generate(scratch.path).diagnostics.some(({ message }) => message.includes('images lock')));
  assert.match(tree(scratch.path).get('kubernetes/dns-proxy/kustomization.yaml')!, new RegExp(`digest: ${digest}`));
  writeFileSync(join(scratch.path, 'images.lock.yaml'), lock('0.0.9'));
  assert.ok(generate(scratch.path).diagnostics.some(({ message }) => message.includes('has tag 0.0.9')));
  writeFileSync(join(scratch.path, 'images.lock.yaml'), lock('0.1.0').replace('abab', 'zz'));
  assert.throws(() => generate(scratch.path), ConfigError);
});

test('no key and no secret is in the tree', () => {
  using scratch = temporaryDirectory();
  instance(scratch.path);
  generate(scratch.path, { hcl: true });
  for (const [path, text] of tree(scratch.path)) {
    assert.doesNotMatch(text, /-----BEGIN [A-Z ]*PRIVATE KEY-----/, path);
    for (const [, value] of text.matchAll(/"(?:shared_secret|tunnel\d_preshared_key)": "([^"]*)"/g))
      assert.match(value!, /^k\$\{random_password\.psk_\d\.result\}$/, path);
  }
});
