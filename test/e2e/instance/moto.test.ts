/**
 * The AWS parts for real: Terraform and the AWS provider against moto (Google and random are stubs). Terraform is killed while it
 * makes the VPC, and the next run takes the VPC over. What moto lacks or answers wrongly is listed, not hidden.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  eventually,
  need,
  needAwsProvider,
  postern,
  run,
  Running,
  startPostern,
  temporaryDirectory,
  terraformEnvironment,
} from '@postern/testing';
import { exampleText } from '../../../packages/infra/src/testdata/example.ts';

const skip = need('terraform', 'moto_server', 'aws') || needAwsProvider();
const region = 'eu-central-1';
/** What stock moto 5.2 cannot do; anything else that fails is ours. */
const motoLacks: Readonly<Record<string, string>> = {
  'aws_vpn_gateway_route_propagation.private': 'EnableVgwRoutePropagation is not implemented',
  'aws_vpn_connection.google_0': 'tunnel options are answered with constants, the same for both tunnels',
  'aws_vpn_connection.google_1': 'tunnel options are answered with constants, the same for both tunnels',
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('the AWS stacks on moto: killed, resumed, applied, destroyed', { skip }, async (t) => {
  using scratch = temporaryDirectory();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using _moto = new Running('moto_server', ['-H', '127.0.0.1', '-p', String(port)]);
  await eventually('moto to answer', async () => (await fetch(`${url}/moto-api/`)).ok, 60_000);
  const { AWS_CA_BUNDLE: _bundle, ...plain } = terraformEnvironment(scratch.path, { aws: 'real' });
  const env = {
    ...plain,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'moto',
    AWS_SECRET_ACCESS_KEY: 'moto',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_DEFAULT_REGION: region,
  };
  const aws = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('aws', ['--endpoint-url', url, '--output', 'text', ...args], { env });
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };

  // The customer's half, so that the service name exists.
  const subnet = (await aws('ec2', 'describe-subnets', '--query', 'Subnets[0].SubnetId')).split(/\s/)[0]!;
  const nlb = ['--name', 'nlb', '--type', 'network', '--scheme', 'internal', '--subnets', subnet];
  const arn = await aws('elbv2', 'create-load-balancer', ...nlb, '--query', 'LoadBalancers[0].LoadBalancerArn');
  const service = await aws(
    'ec2',
    'create-vpc-endpoint-service-configuration',
    '--network-load-balancer-arns',
    arn,
    '--query',
    'ServiceConfiguration.ServiceName',
  );

  const dir = join(scratch.path, 'instance');
  mkdirSync(dir);
  const text = exampleText()
    .replace(/      gke:\n.*\n/, '')
    .replace('nat: {enabled: true', 'nat: {enabled: false')
    .replace(/    privateDNS:\n(      .*\n)+/, '')
    .replace(/    connect:\n(      .*\n)+/, '')
    .replace(/com\.amazonaws\.vpce\.\S+/, service);
  writeFileSync(join(dir, 'config.yaml'), text);
  assert.equal((await postern(['generate', 'cdktf', dir])).code, 0);
  // The provider would retry what moto does not implement for minutes.
  for (const stack of ['awsvpc', 'awsvpn']) {
    const file = join(dir, `terraform/stacks/${stack}/cdk.tf.json`);
    const json = JSON.parse(readFileSync(file, 'utf8')) as { provider: { aws: Record<string, unknown>[] } };
    json.provider.aws[0]!['max_retries'] = 1;
    writeFileSync(file, JSON.stringify(json));
  }
  const options = { env };
  const vpcs = (): Promise<string> =>
    aws('ec2', 'describe-vpcs', '--filters', 'Name=tag:Name,Values=postern', '--query', 'length(Vpcs)');

  const onlyVpc = ['instance', 'deploy', dir, '--target', 'awsvpc', '--auto-approve'];
  await using first = startPostern(onlyVpc, options);
  await first.line(/aws_vpc\.main: creating/, 60_000);
  await eventually('the VPC in moto', async () => (await vpcs()) === '1');
  const record = JSON.parse(readFileSync(join(dir, 'state/run.json'), 'utf8')) as { pid: number };
  process.kill(record.pid, 'SIGKILL');
  const { code, stderr: killed } = await first.finished;
  assert.equal(code, 1, killed);
  assert.match(killed, /ended without a word \(was it killed\?\)/);

  const resumed = await postern(onlyVpc, options);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stderr, /aws_vpc\.main was made by the run that was killed; taken over as vpc-/);
  assert.equal(await vpcs(), '1');
  const again = await postern(onlyVpc, options);
  assert.equal(again.stdout, 'awsvpc: unchanged\n');

  const vpn = await postern(['instance', 'deploy', dir, '--auto-approve'], options);
  const failed = [...vpn.stderr.matchAll(/awsvpn: (\S+): \w+ FAILED/g)].map(([, address]) => address!);
  for (const address of failed) {
    assert.ok(address in motoLacks, `${address}\n${vpn.stderr}`);
    t.diagnostic(`moto lacks: ${address}: ${motoLacks[address]}`);
  }
  const planned = await postern(['instance', 'plan', dir, '-o', 'json'], options);
  const { stacks } = JSON.parse(planned.stdout) as {
    stacks: { stack: string; changes: { address: string; action: string }[] }[];
  };
  assert.deepEqual(stacks.find(({ stack }) => stack === 'awsvpc')?.changes, []);
  for (const { address, action } of stacks.find(({ stack }) => stack === 'awsvpn')!.changes) {
    assert.ok(address in motoLacks, `a second plan would ${action} ${address}`);
    t.diagnostic(`moto answers wrongly: a second plan would ${action} ${address}: ${motoLacks[address]}`);
  }

  const destroyed = await postern(['instance', 'destroy', dir, '--auto-approve'], options);
  assert.equal(destroyed.code, 0, destroyed.stderr);
  assert.equal(await vpcs(), '0');
});
