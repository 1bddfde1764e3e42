/** `postern lab aws` as its users run it: with the aws command line, over a restart, and with slips of the pen. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { need, postern, run, startPostern, temporaryDirectory } from '@postern/testing';

const listening = /listening on (http:\/\/127\.0\.0\.1:\d+)/;

async function aws(endpoint: string, account: string, ...args: string[]) {
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: account,
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_PAGER: '',
  };
  const result = await run('aws', [...args, '--output', 'json'], { env });
  return {
    code: result.code,
    stderr: result.stderr,
    value: result.stdout === '' ? {} : (JSON.parse(result.stdout) as Record<string, unknown>),
  };
}

test('the aws command works on it, and a state file outlives a restart', { skip: need('aws') }, async () => {
  using directory = temporaryDirectory();
  const state = join(directory.path, 'world.sqlite');
  let vpc = '';
  {
    await using first = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--state', state]);
    const [, url = ''] = await first.line(listening);
    const made = await aws(url, '111111111111', 'ec2', 'create-vpc', '--cidr-block', '10.0.0.0/16');
    vpc = (made.value['Vpc'] as { VpcId: string }).VpcId;
    const stopped = await first.stop();
    assert.equal(stopped.code, 0);
  }
  await using second = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--state', state]);
  const [, url = ''] = await second.line(listening);
  const seen = await aws(url, '111111111111', 'ec2', 'describe-vpcs', '--vpc-ids', vpc);
  assert.equal((seen.value['Vpcs'] as { State: string }[])[0]?.State, 'available');
  const other = await aws(url, '222222222222', 'ec2', 'describe-vpcs', '--vpc-ids', vpc);
  assert.notEqual(other.code, 0);
  assert.match(other.stderr, /InvalidVpcID\.NotFound/);
  const repository = await aws(url, '111111111111', 'ecr', 'create-repository', '--repository-name', 'a/b');
  assert.equal(
    (repository.value['repository'] as { repositoryUri: string }).repositoryUri,
    '111111111111.dkr.ecr.eu-central-1.amazonaws.com/a/b',
  );
});

test('slips are named before anything starts', async () => {
  const missing = await postern(['lab', 'aws']);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /--listen/);
  const wrong = await postern(['lab', 'aws', '--listen', 'nowhere']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /127\.0\.0\.1:8080/);
  using directory = temporaryDirectory();
  const rules = join(directory.path, 'rules.json');
  writeFileSync(rules, '[{"match": {"acton": "x"}, "effect": {"throttle": true}}, {"effect": {"pageSize": 0}}]');
  const both = await postern(['lab', 'aws', '--listen', '127.0.0.1:0', '--rules', rules]);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /\[0\].*acton/);
  assert.match(both.stderr, /\[1\]/);
  writeFileSync(join(directory.path, 'not-a-database'), 'text that is no database, and long enough to be read as one');
  const state = await postern([
    'lab',
    'aws',
    '--listen',
    '127.0.0.1:0',
    '--state',
    join(directory.path, 'not-a-database'),
  ]);
  assert.equal(state.code, 1);
  assert.match(state.stderr, /SQLite/);
});

test('a busy port is said so', async () => {
  await using first = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
  const [, port] = await first.line(/http:\/\/127\.0\.0\.1:(\d+)/);
  const second = await postern(['lab', 'aws', '--listen', `127.0.0.1:${port}`]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another program uses that port/);
});
