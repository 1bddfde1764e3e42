/** The defects of Hive's controller that ours is meant to beat, one test each: it would fail on the documented behaviour there. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import type { AwsSimulator } from '@postern/lab/aws';
import { eventually, temporaryDirectory } from '@postern/testing';
import { clusterDeploymentKind as clusterKind } from '../../../packages/privatelink/src/kinds/index.ts';
import { linkStatusOf } from '../../../packages/privatelink/src/kinds/status.ts';
import { changesDuring, conditionOf, recording, running, runOnce, startSimulator } from './harness.ts';
import {
  clients,
  clusterDeployment,
  credentials,
  freshAccount,
  hiveConfig,
  kubeconfigSecret,
  makeCustomer,
  makeHub,
  makeLoadBalancer,
  makeThirdParty,
  makeVpc,
  region,
  remains,
  removeFile,
  stageCluster,
  writeCluster,
  writeFile,
  writeHub,
} from './world.ts';

let simulator: AwsSimulator;
let url: string;
before(async () => {
  simulator = await startSimulator();
  ({ url } = simulator);
});
after(() => simulator.close());

test('defect 1: a deletion that fails inside a successful answer is read, and the finalizer stays until it is true', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  removeFile(dir.path, 'acme.yaml');
  const rule = simulator.rule({
    match: { action: 'DeleteVpcEndpointServiceConfigurations', account: customer.account },
    effect: { unsuccessful: { code: 'ExistingVpcEndpointConnections', message: 'connections exist' } },
    times: 3,
  });
  await using controller = await running(dir.path, url);
  await eventually('three refusals read', () => rule.applied === 3);
  await eventually('an empty world', async () => (await remains(hub, customer)).services.length === 0);
  await eventually('the object to go', async () => (await controller.store.list(clusterKind)).length === 0);
});

test('defect 2: the endpoint is awaited before the service goes, and third parties are shown out', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  const [service] = (await remains(hub, customer)).services;
  const third = await makeThirdParty(url, customer, service!.ServiceId!, service!.ServiceName!);
  // AWS takes its time over our own endpoint.
  simulator.rule({
    match: { kind: 'vpc-endpoint', state: 'deleted', account: hub.account },
    effect: { delay: 20_000 },
  });
  removeFile(dir.path, 'acme.yaml');
  await runOnce(dir.path, url);
  assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
  const seen = await third.aws.ec2.describeVpcEndpoints({ VpcEndpointIds: [third.endpointId] });
  assert.match(String(seen.VpcEndpoints?.[0]?.State), /rejected/i);
});

test('defect 3: clean-up reads every page, also after an empty first one with a token', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  for (const action of ['DescribeVpcEndpoints', 'DescribeVpcEndpointServiceConfigurations'])
    simulator.rule({ id: `empty-${action}`, match: { action }, effect: { emptyPage: true } });
  removeFile(dir.path, 'acme.yaml');
  await runOnce(dir.path, url);
  for (const { id } of simulator.world.rules.list()) if (id.startsWith('empty-')) simulator.world.rules.remove(id);
  assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
});

test("defect 4: somebody else's zone of the same name is neither taken nor emptied nor deleted", async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  const { vpc: otherVpc } = await makeVpc(hub.aws, '10.99', 'a');
  const other = await hub.aws.route53.createHostedZone({
    Name: 'api.acme.acme.example',
    VPC: { VPCId: otherVpc, VPCRegion: region },
    CallerReference: 'another hive',
    HostedZoneConfig: { PrivateZone: true },
  });
  const Id = other.HostedZone!.Id!;
  await hub.aws.route53.changeResourceRecordSets({
    HostedZoneId: Id,
    ChangeBatch: {
      Changes: [
        {
          Action: 'CREATE',
          ResourceRecordSet: {
            Name: 'x.api.acme.acme.example',
            Type: 'TXT',
            TTL: 60,
            ResourceRecords: [{ Value: '"theirs"' }],
          },
        },
      ],
    },
  });
  await runOnce(dir.path, url);
  assert.equal((await conditionOf(dir.path, 'acme')).status, 'True');
  assert.equal((await remains(hub, customer)).zones.length, 2, 'ours stands beside theirs');
  removeFile(dir.path, 'acme.yaml');
  await runOnce(dir.path, url);
  const left = await remains(hub, customer);
  assert.deepEqual(
    left.zones.map((zone) => zone.Id),
    [Id],
  );
  const records = await hub.aws.route53.listResourceRecordSets({ HostedZoneId: Id });
  assert.equal(records.ResourceRecordSets?.length, 3, 'NS, SOA and their TXT');
});

test('defect 5: a zone proves by tag and caller reference whose it is, so a lost state makes no second one', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  const [zone] = (await remains(hub, customer)).zones;
  assert.match(zone!.CallerReference!, /^postern\/acme-x7k2p\/api\.acme\.acme\.example\//);
  using elsewhere = temporaryDirectory();
  writeHub(elsewhere.path, hub);
  writeCluster(elsewhere.path, 'acme', customer);
  const changes = await changesDuring(simulator, () => runOnce(elsewhere.path, url));
  assert.deepEqual(changes, [], 'everything is found again by what it carries');
  assert.equal((await conditionOf(elsewhere.path, 'acme')).status, 'True');
});

test('defect 6: with a probe, Ready means reachable and not only that objects exist', async () => {
  using dir = temporaryDirectory();
  // A CONNECT proxy in the hub's place: it refuses until the network is there.
  let open = false;
  const proxy = createServer((socket) => {
    socket.once('data', () => socket.end(open ? 'HTTP/1.1 200 OK\r\n\r\n' : 'HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  await stageCluster(url, dir.path, { hive: { probe: { vantagePoint: 'hub' } } });
  writeFile(dir.path, 'vantage.yaml', {
    apiVersion: 'postern.dev/v1',
    kind: 'VantagePoint',
    metadata: { name: 'hub' },
    spec: { connectProxy: `http://127.0.0.1:${port}` },
  });
  await runOnce(dir.path, url);
  const before = await conditionOf(dir.path, 'acme');
  assert.deepEqual([before.status, before.reason], ['False', 'EndpointNotReachable']);
  assert.match(before.message, /api\.acme\.acme\.example cannot be reached from vantage point hub/);
  open = true;
  await runOnce(dir.path, url);
  assert.equal((await conditionOf(dir.path, 'acme')).status, 'True');
  proxy.close();
});

test('defect 7: clusters that wait hold no worker', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  for (let i = 0; i < 8; i++) writeCluster(dir.path, `waiting${i}`, customer); // their load balancers never come
  await using controller = await running(dir.path, url, { workers: 1 });
  await eventually('the one cluster that can be served', async () => (await remains(hub, customer)).zones.length === 1);
  await eventually('ready', () => controller.controller.verdicts().some(({ verdict }) => verdict.state === 'ready'));
  const reasons = () => controller.controller.verdicts().map(({ verdict }) => verdict.reason);
  await eventually(
    'the others, still waiting',
    () => reasons().filter((reason) => reason === 'DiscoveringNLBNotYetFound').length === 8,
  );
});

test('defect 8: a region that leaves the inventory does not fail the clusters that work there', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  writeHub(dir.path, hub, { endpointVPCInventory: [] });
  const changes = await changesDuring(simulator, () => runOnce(dir.path, url));
  assert.deepEqual(changes, []);
  assert.equal((await conditionOf(dir.path, 'acme')).status, 'True');
  writeCluster(dir.path, 'late', customer);
  await runOnce(dir.path, url);
  const late = await conditionOf(dir.path, 'late', 'AWSPrivateLinkFailed');
  assert.deepEqual([late.status, late.reason], ['True', 'UnsupportedRegion']);
  assert.match(late.message, /eu-central-1/);
});

test('defect 9: a changed HiveConfig is obeyed at once and without a restart', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  const { vpc } = await makeVpc(hub.aws, '10.98', 'a');
  await using controller = await running(dir.path, url);
  await eventually('ready', () => controller.controller.verdicts().some(({ verdict }) => verdict.state === 'ready'));
  const [zone] = (await remains(hub, customer)).zones;
  writeHub(dir.path, hub, { associatedVPCs: [{ vpcID: vpc, region }], dnsRecordType: 'ARecord' });
  await eventually('the association', async () => {
    const { VPCs = [] } = await hub.aws.route53.getHostedZone({ Id: zone!.Id! });
    return VPCs.some(({ VPCId }) => VPCId === vpc);
  });
  await eventually('the record of addresses', async () => {
    const { ResourceRecordSets = [] } = await hub.aws.route53.listResourceRecordSets({ HostedZoneId: zone!.Id! });
    const record = ResourceRecordSets.find(({ Type }) => Type === 'A');
    return record?.TTL === 10 && record.ResourceRecords?.length === 2;
  });
});

test('defect 10: full VPCs are passed over, all full has its own reason, and simultaneous choices do not overrun', async () => {
  using dir = temporaryDirectory();
  const hub = await makeHub(url, 2, 'a');
  const customer = await makeCustomer(url, 'a');
  const inventory = hiveConfig(hub).spec.awsPrivateLink.endpointVPCInventory;
  // Gateway endpoints have a quota of their own and do not count.
  await hub.aws.ec2.createVpcEndpoint({
    VpcId: hub.vpcs[0]!.vpc,
    ServiceName: `com.amazonaws.${region}.s3`,
    VpcEndpointType: 'Gateway',
  });
  writeHub(dir.path, hub, { endpointVPCInventory: inventory.map((vpc) => ({ ...vpc, endpointQuota: 2 })) });
  for (let i = 0; i < 5; i++) {
    await makeLoadBalancer(customer, `c${i}-x7k2p-int`);
    writeCluster(dir.path, `c${i}`, customer);
  }
  await runOnce(dir.path, url);
  const byVpc = Map.groupBy(
    (await remains(hub, customer)).endpoints.filter(({ VpcEndpointType }) => VpcEndpointType === 'Interface'),
    ({ VpcId }) => VpcId,
  );
  assert.deepEqual(
    [...byVpc.values()].map((list) => list.length),
    [2, 2],
    'four find room, spread evenly, none too many',
  );
  const failed = await Promise.all([0, 1, 2, 3, 4].map((i) => conditionOf(dir.path, `c${i}`, 'AWSPrivateLinkFailed')));
  const full = failed.filter(({ status }) => status === 'True');
  assert.equal(full.length, 1);
  assert.equal(full[0]!.reason, 'VPCEndpointQuotaExceeded');
  assert.match(full[0]!.message, /vpc-\w+ \(2 of 2\), vpc-\w+ \(2 of 2\)/);
});

test('defect 14: nothing blinks in the status, and a second look writes nothing', async () => {
  using dir = temporaryDirectory();
  const principal = `arn:aws:iam::${freshAccount()}:root`;
  await stageCluster(url, dir.path, { cluster: { privateLink: { additionalAllowedPrincipals: [principal] } } });
  await runOnce(dir.path, url);
  const observer = recording();
  await using controller = await running(dir.path, url, { resyncMs: 2000, observer });
  const versions = new Set<string>();
  const principals = new Set<string>();
  await eventually('three looks at everything', async () => {
    const [cluster] = await controller.store.list(clusterKind);
    versions.add(cluster!.metadata.resourceVersion);
    principals.add(JSON.stringify(linkStatusOf(cluster!.status).vpcEndpointService?.additionalAllowedPrincipals));
    return observer.news.filter(({ action }) => action === 'route53:ListResourceRecordSets').length >= 3;
  });
  assert.ok(
    !observer.news.some(({ action }) => action === 'route53:ChangeResourceRecordSets'),
    'an equal record stays',
  );
  assert.equal(versions.size, 1, 'one version of the object through all looks');
  assert.deepEqual([...principals], [JSON.stringify([principal])]);
});

test('defect 15: annotations of others stay when ours is written', async () => {
  using dir = temporaryDirectory();
  const { customer } = await stageCluster(url, dir.path);
  const annotated = clusterDeployment('acme', { spec: { installed: false } });
  const provision = {
    apiVersion: 'hive.openshift.io/v1',
    kind: 'ClusterProvision',
    metadata: { name: 'acme-1', namespace: 'clusters' },
    spec: {
      clusterDeploymentRef: { name: 'acme' },
      attempt: 1,
      infraID: 'acme-x7k2p',
      prevInfraID: 'acme-00000',
      adminKubeconfigSecretRef: { name: 'acme-kubeconfig' },
    },
  };
  Object.assign(annotated.metadata, { annotations: { 'example.com/theirs': 'kept' } });
  writeFile(
    dir.path,
    'acme.yaml',
    annotated,
    provision,
    kubeconfigSecret('acme', 'api.acme.acme.example'),
    credentials('customer-credentials', 'clusters', customer.account),
  );
  await runOnce(dir.path, url);
  await using controller = await running(dir.path, url);
  const [cluster] = await controller.store.list(clusterKind);
  assert.equal(cluster!.metadata.annotations['example.com/theirs'], 'kept');
  assert.equal(
    cluster!.metadata.annotations['aws-private-link-controller.hive.openshift.io/last-cleanup-for'],
    'acme-00000',
  );
  assert.equal((await conditionOf(dir.path, 'acme')).status, 'True');
});

test('defect 16: a failed service and an endpoint to another service are replaced', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  const loadBalancer = await makeLoadBalancer(customer, 'old');
  // What an earlier life left: an endpoint with our tag to a service that is not ours any more.
  const { ServiceConfiguration: old } = await customer.aws.ec2.createVpcEndpointServiceConfiguration({
    NetworkLoadBalancerArns: [loadBalancer],
    AcceptanceRequired: false,
  });
  await customer.aws.ec2.modifyVpcEndpointServicePermissions({
    ServiceId: old!.ServiceId!,
    AddAllowedPrincipals: [`arn:aws:iam::${hub.account}:root`],
  });
  simulator.world.advance(1000);
  const wrong = await hub.aws.ec2.createVpcEndpoint({
    VpcEndpointType: 'Interface',
    VpcId: hub.vpcs[0]!.vpc,
    ServiceName: old!.ServiceName!,
    SubnetIds: [...hub.vpcs[0]!.subnets],
    TagSpecifications: [
      {
        ResourceType: 'vpc-endpoint',
        Tags: [{ Key: 'hive.openshift.io/private-link-access-for', Value: 'acme-x7k2p' }],
      },
    ],
  });
  await runOnce(dir.path, url);
  assert.equal((await conditionOf(dir.path, 'acme')).message, 'private link access is ready for use');
  const { endpoints, services } = await remains(hub, customer);
  const ours = services.find(({ ServiceId }) => ServiceId !== old!.ServiceId);
  assert.equal(endpoints.length, 1);
  assert.notEqual(endpoints[0]!.VpcEndpointId, wrong.VpcEndpoint!.VpcEndpointId);
  assert.equal(endpoints[0]!.ServiceName, ours!.ServiceName);
});

test('defect 17: one bad VPC does not keep the others from resolving, nothing stays authorised, its owner lets go', async () => {
  using dir = temporaryDirectory();
  const third = clients(url, freshAccount());
  const { vpc: good } = await makeVpc(third, '10.9', 'a');
  const account = (await third.ec2.describeVpcs({})).Vpcs?.[0]?.OwnerId ?? '';
  const associatedVPCs = [
    { vpcID: 'vpc-00000000000000bad', region, credentialsSecretRef: { name: 'third' } },
    { vpcID: good, region, credentialsSecretRef: { name: 'third' } },
  ];
  const { hub, customer } = await stageCluster(url, dir.path, { hive: { associatedVPCs } });
  writeFile(dir.path, 'third.yaml', credentials('third', 'hive', account));
  await runOnce(dir.path, url);
  const failed = await conditionOf(dir.path, 'acme', 'AWSPrivateLinkFailed');
  assert.deepEqual([failed.status, failed.reason], ['True', 'AssociatingVPCsToHostedZoneFailed']);
  assert.match(failed.message, /vpc-00000000000000bad/);
  const [zone] = (await remains(hub, customer)).zones;
  const associated = async () =>
    ((await hub.aws.route53.getHostedZone({ Id: zone!.Id! })).VPCs ?? []).map(({ VPCId = '' }) => VPCId).toSorted();
  assert.deepEqual(await associated(), [good, hub.vpcs[0]!.vpc].toSorted());
  const left = await hub.aws.route53.listVPCAssociationAuthorizations({ HostedZoneId: zone!.Id! });
  assert.deepEqual(left.VPCs ?? [], []);
  // The configuration forgets both; the owner's own credentials end the association.
  writeHub(dir.path, hub);
  const from = simulator.journal().at(-1)!.seq;
  await runOnce(dir.path, url);
  assert.deepEqual(await associated(), [hub.vpcs[0]!.vpc]);
  const ended = simulator.journal(from).filter(({ action }) => action === 'DisassociateVPCFromHostedZone');
  assert.deepEqual(
    ended.map((entry) => entry.account),
    [account],
  );
});

test('defect 23: subnets, security groups and user tags of an endpoint are kept true', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  const [{ vpc, subnets }] = hub.vpcs as [(typeof hub.vpcs)[number]];
  const endpointOf = async () => (await remains(hub, customer)).endpoints[0]!;
  const made = await endpointOf();
  const groups = await hub.aws.ec2.describeSecurityGroups({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] });
  const standard = groups.SecurityGroups!.find(({ GroupName }) => GroupName === 'default')!.GroupId!;
  const other = (await hub.aws.ec2.createSecurityGroup({ VpcId: vpc, GroupName: 'other', Description: 'x' })).GroupId!;
  await hub.aws.ec2.modifyVpcEndpoint({
    VpcEndpointId: made.VpcEndpointId!,
    AddSecurityGroupIds: [other],
    RemoveSecurityGroupIds: [standard],
    RemoveSubnetIds: [subnets[1]!],
  });
  simulator.world.advance(2000);
  await runOnce(dir.path, url);
  assert.deepEqual((await endpointOf()).SubnetIds?.toSorted(), [...subnets].toSorted());
  assert.deepEqual(
    (await endpointOf()).Groups?.map(({ GroupId }) => GroupId),
    [standard],
  );
  // A chosen group, and tags, by configuration.
  const inventory = hiveConfig(hub).spec.awsPrivateLink.endpointVPCInventory;
  writeHub(dir.path, hub, {
    endpointVPCInventory: inventory.map((entry) => ({ ...entry, securityGroupIDs: [other] })),
    userTags: { team: 'hub' },
  });
  await runOnce(dir.path, url);
  assert.deepEqual(
    (await endpointOf()).Groups?.map(({ GroupId }) => GroupId),
    [other],
  );
  assert.equal((await endpointOf()).Tags?.find(({ Key }) => Key === 'team')?.Value, 'hub');
  assert.equal((await conditionOf(dir.path, 'acme')).status, 'True');
});
