/**
 * Staged private DNS against the AWS simulator: deploy refuses until the customer has accepted, and verify says who must. Every cause
 * of an endpoint is provoked here.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { need, postern, run, startPostern, temporaryDirectory, terraformEnvironment } from '@postern/testing';
import { endpointCauses } from '../../../packages/infra/src/verify/causes.ts';
import { exampleText } from '../../../packages/infra/src/testdata/example.ts';

const ours = '123456789012';
const customer = '210987654321';

test(
  'privateDnsEnabled waits for the endpoint; verify names each state of it',
  { skip: need('terraform', 'aws') },
  async () => {
    using scratch = temporaryDirectory();
    await using lab = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0']);
    const [, url = ''] = await lab.line(/listening on (http:\/\/127\.0\.0\.1:\d+)/);
    const envOf = (account: string): NodeJS.ProcessEnv => ({
      ...terraformEnvironment(scratch.path, { aws: 'stub' }),
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: account,
      AWS_SECRET_ACCESS_KEY: 'any',
      AWS_DEFAULT_REGION: 'eu-central-1',
      // Nobody answers there: Google's side is unknown, and hides nothing of AWS's.
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: 'http://127.0.0.1:9/compute/v1/',
      CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    });
    const aws = async (account: string, query: string, ...args: string[]): Promise<string> => {
      const all = [...args, '--query', query, '--output', 'text'];
      const { code, stdout, stderr } = await run('aws', all, { env: envOf(account) });
      assert.equal(code, 0, `${args.join(' ')}\n${stderr}`);
      return stdout.trim();
    };
    const network = async (account: string): Promise<{ vpc: string; subnet: string }> => {
      const vpc = await aws(account, 'Vpc.VpcId', 'ec2', 'create-vpc', '--cidr-block', '10.200.0.0/20');
      const flags = ['--vpc-id', vpc, '--cidr-block', '10.200.0.0/24', '--availability-zone', 'eu-central-1a'];
      return { vpc, subnet: await aws(account, 'Subnet.SubnetId', 'ec2', 'create-subnet', ...flags) };
    };

    const theirs = await network(customer);
    const lb = ['--name', 'git', '--type', 'network', '--scheme', 'internal', '--subnets', theirs.subnet];
    const arn = await aws(customer, 'LoadBalancers[0].LoadBalancerArn', 'elbv2', 'create-load-balancer', ...lb);
    const [name, id] = (
      await aws(
        customer,
        'ServiceConfiguration.[ServiceName,ServiceId]',
        'ec2',
        'create-vpc-endpoint-service-configuration',
        '--acceptance-required',
        '--network-load-balancer-arns',
        arn,
      )
    ).split(/\s+/) as [string, string];
    await aws(
      customer,
      'ReturnValue',
      'ec2',
      'modify-vpc-endpoint-service-permissions',
      '--service-id',
      id,
      '--add-allowed-principals',
      `arn:aws:iam::${ours}:root`,
    );

    const dir = join(scratch.path, 'instance');
    mkdirSync(dir);
    const text = exampleText({ privateDnsEnabled: true })
      .replaceAll(/com\.amazonaws\.vpce\.eu-central-1\.vpce-svc-0123456789abcdef0/g, name)
      .replace(/      gke:\n.*\n/, '')
      .replace('nat: {enabled: true', 'nat: {enabled: false')
      .replace(/    privateDNS:\n(      .*\n)+/, '')
      .replace(/    connect:\n(      .*\n)+/, '');
    writeFileSync(join(dir, 'config.yaml'), text);
    const generated = await postern(['generate', 'cdktf', dir]);
    assert.equal(generated.code, 0, generated.stderr);
    const options = { env: envOf(ours) };
    const deploy = ['instance', 'deploy', dir, '--target', 'awsvpn', '--ignore-dependencies', '--auto-approve'];
    const seen = new Set<string | undefined>();
    const cause = async (): Promise<string | undefined> => {
      const { stdout } = await postern(['instance', 'verify', dir, '-o', 'json'], options);
      const { checks } = JSON.parse(stdout) as { checks: { path: string; causeID?: string; verdict: string }[] };
      assert.equal(checks.find(({ path }) => path === 'vpn')?.verdict, 'unknown');
      const link = checks.find(({ path }) => path === 'privatelink');
      const found = link?.causeID ?? link?.verdict;
      seen.add(found);
      return found;
    };
    const control = async (page: string, body: object): Promise<void> => {
      const response = await fetch(`${url}/_postern/${page}`, { method: 'POST', body: JSON.stringify(body) });
      assert.ok(response.ok, await response.text());
    };

    const absent = await postern(deploy, options);
    assert.equal(absent.code, 2, absent.stderr);
    assert.match(absent.stderr, /its endpoint does not exist yet/);
    assert.equal(await cause(), 'endpoint-absent');

    const mine = await network(ours);
    const tag = `ResourceType=vpc-endpoint,Tags=[{Key=Name,Value=postern-${id}}]`;
    const made = ['--vpc-endpoint-type', 'Interface', '--service-name', name, '--vpc-id', mine.vpc];
    const where = ['--subnet-ids', mine.subnet, '--tag-specifications', tag];
    const create = () => aws(ours, 'VpcEndpoint.VpcEndpointId', 'ec2', 'create-vpc-endpoint', ...made, ...where);
    const endpoint = await create();
    const pending = await postern(deploy, options);
    assert.equal(pending.code, 2, pending.stderr);
    assert.match(pending.stderr, /is pendingAcceptance: the customer, who owns the service, must accept it first/);
    assert.match(
      pending.stderr,
      new RegExp(`accept-vpc-endpoint-connections --service-id ${id} --vpc-endpoint-ids ${endpoint}`),
    );
    assert.equal(await cause(), 'endpoint-pending');

    const both = ['--service-id', id, '--vpc-endpoint-ids', endpoint];
    await aws(customer, 'Unsuccessful', 'ec2', 'reject-vpc-endpoint-connections', ...both);
    assert.equal(await cause(), 'endpoint-rejected');

    // Accepted after all, and AWS takes its time.
    const minuteMs = 60_000;
    await control('rules', { match: { kind: 'vpc-endpoint', state: 'available' }, effect: { delay: minuteMs } });
    await aws(customer, 'Unsuccessful', 'ec2', 'accept-vpc-endpoint-connections', ...both);
    assert.equal(await cause(), 'endpoint-starting');
    await control('time', { advanceMs: minuteMs });
    assert.equal(await cause(), 'security-group', 'the VPC’s default group admits nobody from outside');

    const groups = ['ec2', 'describe-security-groups', '--filters', `Name=vpc-id,Values=${mine.vpc}`];
    const group = await aws(ours, 'SecurityGroups[0].GroupId', ...groups);
    for (const range of ['10.128.0.0/20', '10.64.0.0/14']) {
      const rule = ['--group-id', group, '--protocol', 'tcp', '--port', '443', '--cidr', range];
      await aws(ours, 'Return', 'ec2', 'authorize-security-group-ingress', ...rule);
    }
    assert.equal(await cause(), 'private-dns-off');
    writeFileSync(join(dir, 'config.yaml'), text.replace('privateDnsEnabled: true', 'privateDnsEnabled: false'));
    assert.equal(await cause(), 'ok');

    // Nobody accepts the next one for a week.
    await aws(ours, 'Unsuccessful', 'ec2', 'delete-vpc-endpoints', '--vpc-endpoint-ids', endpoint);
    await create();
    assert.equal(await cause(), 'endpoint-pending');
    await control('time', { advanceMs: 8 * 24 * 60 * minuteMs });
    assert.equal(await cause(), 'endpoint-failed');

    assert.deepEqual(seen, new Set([...endpointCauses.map((row) => row.id), 'ok']), 'a cause was not provoked');
  },
);
