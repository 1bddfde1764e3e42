/** The commands as a person types them: plan, status, leaks, the guard, a real kill, the metrics. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, need, postern, run, type Running, startPostern, temporaryDirectory } from '@postern/testing';
import {
  clusterDeployment,
  kubeconfigSecret,
  makeLoadBalancer,
  remains,
  removeFile,
  stageCluster,
  writeFile,
} from './world.ts';

let simulator: Running;
let url: string;
before(async () => {
  simulator = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
  url = (await simulator.line(/(http:\/\/\S+)/))[1]!;
});
after(async () => simulator[Symbol.asyncDispose]());

const privatelink = (verb: string, folder: string, ...more: string[]) =>
  postern(['privatelink', verb, '--resources', folder, '--aws-endpoint', url, ...more]);

test('plan says what and why and changes nothing, not even in the folder', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  const { code, stdout } = await privatelink('plan', dir.path);
  assert.equal(code, 0);
  for (const line of [
    /create a VPC endpoint service before arn:/,
    /because no endpoint for acme-x7k2p exists; vpc-\w+ has the fewest/,
    /create the private hosted zone api\.acme\.acme\.example/,
  ])
    assert.match(stdout, line);
  assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
  assert.ok(!existsSync(join(dir.path, '.postern')));
  assert.equal((await privatelink('controller', dir.path, '--once')).code, 0);
  assert.match((await privatelink('plan', dir.path)).stdout, /acme: nothing to do/);
});

test('status tells conditions, ids and what is wrong with the files; a broken file keeps its link', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  assert.match((await privatelink('status', dir.path)).stdout, /acme .*a controller to see it/);
  await privatelink('controller', dir.path, '--once');
  const { endpoints } = await remains(hub, customer);
  const links = JSON.parse((await privatelink('status', dir.path, '-o', 'json')).stdout) as Array<{
    link: { vpcEndpointID: string };
  }>;
  assert.equal(links[0]!.link.vpcEndpointID, endpoints[0]!.VpcEndpointId);
  writeFileSync(
    join(dir.path, 'acme.yaml'),
    'apiVersion: hive.openshift.io/v1\nkind: ClusterDeployment\nmetadata: {name: acme, namespace: clusters}\nspec: {platform: {aws: {privateLink: {enabeld: true}}}}\n',
  );
  const broken = await privatelink('status', dir.path, 'acme');
  assert.match(broken.stdout, /Ready: +True/);
  assert.match(
    broken.stderr,
    /acme\.yaml:4:\d+: spec\.platform\.aws\.privateLink\.enabeld: unknown key, did you mean enabled\?/,
  );
  const once = await privatelink('controller', dir.path, '--once');
  assert.equal(once.code, 2);
  assert.deepEqual(
    (await remains(hub, customer)).endpoints.map(({ VpcEndpointId }) => VpcEndpointId),
    [endpoints[0]!.VpcEndpointId],
  );
});

test('an emptied folder deletes nothing until --confirm-prune; removed while nobody ran, all is still taken away', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await privatelink('controller', dir.path, '--once');
  for (const file of readdirSync(dir.path).filter((name) => name.endsWith('.yaml'))) rmSync(join(dir.path, file));
  const held = await privatelink('controller', dir.path, '--once');
  assert.equal(held.code, 1);
  assert.match(held.stdout, /held: 2 of 2 objects went from the files in one look/);
  assert.match((await privatelink('status', dir.path)).stderr, /Deletions are held/);
  assert.equal((await remains(hub, customer)).endpoints.length, 1);
  const confirmed = await privatelink('controller', dir.path, '--once', '--confirm-prune');
  assert.equal(confirmed.code, 0, confirmed.stderr);
  assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
});

test('leaks lists what carries our tag and belongs to nobody', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await privatelink('controller', dir.path, '--once');
  assert.equal((await privatelink('leaks', dir.path)).stdout, 'No leaks.\n');
  rmSync(join(dir.path, '.postern'), { recursive: true });
  removeFile(dir.path, 'acme.yaml');
  // Another cluster of the same customer, so that somebody's credentials see its account.
  await makeLoadBalancer(customer, 'other-x7k2p-int');
  const credentials = { aws_access_key_id: customer.account, aws_secret_access_key: 'any' };
  writeFile(dir.path, 'other.yaml', clusterDeployment('other'), kubeconfigSecret('other', 'api.other.acme.example'), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'customer-credentials', namespace: 'clusters' },
    stringData: credentials,
  });
  const { stdout } = await privatelink('leaks', dir.path, '-o', 'json');
  const leaks = JSON.parse(stdout) as Array<{ kind: string; owner: string }>;
  assert.deepEqual(leaks.map(({ kind, owner }) => `${kind} ${owner}`).toSorted(), [
    'endpoint acme-x7k2p',
    'service acme-x7k2p',
    'zone acme-x7k2p',
  ]);
  assert.equal((await remains(hub, customer)).endpoints.length, 1, 'it deletes nothing');
});

test('killed with SIGKILL at any moment, the next start ends in the same world; metrics tell of it', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  for (const pattern of [
    /create a VPC endpoint service/,
    /create a VPC endpoint in/,
    /create the private hosted zone/,
  ]) {
    await using controller = startPostern([
      'privatelink',
      'controller',
      '--resources',
      dir.path,
      '--aws-endpoint',
      url,
    ]);
    await controller.line(pattern);
    await controller.stop('SIGKILL');
  }
  const args = ['privatelink', 'controller', '--resources', dir.path, '--aws-endpoint', url, '--admin', '127.0.0.1:0'];
  await using controller = startPostern(args);
  const admin = (await controller.line(/"admin":"([^"]+)"/))[1]!;
  const metrics = await eventually('a ready link in the metrics', async () => {
    const text = await (await fetch(`http://${admin}/metrics`)).text();
    return /postern_privatelink_links\{[^}]*state="ready"[^}]*\} 1/.test(text) ? text : undefined;
  });
  for (const name of [
    'postern_aws_calls_total',
    'postern_aws_throttles_total',
    'postern_privatelink_vpc_endpoints',
    'postern_privatelink_time_to_ready_seconds',
    'postern_privatelink_leaks',
  ])
    assert.ok(metrics.includes(name), name);
  const { endpoints, services, zones } = await remains(hub, customer);
  assert.deepEqual([endpoints.length, services.length, zones.length], [1, 1, 1]);
  assert.equal((await controller.stop()).code, 0);
});

test('the aws command (botocore) sees the same world: one of each, then none', { skip: need('aws') }, async () => {
  using dir = temporaryDirectory();
  const { hub } = await stageCluster(url, dir.path);
  const count = async (...args: string[]): Promise<string> => {
    const environment = {
      ...process.env,
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: hub.account,
      AWS_SECRET_ACCESS_KEY: 'any',
      AWS_DEFAULT_REGION: 'eu-central-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const { stdout, stderr } = await run('aws', [...args, '--output', 'json'], { env: environment });
    return `${stdout}${stderr}`.trim();
  };
  const endpoints = ['ec2', 'describe-vpc-endpoints', '--query', "length(VpcEndpoints[?State!='deleted'])"];
  const zones = ['route53', 'list-hosted-zones', '--query', 'length(HostedZones)'];
  await privatelink('controller', dir.path, '--once');
  assert.deepEqual([await count(...endpoints), await count(...zones)], ['1', '1']);
  removeFile(dir.path, 'acme.yaml');
  await privatelink('controller', dir.path, '--once');
  assert.deepEqual([await count(...endpoints), await count(...zones)], ['0', '0']);
});

test('a wrong command line ends with 2 and the next step', async () => {
  for (const [args, says] of [
    [['controller'], /--resources DIR is missing/],
    [['controller', '--resources', '/nonexistent'], /does not exist/],
    [['plan', '--resources', '.', '--aws-endpoint', 'nonsense'], /not a URL such as/],
    [['status', 'nobody', '--resources', '/usr/share/zoneinfo'], /no link nobody/],
  ] as const) {
    const { code, stderr } = await postern(['privatelink', ...args]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
  }
});
