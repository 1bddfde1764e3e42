/** Property 2, and who else sees that nothing is left: boto3, an SDK that shares no code with ours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import type { AwsSimulator } from '@postern/lab/aws';
import { eventually, findProgram, need, needThat, run, temporaryDirectory } from '@postern/testing';
import { clusterDeploymentKind as clusterKind } from '../../../packages/privatelink/src/kinds/index.ts';
import { running, runOnce, startSimulator } from './harness.ts';
import { clients, credentials, freshAccount, makeThirdParty, makeVpc, region, remains, removeFile } from './world.ts';
import { stageCluster, writeFile } from './world.ts';

let simulator: AwsSimulator;
let url: string;
before(async () => {
  simulator = await startSimulator();
  ({ url } = simulator);
});
after(() => simulator.close());

const nothing = { endpoints: [], services: [], zones: [] };

test('property 2: removal reads per-item failures, rejects third parties, awaits deletions, and only then lets the object go', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  const [service] = (await remains(hub, customer)).services;
  const third = await makeThirdParty(url, customer, service!.ServiceId!, service!.ServiceName!);
  const refused = simulator.rule({
    match: { action: 'DeleteVpcEndpointServiceConfigurations', account: customer.account },
    effect: { unsuccessful: { code: 'ExistingVpcEndpointConnections' } },
    times: 2,
  });
  simulator.rule({
    match: { kind: 'vpc-endpoint', state: 'deleted', account: hub.account },
    effect: { delay: 60_000 },
    times: 1,
  });
  await using controller = await running(dir.path, url);
  const objects = () => controller.store.list(clusterKind);
  await eventually('ready', () => controller.controller.verdicts().some(({ verdict }) => verdict.state === 'ready'));
  const from = simulator.journal().at(-1)!.seq;
  removeFile(dir.path, 'acme.yaml');
  const [removing] = await eventually('the removal', async () => {
    const list = await objects();
    const ready = list[0]?.status?.conditions?.find(({ type }) => type === 'AWSPrivateLinkReady');
    return ready?.reason === 'DeprovisionCleanupInProgress' ? list : undefined;
  });
  assert.deepEqual(removing!.metadata.finalizers, ['hive.openshift.io/aws-private-link']);
  assert.ok((await remains(hub, customer)).services.length > 0, 'the service waits for the endpoint');
  let leftAtTheEnd: unknown;
  await eventually('the object to go', async () => {
    if ((await objects()).length > 0) return false;
    leftAtTheEnd ??= await remains(hub, customer);
    return true;
  });
  assert.deepEqual(leftAtTheEnd, nothing, 'gone only after everything of it');
  assert.equal(refused.applied, 2);
  const seen = await third.aws.ec2.describeVpcEndpoints({ VpcEndpointIds: [third.endpointId] });
  assert.match(String(seen.VpcEndpoints?.[0]?.State), /rejected/i);
  const order = simulator
    .journal(from)
    .filter(({ changes, account }) => changes && [hub.account, customer.account].includes(account))
    .map(({ action }) => action);
  assert.deepEqual(order, [
    'ChangeResourceRecordSets',
    'DeleteHostedZone',
    'DeleteVpcEndpoints',
    'RejectVpcEndpointConnections',
    ...Array.from({ length: 3 }, () => 'DeleteVpcEndpointServiceConfigurations'),
  ]);
});

function needBoto3(): string | false {
  const python = findProgram('python3');
  if (python === undefined) return need('python3');
  return needThat('boto3 (pip install boto3)', spawnSync(python, ['-c', 'import boto3']).status === 0);
}

/** Prints what each account has, as JSON. */
const witness = `
import boto3, json, sys
url, region, *accounts = sys.argv[1:]
def client(service, account):
    return boto3.client(service, endpoint_url=url, region_name=region, aws_access_key_id=account, aws_secret_access_key='any')
seen = {}
for account in accounts:
    ec2, zones = client('ec2', account), client('route53', account)
    pages = lambda what, key: [item for page in ec2.get_paginator(what).paginate() for item in page[key]]
    endpoints = [e for e in pages('describe_vpc_endpoints', 'VpcEndpoints') if e['State'] != 'deleted']
    seen[account] = {
        'endpoints': [e['State'] for e in endpoints],
        'interfaces': len([i for i in pages('describe_network_interfaces', 'NetworkInterfaces') if i['InterfaceType'] == 'vpc_endpoint']),
        'services': [s['ServiceState'] for s in pages('describe_vpc_endpoint_service_configurations', 'ServiceConfigurations')],
        'zones': [z['Name'] for page in zones.get_paginator('list_hosted_zones').paginate() for z in page['HostedZones']],
        'resolved': len([z for vpc in pages('describe_vpcs', 'Vpcs') for z in
            zones.list_hosted_zones_by_vpc(VPCId=vpc['VpcId'], VPCRegion=region)['HostedZoneSummaries']]),
    }
print(json.dumps(seen))
`;

test(
  'boto3 sees one of each, and after the deletion an empty world in all three accounts',
  { skip: needBoto3() },
  async () => {
    using dir = temporaryDirectory();
    const third = freshAccount();
    const { vpc } = await makeVpc(clients(url, third), '10.9', 'a');
    const { hub, customer } = await stageCluster(url, dir.path, {
      hive: { associatedVPCs: [{ vpcID: vpc, region, credentialsSecretRef: { name: 'third' } }] },
    });
    writeFile(dir.path, 'third.yaml', credentials('third', 'hive', third));
    const look = async (): Promise<unknown> => {
      const accounts = [hub.account, customer.account, third];
      const { code, stdout, stderr } = await run('python3', ['-c', witness, url, region, ...accounts]);
      assert.equal(code, 0, stderr);
      const seen = JSON.parse(stdout) as Record<string, unknown>;
      return accounts.map((account) => seen[account]);
    };
    await runOnce(dir.path, url);
    const empty = { endpoints: [], interfaces: 0, services: [], zones: [], resolved: 0 };
    const zone = 'api.acme.acme.example.';
    assert.deepEqual(await look(), [
      { ...empty, endpoints: ['available'], interfaces: 2, zones: [zone], resolved: 1 },
      { ...empty, services: ['Available'] },
      { ...empty, resolved: 1 },
    ]);
    removeFile(dir.path, 'acme.yaml');
    await runOnce(dir.path, url);
    assert.deepEqual(await look(), [empty, empty, empty]);
  },
);
