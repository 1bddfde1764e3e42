/** The customer's playbook: Terraform that validates, an agent that starts from it, and no defect of its sources. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { loadDocument } from '@postern/core';
import { awsMirror, need, needAwsProvider, run, temporaryDirectory, terraformEnvironment } from '@postern/testing';
import { agentSchema } from '@postern/tunnel/config';
import { parseInstance } from '../config/load.ts';
import { exampleText } from '../testdata/example.ts';
import { playbook } from './playbook.ts';

const rules =
  '      rules: [{name: git, clients: [gitserver@acme.example], agents: [dc1@acme.example], destinations: ["gitlab.internal.acme.example:443"]}]\n';
const { instance } = parseInstance('config.yaml', exampleText() + rules);
const outputs = {
  allowlist: [],
  endpointNames: {},
  clusterDNS: undefined,
  servicesCIDR: undefined,
  connectAddress: '203.0.113.99',
};
const files = playbook({
  instance,
  outputs,
  image: { repository: 'r.example/postern', tag: '0.1.0', digest: undefined },
});

function write(dir: string): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}

test(
  'the Terraform is formatted and validates with the real provider',
  { skip: need('terraform') || needAwsProvider() },
  async () => {
    assert.ok(awsMirror());
    using scratch = temporaryDirectory();
    write(scratch.path);
    const env = terraformEnvironment(scratch.path, { aws: 'real' });
    const cwd = join(scratch.path, 'terraform');
    for (const args of [
      ['fmt', '-check', '-diff'],
      ['init', '-backend=false', '-no-color'],
      ['validate', '-no-color'],
    ]) {
      const result = await run('terraform', args, { cwd, env });
      assert.equal(result.code, 0, `${args[0]}: ${result.stdout}${result.stderr}`);
    }
  },
);

test('it allows exactly our account, keeps the balancer internal, and names the whole TLS policy', () => {
  const main = files.get('terraform/main.tf')!;
  const variables = files.get('terraform/variables.tf')!;
  assert.match(variables, /"arn:aws:iam::123456789012:root"/);
  assert.match(variables, /"ELBSecurityPolicy-TLS13-1-2-2021-06"/);
  assert.match(main, /internal += true/);
  assert.match(main, /var\.private_subnet_ids/);
  for (const [, name] of main.matchAll(/var\.([a-z_]+)/g)) assert.match(variables, new RegExp(`variable "${name}"`));
});

test('agent.yaml is what the agent reads, with the address, the name and the rules’ destinations', () => {
  for (const path of ['agent/agent.yaml', 'agent/kubernetes/agent.yaml']) {
    const config = loadDocument(path, files.get(path)!, agentSchema);
    assert.equal(config.server.port, 50050);
    assert.equal(config.allow.length, 1);
  }
  assert.match(files.get('agent/agent.yaml')!, /server: 203\.0\.113\.99:50050\n/);
  assert.match(files.get('agent/egress.txt')!, /tcp {2}203\.0\.113\.99:50050/);
});

test('the container script and the certificate one-liner are shell', { skip: need('bash') }, () => {
  const scripts = [files.get('agent/container.sh')!, /```bash\n([\s\S]*?)```/.exec(files.get('certificates.md')!)![1]!];
  for (const script of scripts) assert.equal(spawnSync('bash', ['-n'], { input: script }).status, 0, script);
});

test('both places of the certificates are named, the present one first', () => {
  const text = files.get('certificates.md')!;
  assert.ok(text.indexOf('"tls.external"') < text.indexOf('experimentalFeatures'));
});

test('systemd accepts the unit', { skip: need('systemd-analyze') }, async () => {
  using scratch = temporaryDirectory();
  write(scratch.path);
  const result = await run('systemd-analyze', [
    'verify',
    '--man=no',
    join(scratch.path, 'agent/postern-agent.service'),
  ]);
  // The program and the user are not installed here; any other complaint is about the unit.
  const complaints = result.stderr
    .split('\n')
    .filter((line) => line !== '' && !/is not executable|Unknown user|Failed to (connect|prepare)|is bad/.test(line));
  assert.deepEqual(
    complaints.filter((line) => /Unknown (key|section|lvalue)|Invalid/i.test(line)),
    [],
  );
});
