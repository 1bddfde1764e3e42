/** The contract's properties of the controller, one by one. Crash safety has its own file, so have the defects to beat. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IAM } from '@aws-sdk/client-iam';
import type { AwsSimulator } from '@postern/lab/aws';
import { eventually, temporaryDirectory } from '@postern/testing';
import { clusterDeploymentKind as clusterKind } from '../../../packages/privatelink/src/kinds/index.ts';
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
  makeVpc,
  region,
  remains,
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

const owned = 'hive.openshift.io/private-link-access-for';

test('property 1: an untagged zone is adopted only if the status names it, it is private and the VPC is associated', async () => {
  for (const { named, associated } of [
    { named: true, associated: true },
    { named: true, associated: false },
    { named: false, associated: false },
  ]) {
    using dir = temporaryDirectory();
    const { hub, customer } = await stageCluster(url, dir.path);
    const elsewhere = await makeVpc(hub.aws, '10.97', 'a');
    const made = await hub.aws.route53.createHostedZone({
      Name: 'api.acme.acme.example',
      VPC: { VPCId: associated ? hub.vpcs[0]!.vpc : elsewhere.vpc, VPCRegion: region },
      CallerReference: `hive's own, by the clock ${named} ${associated}`,
      HostedZoneConfig: { PrivateZone: true },
    });
    const id = made.HostedZone!.Id!.replace('/hostedzone/', '');
    const cluster = {
      ...clusterDeployment('acme'),
      ...(named ? { status: { platformStatus: { aws: { privateLink: { hostedZoneID: id } } } } } : {}),
    };
    writeFile(
      dir.path,
      'acme.yaml',
      cluster,
      kubeconfigSecret('acme', 'api.acme.acme.example'),
      credentials('customer-credentials', 'clusters', customer.account),
    );
    await runOnce(dir.path, url);
    const { zones } = await remains(hub, customer);
    const adopted = named && associated;
    assert.equal(zones.length, adopted ? 1 : 2, `named ${named}, associated ${associated}`);
    const { ResourceTagSet } = await hub.aws.route53.listTagsForResource({
      ResourceType: 'hostedzone',
      ResourceId: id,
    });
    const tag = ResourceTagSet?.Tags?.find(({ Key }) => Key === owned)?.Value;
    assert.equal(tag, adopted ? 'acme-x7k2p' : undefined);
  }
});

test('property 3: every list is paged, and an empty page with a token is a page', async () => {
  using dir = temporaryDirectory();
  const principals = Array.from({ length: 7 }, () => `arn:aws:iam::${freshAccount()}:root`);
  const { hub, customer } = await stageCluster(url, dir.path, {
    cluster: { privateLink: { additionalAllowedPrincipals: principals } },
  });
  const lists = ['Describe*', 'List*'];
  for (const [i, action] of lists.entries()) {
    simulator.rule({ id: `small-${i}`, match: { action }, effect: { pageSize: 1 } });
    simulator.rule({ id: `hole-${i}`, match: { action }, effect: { emptyPage: true } });
  }
  await runOnce(dir.path, url);
  const second = await changesDuring(simulator, () => runOnce(dir.path, url));
  assert.deepEqual(second, [], 'a reader that stops at an empty page would make or add something');
  for (const { id } of simulator.world.rules.list()) simulator.world.rules.remove(id);
  const { endpoints, services, zones } = await remains(hub, customer);
  assert.deepEqual([endpoints.length, services.length, zones.length], [1, 1, 1]);
});

test('property 3: an error is waited for, tried again, or said', async () => {
  using dir = temporaryDirectory();
  const { hub } = await stageCluster(url, dir.path);
  simulator.rule({
    match: { action: 'CreateVpcEndpoint', account: hub.account },
    effect: { error: { code: 'InternalError', status: 500 } },
    times: 2,
  });
  simulator.rule({ match: { action: 'CreateHostedZone', account: hub.account }, effect: { drop: 'after' }, times: 1 });
  await runOnce(dir.path, url);
  assert.equal((await conditionOf(dir.path, 'acme')).status, 'True', 'a bad minute of AWS passes');
  using other = temporaryDirectory();
  const denied = await stageCluster(url, other.path);
  simulator.rule({
    match: { action: 'CreateVpcEndpoint', account: denied.hub.account },
    effect: {
      error: {
        code: 'UnauthorizedOperation',
        message: 'You are not authorized to perform this operation.',
        status: 403,
      },
    },
  });
  await runOnce(other.path, url);
  const failed = await conditionOf(other.path, 'acme', 'AWSPrivateLinkFailed');
  assert.deepEqual([failed.status, failed.reason], ['True', 'VPCEndpointReconcileFailed']);
  assert.match(failed.message, /ec2:CreateVpcEndpoint: UnauthorizedOperation/);
});

test('property 4: a repeated failure with ever other ids in it is one status, written once', async () => {
  using dir = temporaryDirectory();
  const { customer } = await stageCluster(url, dir.path);
  await using controller = await running(dir.path, url);
  for (let i = 0; i < 6; i++)
    simulator.rule({
      match: { action: 'DescribeLoadBalancers', account: customer.account },
      effect: {
        error: {
          code: 'AccessDenied',
          status: 403,
          message: `User: arn:aws:sts::111122223333:assumed-role/hive/session-${i} is not authorized, request id: 0000000${i}-aaaa-bbbb-cccc-dddddddddddd at 2026-01-0${i + 1}T00:00:00Z`,
        },
      },
      times: 1,
    });
  const versions = new Set<string>();
  const messages = new Set<string>();
  await eventually('ready at last', async () => {
    const [cluster] = await controller.store.list(clusterKind);
    const condition = cluster?.status?.conditions?.find(({ type }) => type === 'AWSPrivateLinkReady');
    // Progress after the failure is news, and written.
    if (condition?.reason === 'DiscoveringNLBFailed') {
      versions.add(cluster!.metadata.resourceVersion);
      messages.add(condition.message!);
    }
    return controller.controller.verdicts().some(({ verdict }) => verdict.state === 'ready');
  });
  assert.equal(messages.size, 1, [...messages].join('\n'));
  assert.ok(versions.size <= 1, 'six failures, one write');
});

test('property 5: throttling backs the whole account off, and everything comes through in the end', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  for (let i = 0; i < 4; i++) {
    await makeLoadBalancer(customer, `t${i}-x7k2p-int`);
    writeFile(dir.path, `t${i}.yaml`, clusterDeployment(`t${i}`), kubeconfigSecret(`t${i}`, `api.t${i}.acme.example`));
  }
  const rule = simulator.rule({
    match: { service: 'route53', account: hub.account },
    effect: { throttle: true },
    times: 12,
  });
  const { verdicts } = await runOnce(dir.path, url);
  assert.deepEqual(new Set(verdicts.map(({ verdict }) => verdict.state)), new Set(['ready']));
  assert.equal((await conditionOf(dir.path, 'acme', 'AWSPrivateLinkFailed')).status, 'False');
  assert.ok(rule.applied <= 12 && rule.applied >= 5);
});

test('property 6: two clusters at once do not overrun a VPC whose quota only AWS knows', async () => {
  using dir = temporaryDirectory();
  const usual = simulator.world.quotas.interfaceEndpointsPerVpc;
  simulator.world.quotas.interfaceEndpointsPerVpc = 2;
  const hub = await makeHub(url, 2, 'a');
  const customer = await makeCustomer(url, 'a');
  writeHub(dir.path, hub);
  writeFile(dir.path, 'customer.yaml', credentials('customer-credentials', 'clusters', customer.account));
  // Somebody else fills half of the first VPC: the choice must see it.
  for (let i = 0; i < 6; i++) {
    await makeLoadBalancer(customer, `q${i}-x7k2p-int`);
    writeFile(dir.path, `q${i}.yaml`, clusterDeployment(`q${i}`), kubeconfigSecret(`q${i}`, `api.q${i}.acme.example`));
  }
  const { verdicts } = await runOnce(dir.path, url);
  simulator.world.quotas.interfaceEndpointsPerVpc = usual;
  const { endpoints } = await remains(hub, customer);
  const perVpc = hub.vpcs.map(({ vpc }) => endpoints.filter(({ VpcId }) => VpcId === vpc).length);
  assert.deepEqual(perVpc, [2, 2], JSON.stringify(verdicts));
  assert.deepEqual(verdicts.map(({ verdict }) => verdict.reason).toSorted(), [
    ...Array.from({ length: 4 }, () => 'PrivateLinkAccessReady'),
    'VPCEndpointQuotaExceeded',
    'VPCEndpointQuotaExceeded',
  ]);
});

test('property 6: a VPC without a subnet in the zones of the service is passed over', async () => {
  using dir = temporaryDirectory();
  const hub = await makeHub(url, 2, 'a');
  const customer = await makeCustomer(url, 'a');
  await makeLoadBalancer(customer, 'acme-x7k2p-int');
  const [first, second] = hiveConfig(hub).spec.awsPrivateLink.endpointVPCInventory;
  const elsewhere = {
    ...first!,
    subnets: first!.subnets.map((subnet) => ({ ...subnet, availabilityZone: `${region}c` })),
  };
  writeHub(dir.path, hub, { endpointVPCInventory: [elsewhere, second] });
  writeCluster(dir.path, 'acme', customer);
  await runOnce(dir.path, url);
  assert.equal((await remains(hub, customer)).endpoints[0]?.VpcId, second!.vpcID);
  using other = temporaryDirectory();
  writeHub(other.path, hub, { endpointVPCInventory: [elsewhere] });
  writeCluster(other.path, 'acme', customer, {
    spec: { clusterMetadata: { infraID: 'other-x7k2p', adminKubeconfigSecretRef: { name: 'acme-kubeconfig' } } },
  });
  await makeLoadBalancer(customer, 'other-x7k2p-int');
  await runOnce(other.path, url);
  const failed = await conditionOf(other.path, 'acme', 'AWSPrivateLinkFailed');
  assert.equal(failed.reason, 'NoSupportedAZsInInventory');
  assert.match(failed.message, /eu-central-1a/);
});

test('property 7: drift of principals, load balancers, records, associations and the endpoint itself is repaired', async () => {
  using dir = temporaryDirectory();
  const { hub, customer, loadBalancer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  const made = await remains(hub, customer);
  const [service] = made.services;
  const stray = await makeLoadBalancer(customer, 'stray');
  await customer.aws.ec2.modifyVpcEndpointServiceConfiguration({
    ServiceId: service!.ServiceId!,
    AcceptanceRequired: true,
    AddNetworkLoadBalancerArns: [stray],
  });
  await customer.aws.ec2.modifyVpcEndpointServicePermissions({
    ServiceId: service!.ServiceId!,
    AddAllowedPrincipals: ['*'],
    RemoveAllowedPrincipals: [`arn:aws:iam::${hub.account}:root`],
  });
  const HostedZoneId = made.zones[0]!.Id!;
  const extra = await makeVpc(hub.aws, '10.96', 'a');
  await hub.aws.route53.associateVPCWithHostedZone({ HostedZoneId, VPC: { VPCId: extra.vpc, VPCRegion: region } });
  await hub.aws.route53.changeResourceRecordSets({
    HostedZoneId,
    ChangeBatch: {
      Changes: [
        {
          Action: 'UPSERT',
          ResourceRecordSet: {
            Name: 'api.acme.acme.example',
            Type: 'A',
            TTL: 300,
            ResourceRecords: [{ Value: '192.0.2.1' }],
          },
        },
      ],
    },
  });
  await hub.aws.ec2.deleteVpcEndpoints({ VpcEndpointIds: [made.endpoints[0]!.VpcEndpointId!] });
  await runOnce(dir.path, url);
  const mended = await remains(hub, customer);
  assert.equal(mended.endpoints.length, 1);
  assert.notEqual(mended.endpoints[0]!.VpcEndpointId, made.endpoints[0]!.VpcEndpointId);
  assert.equal(mended.services[0]!.AcceptanceRequired, false);
  assert.deepEqual(mended.services[0]!.NetworkLoadBalancerArns, [loadBalancer]);
  const permissions = await customer.aws.ec2.describeVpcEndpointServicePermissions({ ServiceId: service!.ServiceId! });
  assert.deepEqual(
    permissions.AllowedPrincipals?.map(({ Principal }) => Principal),
    [`arn:aws:iam::${hub.account}:root`],
  );
  const zone = await hub.aws.route53.getHostedZone({ Id: HostedZoneId });
  assert.deepEqual(
    zone.VPCs?.map(({ VPCId }) => VPCId),
    [hub.vpcs[0]!.vpc],
  );
  const { ResourceRecordSets = [] } = await hub.aws.route53.listResourceRecordSets({ HostedZoneId });
  const alias = ResourceRecordSets.find(({ Type }) => Type === 'A')?.AliasTarget?.DNSName;
  assert.match(alias ?? '', new RegExp(`^${mended.endpoints[0]!.VpcEndpointId}-`));
});

test('property 9: rotated hub credentials change the default principal without a restart', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await using controller = await running(dir.path, url);
  await eventually('ready', () => controller.controller.verdicts().some(({ verdict }) => verdict.state === 'ready'));
  const iam = new IAM({ endpoint: url, region, credentials: { accessKeyId: hub.account, secretAccessKey: 'any' } });
  await iam.createUser({ UserName: 'hive' });
  await iam.putUserPolicy({
    UserName: 'hive',
    PolicyName: 'all',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
    }),
  });
  const { AccessKey } = await iam.createAccessKey({ UserName: 'hive' });
  writeFile(dir.path, 'hub.yaml', hiveConfig(hub), {
    ...credentials('hub-credentials', 'hive', ''),
    stringData: { aws_access_key_id: AccessKey!.AccessKeyId, aws_secret_access_key: AccessKey!.SecretAccessKey },
  });
  const [service] = (await remains(hub, customer)).services;
  await eventually('the new principal', async () => {
    const { AllowedPrincipals = [] } = await customer.aws.ec2.describeVpcEndpointServicePermissions({
      ServiceId: service!.ServiceId!,
    });
    return (
      AllowedPrincipals.some(({ Principal }) => Principal === `arn:aws:iam::${hub.account}:user/hive`) &&
      AllowedPrincipals.length === 1
    );
  });
});

/** The document's lists, word for word; load balancers are what a cluster's own credentials can see anyway. */
const documentsLists = {
  customer: `elasticloadbalancing:DescribeLoadBalancers ec2:CreateVpcEndpointServiceConfiguration
    ec2:DescribeVpcEndpointServiceConfigurations ec2:ModifyVpcEndpointServiceConfiguration
    ec2:DescribeVpcEndpointServicePermissions ec2:ModifyVpcEndpointServicePermissions
    ec2:DeleteVpcEndpointServiceConfigurations ec2:CreateTags`,
  hub: `ec2:DescribeVpcEndpointServices ec2:DescribeVpcEndpoints ec2:CreateVpcEndpoint ec2:CreateTags
    ec2:DescribeNetworkInterfaces ec2:DescribeVPCs ec2:DeleteVpcEndpoints route53:CreateHostedZone route53:GetHostedZone
    route53:ListHostedZonesByVPC route53:AssociateVPCWithHostedZone route53:DisassociateVPCFromHostedZone
    route53:CreateVPCAssociationAuthorization route53:DeleteVPCAssociationAuthorization
    route53:ListResourceRecordSets route53:ChangeResourceRecordSets route53:DeleteHostedZone`,
};

async function limitedUser(account: string, actions: string): Promise<Record<string, string>> {
  const iam = new IAM({ endpoint: url, region, credentials: { accessKeyId: account, secretAccessKey: 'any' } });
  await iam.createUser({ UserName: 'limited' });
  await iam.putUserPolicy({
    UserName: 'limited',
    PolicyName: 'document',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: actions.split(/\s+/), Resource: '*' }],
    }),
  });
  const { AccessKey } = await iam.createAccessKey({ UserName: 'limited' });
  return { aws_access_key_id: AccessKey!.AccessKeyId!, aws_secret_access_key: AccessKey!.SecretAccessKey! };
}

test("property 10: the document's permissions are enough, and what they lack is named in the condition", async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  writeFile(dir.path, 'hub.yaml', hiveConfig(hub), {
    ...credentials('hub-credentials', 'hive', ''),
    stringData: await limitedUser(hub.account, documentsLists.hub),
  });
  writeFile(dir.path, 'acme.yaml', clusterDeployment('acme'), kubeconfigSecret('acme', 'api.acme.acme.example'), {
    ...credentials('customer-credentials', 'clusters', ''),
    stringData: await limitedUser(customer.account, documentsLists.customer),
  });
  await runOnce(dir.path, url);
  const ready = await conditionOf(dir.path, 'acme');
  assert.equal(ready.status, 'True', JSON.stringify(await conditionOf(dir.path, 'acme', 'AWSPrivateLinkFailed')));
  for (const action of ['route53:ListHostedZonesByName', 'route53:ChangeTagsForResource'])
    assert.ok(ready.message.includes(action), ready.message);
  const { rmSync } = await import('node:fs');
  rmSync(`${dir.path}/acme.yaml`);
  await runOnce(dir.path, url);
  assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
});

test('property 10: principals are of the partition of the region', async () => {
  using dir = temporaryDirectory();
  const gov = 'us-gov-west-1';
  const hubAccount = freshAccount();
  const customerAccount = freshAccount();
  const hubAws = clients(url, hubAccount, gov);
  const customerAws = clients(url, customerAccount, gov);
  const hubVpc = await makeVpc(hubAws, '10.20', 'a', gov);
  const { subnets } = await makeVpc(customerAws, '10.0', 'a', gov);
  await customerAws.elb.createLoadBalancer({
    Name: 'acme-x7k2p-int',
    Type: 'network',
    Scheme: 'internal',
    Subnets: subnets,
  });
  const config = hiveConfig({ account: hubAccount, aws: hubAws, vpcs: [] });
  Object.assign(config.spec.awsPrivateLink, {
    dnsRecordType: 'ARecord',
    endpointVPCInventory: [
      { region: gov, vpcID: hubVpc.vpc, subnets: [{ subnetID: hubVpc.subnets[0], availabilityZone: `${gov}a` }] },
    ],
  });
  writeFile(dir.path, 'hub.yaml', config, credentials('hub-credentials', 'hive', hubAccount));
  const cluster = clusterDeployment('acme');
  cluster.spec.platform.aws.region = gov;
  writeFile(
    dir.path,
    'acme.yaml',
    cluster,
    kubeconfigSecret('acme', 'api.acme.acme.example'),
    credentials('customer-credentials', 'clusters', customerAccount),
  );
  await runOnce(dir.path, url);
  assert.equal(
    (await conditionOf(dir.path, 'acme')).status,
    'True',
    JSON.stringify(await conditionOf(dir.path, 'acme', 'AWSPrivateLinkFailed')),
  );
  const [service] = (await customerAws.ec2.describeVpcEndpointServiceConfigurations({})).ServiceConfigurations ?? [];
  const { AllowedPrincipals = [] } = await customerAws.ec2.describeVpcEndpointServicePermissions({
    ServiceId: service!.ServiceId!,
  });
  assert.deepEqual(
    AllowedPrincipals.map(({ Principal }) => Principal),
    [`arn:aws-us-gov:iam::${hubAccount}:root`],
  );
});

test('a steady cluster costs eight reads and no write', async () => {
  using dir = temporaryDirectory();
  await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  const observer = recording();
  await runOnce(dir.path, url, { observer });
  assert.ok(observer.news.length <= 8, observer.news.map(({ action }) => action).join(' '));
});
