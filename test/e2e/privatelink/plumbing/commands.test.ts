/** The commands as a person types them: enable, endpointvpc, verify, permissions, disable; a real kill; what is refused. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { need, postern, run, type Running, startPostern, temporaryDirectory } from '@postern/testing';
import { stringify } from 'yaml';
import {
  clients,
  credentials,
  freshAccount,
  makeCustomer,
  makeLoadBalancer,
  makeVpc,
  region,
  removeFile,
  writeCluster,
} from '../world.ts';

let simulator: Running;
let url: string;
before(async () => {
  simulator = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
  url = (await simulator.line(/(http:\/\/\S+)/))[1]!;
});
after(async () => simulator[Symbol.asyncDispose]());

const privatelink = (folder: string, ...args: string[]) =>
  postern(['privatelink', ...args, '--resources', folder, '--aws-endpoint', url]);

const succeeds = async (folder: string, ...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await privatelink(folder, ...args);
  assert.equal(code, 0, `${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
};

const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');

async function stage(folder: string) {
  const account = freshAccount();
  const aws = clients(url, account);
  const hive = await makeVpc(aws, '10.0', 'ab');
  const endpoint = await makeVpc(aws, '10.1', 'abc');
  writeFileSync(join(folder, 'aws.yaml'), `# from the vault\n${stringify(credentials('aws-creds', 'ops', account))}`);
  const enable = ['enable', '--creds-secret', 'ops/aws-creds', '--hive-vpc', hive.vpc, '--region', region];
  const add = ['endpointvpc', 'add', endpoint.vpc, '--region', region, '--subnet-ids', endpoint.subnets.join(',')];
  return { account, aws, hive, endpoint, enable, add };
}

test('from an empty folder to a ready cluster, and all the way back', async () => {
  using dir = temporaryDirectory();
  const { account, aws, hive, endpoint, enable, add } = await stage(dir.path);
  const dry = await succeeds(dir.path, ...enable, '--dry-run');
  assert.match(
    dry,
    /2 steps, none of them done:\n1\. make the Secret hive\/awsprivatelink-hub-acct-creds from ops\/aws-creds/,
  );
  assert.ok(!existsSync(join(dir.path, 'hiveconfig-hive.yaml')));
  await succeeds(dir.path, ...enable);
  assert.match(
    read(dir.path, 'hiveconfig-hive.yaml'),
    new RegExp(`associatedVPCs:\\n +- region: ${region}\\n +vpcID: ${hive.vpc}`),
  );
  assert.equal(statSync(join(dir.path, 'secret-hive-awsprivatelink-hub-acct-creds.yaml')).mode & 0o777, 0o600);
  assert.match(await succeeds(dir.path, ...enable), /Nothing to do/);
  const other = await privatelink(dir.path, ...enable, '--dns-record-type', 'ARecord');
  assert.equal(other.code, 1);
  assert.match(other.stderr, /enabled already, otherwise: dnsRecordType is Alias/);
  const before = await privatelink(dir.path, 'verify');
  assert.equal(before.code, 1);
  assert.match(before.stdout, /no VPC is there for endpoints/);

  const planned = JSON.parse(await succeeds(dir.path, ...add, '--dry-run', '-o', 'json')) as {
    steps: { kind: string }[];
  };
  const done = await succeeds(dir.path, ...add);
  assert.match(done, new RegExp(`\\[1/${planned.steps.length}\\] request a peering.*\\n[^]*Done\\.\\n$`));
  assert.match(await succeeds(dir.path, ...add), /Nothing to do/);
  await aws.ec2.modifyVpcAttribute({ VpcId: hive.vpc, EnableDnsHostnames: { Value: true } });
  assert.doesNotMatch(await succeeds(dir.path, 'verify'), /^(fail|warn)/m);

  const customer = await makeCustomer(url);
  await makeLoadBalancer(customer, 'acme-x7k2p-int');
  writeCluster(dir.path, 'acme', customer);
  await succeeds(dir.path, 'controller', '--once');
  assert.match(await succeeds(dir.path, 'verify'), /ClusterDeployment\/clusters\/acme +its zone Z\w+ is associated/);
  const used = await privatelink(dir.path, 'endpointvpc', 'remove', endpoint.vpc);
  assert.equal(used.code, 1);
  assert.match(
    used.stderr,
    new RegExp(`${endpoint.vpc} is in use by ClusterDeployment/clusters/acme \\(vpce-\\w+, available\\)`),
  );
  const linked = await privatelink(dir.path, 'disable');
  assert.equal(linked.code, 1);
  assert.match(linked.stderr, /private links are in use by ClusterDeployment\/clusters\/acme/);
  removeFile(dir.path, 'acme.yaml');
  await succeeds(dir.path, 'controller', '--once');
  const connected = await privatelink(dir.path, 'disable');
  assert.equal(connected.code, 1);
  assert.match(connected.stderr, new RegExp(`endpointvpc remove ${endpoint.vpc}`));

  await succeeds(dir.path, 'endpointvpc', 'remove', endpoint.vpc);
  assert.match(await succeeds(dir.path, 'endpointvpc', 'remove', endpoint.vpc), /Nothing to do/);
  await succeeds(dir.path, 'disable');
  assert.doesNotMatch(read(dir.path, 'hiveconfig-hive.yaml'), /awsPrivateLink/);
  assert.ok(!existsSync(join(dir.path, 'secret-hive-awsprivatelink-hub-acct-creds.yaml')));
  assert.match(read(dir.path, 'aws.yaml'), /# from the vault/);
  assert.match(await succeeds(dir.path, 'disable'), /Nothing to do/);
  assert.equal(account.length, 12);
});

test('verify names what is broken, each by its own', async () => {
  using dir = temporaryDirectory();
  const { aws, hive, endpoint, enable, add } = await stage(dir.path);
  await succeeds(dir.path, ...enable);
  await succeeds(dir.path, ...add);
  const fails = async (pattern: RegExp): Promise<void> => {
    const { code, stdout } = await privatelink(dir.path, 'verify');
    assert.equal(code, 1, stdout);
    assert.match(stdout, pattern);
  };
  const main = { Filters: [{ Name: 'vpc-id', Values: [hive.vpc] }] };
  const table = (await aws.ec2.describeRouteTables(main)).RouteTables?.[0]?.RouteTableId;
  await aws.ec2.deleteRoute({ RouteTableId: table, DestinationCidrBlock: '10.1.0.0/16' });
  await fails(/fail +routes +\S+ -> \S+ +rtb-\w+ has no living way to 10\.1\.0\.0\/16/);
  await succeeds(dir.path, ...add);
  const inVpc = { Filters: [{ Name: 'vpc-id', Values: [endpoint.vpc] }] };
  const [group] = (await aws.ec2.describeSecurityGroups(inVpc)).SecurityGroups ?? [];
  const rule = { IpProtocol: 'tcp', FromPort: 6443, ToPort: 6443, IpRanges: [{ CidrIp: '10.0.0.0/16' }] };
  await aws.ec2.revokeSecurityGroupIngress({ GroupId: group?.GroupId, IpPermissions: [rule] });
  await fails(/fail +security group .* does not let in TCP 6443 from 10\.0\.0\.0\/16/);
  await succeeds(dir.path, ...add);
  await aws.ec2.modifyVpcAttribute({ VpcId: hive.vpc, EnableDnsSupport: { Value: false } });
  await fails(/fail +resolution +vpc-\w+ +enableDnsSupport is off/);
  const peering = (await aws.ec2.describeVpcPeeringConnections({})).VpcPeeringConnections?.find(
    ({ RequesterVpcInfo }) => RequesterVpcInfo?.VpcId === hive.vpc,
  );
  await aws.ec2.deleteVpcPeeringConnection({ VpcPeeringConnectionId: peering?.VpcPeeringConnectionId });
  await fails(/fail +connection +\S+ -> \S+ +there is neither a peering nor a way through a transit gateway/);
});

test('endpointvpc add killed with SIGKILL while it waits is completed by the next run', async () => {
  using dir = temporaryDirectory();
  const { account, enable, add, endpoint, aws } = await stage(dir.path);
  await succeeds(dir.path, ...enable);
  for (const action of ['AcceptVpcPeeringConnection', 'CreateRoute', 'AuthorizeSecurityGroupIngress']) {
    const rule = { id: action, match: { action, account }, effect: { latencyMs: 60_000 } };
    await fetch(`${url}/_postern/rules`, { method: 'POST', body: JSON.stringify(rule) });
    await using command = startPostern(['privatelink', ...add, '--resources', dir.path, '--aws-endpoint', url]);
    await command.line(
      /AcceptVpc/.test(action) ? /accept the peering/ : /CreateRoute/.test(action) ? /route 10/ : /let tcp/,
    );
    const { signal } = await command.stop('SIGKILL');
    assert.equal(signal, 'SIGKILL');
    assert.ok(!read(dir.path, 'hiveconfig-hive.yaml').includes(endpoint.vpc));
    await fetch(`${url}/_postern/rules/${action}`, { method: 'DELETE' });
  }
  await succeeds(dir.path, ...add);
  assert.match(await succeeds(dir.path, ...add), /Nothing to do/);
  const { VpcPeeringConnections = [] } = await aws.ec2.describeVpcPeeringConnections({});
  assert.equal(VpcPeeringConnections.filter(({ Status }) => Status?.Code === 'active').length, 1);
});

test('a wrong command line or world ends with 2 and the next step', async () => {
  using dir = temporaryDirectory();
  const { enable, add, endpoint } = await stage(dir.path);
  for (const [args, says] of [
    [['enable', '--creds-secret', 'nonsense', '--hive-vpc', 'vpc-1', '--region', region], /is not NAMESPACE\/NAME/],
    [['enable', '--creds-secret', 'ops/none', '--hive-vpc', 'vpc-1', '--region', region], /ops\/none does not exist/],
    [['enable', '--creds-secret', 'ops/aws-creds'], /say --hive-vpc VPC and --region REGION/],
    [add, /private links are not enabled[^]*run "postern privatelink enable" first/],
    [['endpointvpc', 'add', endpoint.vpc, '--region', region, '--subnet-ids', 'nonsense'], /is not a subnet id/],
  ] as const) {
    const { code, stderr } = await privatelink(dir.path, ...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
  }
  await succeeds(dir.path, ...enable);
  writeFileSync(
    join(dir.path, 'broken.yaml'),
    'apiVersion: hive.openshift.io/v1\nkind: ClusterDeployment\nmetadata: {name: x}\nspec: {platform: {aws: {}}}\n',
  );
  const broken = await privatelink(dir.path, ...add);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /broken\.yaml:4/);
});

test("OpenShift's Infrastructure says region and infra id; the VPC is found by its tag", async () => {
  using dir = temporaryDirectory();
  const { aws, hive } = await stage(dir.path);
  const infrastructure = {
    apiVersion: 'config.openshift.io/v1',
    kind: 'Infrastructure',
    metadata: { name: 'cluster' },
    status: { infrastructureName: 'hub-abc12', platformStatus: { type: 'AWS', aws: { region } } },
  };
  writeFileSync(join(dir.path, 'infrastructure.yaml'), stringify(infrastructure));
  const none = await privatelink(dir.path, 'enable', '--creds-secret', 'ops/aws-creds');
  assert.equal(none.code, 2);
  assert.match(none.stderr, /no VPC in eu-central-1 has the tag kubernetes\.io\/cluster\/hub-abc12/);
  await aws.ec2.createTags({
    Resources: [hive.vpc],
    Tags: [{ Key: 'kubernetes.io/cluster/hub-abc12', Value: 'shared' }],
  });
  await succeeds(dir.path, 'enable', '--creds-secret', 'ops/aws-creds');
  assert.ok(read(dir.path, 'hiveconfig-hive.yaml').includes(hive.vpc));
});

test(
  'permissions prints three documents, and Terraform that its formatter leaves alone',
  { skip: need('terraform') },
  async () => {
    const json = JSON.parse((await postern(['privatelink', 'permissions'])).stdout) as Record<
      string,
      { Statement: object[] }
    >;
    assert.deepEqual(Object.keys(json), ['hub', 'customer', 'associated']);
    using dir = temporaryDirectory();
    const { stdout } = await postern(['privatelink', 'permissions', '--format', 'terraform']);
    writeFileSync(join(dir.path, 'policies.tf'), stdout);
    const { code, stdout: diff } = await run('terraform', ['fmt', '-check', '-diff', dir.path]);
    assert.equal(code, 0, diff);
  },
);
