/** The runbook: complete commands that bash, gcloud and aws accept, and nothing secret. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { need, run, temporaryDirectory } from '@postern/testing';
import { parseInstance } from '../config/load.ts';
import { exampleText } from '../testdata/example.ts';
import { dashboard } from './dashboard.ts';
import { word } from './markdown.ts';

const text = dashboard(parseInstance('config.yaml', exampleText()).instance);

function commands(of: string): string[] {
  return [...of.matchAll(/```bash\n([\s\S]*?)```/g)].map((match) => match[1]!.trimEnd());
}

test('every command is one complete line that bash can read', { skip: need('bash') }, () => {
  assert.ok(commands(text).length >= 20);
  for (const command of commands(text)) {
    assert.doesNotMatch(command, /\n|<[A-Z_]+>|\$\{?[A-Z_]+/, command);
    assert.equal(spawnSync('bash', ['-n', '-c', command]).status, 0, command);
  }
});

test('gcloud’s own parser accepts every gcloud command', { skip: need('gcloud') }, async () => {
  using scratch = temporaryDirectory();
  const env = { ...process.env, CLOUDSDK_CONFIG: scratch.path, CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1' };
  const lint = async (markdown: string): Promise<Array<{ success: boolean; command_string: string }>> => {
    const file = join(scratch.path, 'runbook.md');
    writeFileSync(file, markdown);
    const { stdout, stderr } = await run('gcloud', ['meta', 'lint-gcloud-commands', `--commands-text-file=${file}`], {
      env,
    });
    assert.match(stdout, /^\[/, stderr);
    return JSON.parse(stdout) as Array<{ success: boolean; command_string: string }>;
  };
  const found = commands(text).filter((command) => command.startsWith('gcloud '));
  assert.ok(found.length >= 14);
  const results = await lint(text);
  assert.equal(results.length, found.length);
  assert.deepEqual(
    results.filter(({ success }) => !success),
    [],
  );
  // It does refuse: a misspelt flag.
  const [misspelt] = await lint('```bash\ngcloud compute routers list --projectt x\n```\n');
  assert.equal(misspelt?.success, false);
});

test('the aws client accepts every aws command and its query', { skip: need('aws', 'bash') }, async () => {
  const found = commands(text).filter((command) => command.startsWith('aws '));
  assert.equal(found.length, 4);
  const env = { ...process.env, AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', AWS_EC2_METADATA_DISABLED: 'true' };
  for (const command of found) {
    // The client checks every parameter and gives an empty answer of the right shape, without a network.
    const result = await run('bash', ['-c', `${command} --generate-cli-skeleton output`], { env });
    assert.equal(result.code, 0, `${command}: ${result.stderr}`);
  }
});

test('BGP state, each tunnel and both sides are asked for; a VPN that is not highly available says so', () => {
  assert.match(text, /bgpPeerStatus\[\]\.status, result\.bgpPeerStatus\[\]\.state/);
  assert.match(text, /numLearnedRoutes/);
  for (const index of [0, 1, 2, 3]) assert.match(text, new RegExp(`vpn-tunnels describe postern-vpn-tunnel-${index} `));
  assert.match(text, /VgwTelemetry/);
  assert.doesNotMatch(text, /99\.99/);
  const single = dashboard(parseInstance('c', exampleText({ highAvailable: false })).instance);
  assert.match(single, /Not highly available.*99\.99 % topology/);
  assert.doesNotMatch(single, /tunnel-2/);
});

test('what is off has no section, and nothing secret is in the text', () => {
  const off = dashboard(
    parseInstance('c', exampleText().replace('connect:\n      enabled: true', 'connect:\n      enabled: false'))
      .instance,
  );
  assert.doesNotMatch(off, /## Tunnel/);
  assert.doesNotMatch(text, /secret|psk|random_password/i);
});

test('words are quoted as bash reads them', { skip: need('bash') }, () => {
  for (const value of [
    'plain',
    "it's",
    'a b',
    '--filter=name~^x',
    '$HOME `id`',
    "--query=x[?a=='b'].c",
    '"',
    '\\',
    '!',
    '*',
    '--format=a(b)',
  ]) {
    const { stdout } = spawnSync('bash', ['-c', `printf %s ${word(value)}`], { encoding: 'utf8' });
    assert.equal(stdout, value);
  }
});
