/** What a bad day at AWS looks like: rules, pages, quotas, eventual consistency, and the journal that tells what happened. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { EC2 } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingV2 } from '@aws-sdk/client-elastic-load-balancing-v2';
import { Route53 } from '@aws-sdk/client-route-53';
import { type AwsSimulator, startAwsSimulator } from './index.ts';

let simulator: AwsSimulator;
const config = (maxAttempts = 1) => ({
  endpoint: simulator.url,
  region: 'eu-central-1',
  credentials: { accessKeyId: '111111111111', secretAccessKey: 'any' },
  maxAttempts,
});
let ec2: EC2;
before(async () => {
  simulator = await startAwsSimulator();
  ec2 = new EC2(config());
});
afterEach(() => simulator.reset());
after(() => simulator.close());

const makeVpcs = async (count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await ec2.createVpc({ CidrBlock: `10.${i}.0.0/16` })).Vpc!.VpcId!);
  return ids;
};

const calls = (action: string) => simulator.journal().filter((entry) => entry.action === action);

test('a rule answers with an error, so often, from a call on; the journal says which rule it was', async () => {
  const rule = simulator.rule({
    match: { action: 'DescribeVpcs' },
    skip: 1,
    times: 2,
    effect: { error: { code: 'InternalError', message: 'no', status: 500 } },
  });
  await ec2.describeVpcs({});
  await assert.rejects(ec2.describeVpcs({}), { name: 'InternalError', message: 'no' });
  await assert.rejects(ec2.describeVpcs({}), { name: 'InternalError' });
  await ec2.describeVpcs({});
  assert.deepEqual(
    calls('DescribeVpcs').map(({ status, rules }) => [status, rules?.[0]]),
    [
      [200, undefined],
      [500, rule.id],
      [500, rule.id],
      [200, undefined],
    ],
  );
});

test('a rule concerns an account, a parameter, a principal', async () => {
  simulator.rule({ match: { action: 'Create*', account: '999999999999' }, effect: { error: { code: 'Nope' } } });
  simulator.rule({
    match: { action: 'CreateVpc', input: { CidrBlock: '10.9.*' } },
    effect: { error: { code: 'OnlyThat' } },
  });
  await ec2.createVpc({ CidrBlock: '10.8.0.0/16' });
  await assert.rejects(ec2.createVpc({ CidrBlock: '10.9.0.0/16' }), { name: 'OnlyThat' });
});

test("throttling speaks each service's own code, and the SDK retries it", async () => {
  for (const [service, code] of [
    ['ec2', 'RequestLimitExceeded'],
    ['elasticloadbalancing', 'Throttling'],
    ['route53', 'Throttling'],
  ] as const) {
    simulator.rule({ match: { service }, times: 2, effect: { throttle: true } });
    const patient = { ...config(3), retryMode: 'standard' };
    if (service === 'ec2') await new EC2(patient).describeVpcs({});
    else if (service === 'route53') await new Route53(patient).listHostedZones({});
    else await new ElasticLoadBalancingV2(patient).describeLoadBalancers({});
    assert.deepEqual(
      simulator
        .journal()
        .filter((entry) => entry.service === service)
        .map(({ error }) => error),
      [code, code, undefined],
    );
  }
});

test('a dropped connection before the call leaves nothing; after it, the work is done and only the answer is lost', async () => {
  simulator.rule({ match: { action: 'CreateVpc' }, times: 1, effect: { drop: 'before' } });
  await assert.rejects(ec2.createVpc({ CidrBlock: '10.0.0.0/16' }));
  assert.deepEqual((await ec2.describeVpcs({})).Vpcs, []);
  simulator.rule({ match: { action: 'CreateVpc' }, times: 1, effect: { drop: 'after' } });
  await assert.rejects(ec2.createVpc({ CidrBlock: '10.0.0.0/16' }));
  assert.equal((await ec2.describeVpcs({})).Vpcs?.length, 1);
  assert.deepEqual(
    calls('CreateVpc').map(({ error }) => error),
    ['ConnectionDropped', 'ConnectionDropped'],
  );
});

test('pages of any size, also an empty first one with a token; nothing is skipped or given twice while items go', async () => {
  const ids = await makeVpcs(7);
  simulator.rule({ match: { action: 'DescribeVpcs' }, effect: { pageSize: 2 } });
  simulator.rule({ match: { action: 'DescribeVpcs' }, effect: { emptyPage: true } });
  const seen: string[][] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.describeVpcs(NextToken === undefined ? {} : { NextToken });
    seen.push((page.Vpcs ?? []).map(({ VpcId }) => VpcId!));
    NextToken = page.NextToken;
    if (seen.length === 2) for (const VpcId of [ids[0]!, ids[3]!]) await ec2.deleteVpc({ VpcId });
  } while (NextToken !== undefined);
  assert.deepEqual(seen[0], [], 'the first page is empty and carries a token');
  assert.deepEqual(
    seen.flat(),
    ids.filter((id) => id !== ids[3]),
  );
  await assert.rejects(ec2.describeVpcs({ NextToken: 'made-up' }), { name: 'InvalidNextToken' });
  await assert.rejects(ec2.describeVpcs({ MaxResults: 2 }), { name: 'InvalidParameterValue' });
});

test('per-item refusals by rule: the call succeeds and the item does not', async () => {
  simulator.rule({
    match: { action: 'DeleteVpcEndpoints' },
    times: 1,
    effect: { unsuccessful: { code: 'InternalError' } },
  });
  const refused = await ec2.deleteVpcEndpoints({ VpcEndpointIds: ['vpce-0123456789abcdef0'] });
  assert.equal(refused.Unsuccessful?.[0]?.Error?.Code, 'InternalError');
  const absent = await ec2.deleteVpcEndpoints({ VpcEndpointIds: ['vpce-0123456789abcdef0'] });
  assert.equal(absent.Unsuccessful?.[0]?.Error?.Code, 'InvalidVpcEndpoint.NotFound');
});

test('what is new may stay unseen for a while', async () => {
  simulator.rule({ match: { action: 'DescribeVpcs' }, effect: { hideNewForMs: 5000 } });
  const [id] = await makeVpcs(1);
  assert.deepEqual((await ec2.describeVpcs({})).Vpcs, []);
  await assert.rejects(ec2.describeVpcs({ VpcIds: [id!] }), { name: 'InvalidVpcID.NotFound' });
  simulator.world.advance(5000);
  assert.equal((await ec2.describeVpcs({ VpcIds: [id!] })).Vpcs?.length, 1);
});

test('a rule stretches how long a state takes', async () => {
  simulator.rule({ match: { kind: 'vpc', state: 'available' }, effect: { delay: 3_600_000 } });
  await makeVpcs(1);
  simulator.world.advance(60_000);
  assert.equal((await ec2.describeVpcs({})).Vpcs?.[0]?.State, 'pending');
  simulator.world.advance(3_600_000);
  assert.equal((await ec2.describeVpcs({})).Vpcs?.[0]?.State, 'available');
});

test('quotas refuse, and can be set', async () => {
  await fetch(`${simulator.url}/_postern/quotas`, { method: 'PUT', body: '{"vpcsPerRegion": 2}' });
  await makeVpcs(2);
  await assert.rejects(ec2.createVpc({ CidrBlock: '10.9.0.0/16' }), { name: 'VpcLimitExceeded' });
});

test('a dry run says what would be and does nothing; an unknown parameter and an unknown action are named', async () => {
  await assert.rejects(ec2.createVpc({ CidrBlock: '10.0.0.0/16', DryRun: true }), { name: 'DryRunOperation' });
  assert.deepEqual(simulator.state(), {});
  const raw = async (body: string): Promise<string> => {
    const authorization =
      'AWS4-HMAC-SHA256 Credential=111111111111/20261121/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=0';
    const answer = await fetch(simulator.url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    return /<Code>([^<]+)<\/Code>/.exec(await answer.text())?.[1] ?? '';
  };
  assert.equal(await raw('Action=DescribeVpcs&Version=2016-11-15&Colour=red'), 'UnknownParameter');
  assert.equal(await raw('Action=MakeCoffee&Version=2016-11-15'), 'InvalidAction');
  assert.equal(await raw('Action=CreateVpcEndpoint&Version=2016-11-15'), 'MissingParameter');
  assert.equal(await raw('Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1'), 'NotSimulated');
});

test('the control pages: rules are checked, the journal is filtered, a browser page cannot reach them', async () => {
  const page = async (path: string, init?: RequestInit): Promise<{ status: number; body: Record<string, unknown> }> => {
    const answer = await fetch(`${simulator.url}/_postern${path}`, init);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const wrong = await page('/rules', {
    method: 'POST',
    body: '{"match": {"acton": "x"}, "effect": {"throttle": true}}',
  });
  assert.equal(wrong.status, 400);
  assert.match(String(wrong.body['error']), /acton/);
  assert.equal(
    (await page('/rules', { method: 'POST', body: '{"id": "one", "effect": {"throttle": true}}' })).status,
    200,
  );
  assert.equal((await page('/rules/one', { method: 'DELETE' })).status, 200);
  await makeVpcs(1);
  await ec2.describeVpcs({});
  const changes = (await page('/journal?changes=true&service=ec2')).body['entries'] as { action: string }[];
  assert.deepEqual(
    changes.map(({ action }) => action),
    ['CreateVpc'],
  );
  assert.deepEqual(Object.keys((await page('/state?account=111111111111')).body), [
    'dhcp-options',
    'network-acl',
    'route-table',
    'security-group',
    'security-group-rule',
    'vpc',
  ]);
  assert.equal((await page('/nowhere')).status, 404);
});
