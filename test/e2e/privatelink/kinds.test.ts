/** What objects can ask for: any service as a PrivateLink, disabling, preserving, provisions, the third account, the record types. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AwsSimulator } from '@postern/lab/aws';
import { temporaryDirectory } from '@postern/testing';
import { conditionOf, runOnce, startSimulator } from './harness.ts';
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

const nothing = { endpoints: [], services: [], zones: [] };

test('a PrivateLink to any service, its load balancer by name, ARN or tag', async () => {
  using dir = temporaryDirectory();
  const hub = await makeHub(url, 1, 'a');
  const customer = await makeCustomer(url, 'a');
  const arns: string[] = [];
  for (const name of ['git', 'registry', 'db']) arns.push(await makeLoadBalancer(customer, name));
  await customer.aws.elb.addTags({ ResourceArns: [arns[2]!], Tags: [{ Key: 'service', Value: 'db' }] });
  writeHub(dir.path, hub);
  writeFile(dir.path, 'customer.yaml', credentials('customer', 'links', customer.account));
  const link = (name: string, serviceRef: object) => ({
    apiVersion: 'postern.dev/v1',
    kind: 'PrivateLink',
    metadata: { name, namespace: 'links' },
    spec: {
      region,
      serviceRef,
      hostName: `${name}.acme.example`,
      credentials: { secretRef: { name: 'customer' } },
      ports: [443],
    },
  });
  writeFile(dir.path, 'git.yaml', link('git', { name: 'git' }));
  writeFile(dir.path, 'registry.yaml', link('registry', { arn: arns[1] }));
  writeFile(dir.path, 'db.yaml', link('db', { tag: { key: 'service', value: 'db' } }));
  const { verdicts } = await runOnce(dir.path, url);
  assert.deepEqual(
    verdicts.map(({ verdict }) => verdict.state),
    ['ready', 'ready', 'ready'],
    JSON.stringify(verdicts),
  );
  const made = await remains(hub, customer);
  assert.deepEqual(
    new Set(made.services.flatMap(({ NetworkLoadBalancerArns }) => NetworkLoadBalancerArns)),
    new Set(arns),
  );
  for (const name of ['git', 'registry', 'db']) {
    removeFile(dir.path, `${name}.yaml`);
    await runOnce(dir.path, url);
  }
  assert.deepEqual(await remains(hub, customer), nothing);
});

test('disabled, it is taken away and reads so; enabled again, it comes back', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  writeCluster(dir.path, 'acme', customer, { privateLink: { enabled: false } });
  await runOnce(dir.path, url);
  assert.deepEqual(await remains(hub, customer), nothing);
  const ready = await conditionOf(dir.path, 'acme');
  assert.deepEqual([ready.status, ready.reason], ['False', 'DeprovisionCleanupComplete']);
  writeCluster(dir.path, 'acme', customer);
  await runOnce(dir.path, url);
  assert.equal((await conditionOf(dir.path, 'acme')).status, 'True');
  assert.equal((await remains(hub, customer)).endpoints.length, 1, 'no old client token answers with what is gone');
});

test('privateLink taken out of the spec altogether is cleaned up too, and the object can be deleted (defect 11)', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  const cluster = clusterDeployment('acme');
  delete (cluster.spec.platform.aws as { privateLink?: unknown }).privateLink;
  writeFile(
    dir.path,
    'acme.yaml',
    cluster,
    kubeconfigSecret('acme', 'api.acme.acme.example'),
    credentials('customer-credentials', 'clusters', customer.account),
  );
  await runOnce(dir.path, url);
  assert.deepEqual(await remains(hub, customer), nothing);
});

test('preserveOnDelete keeps everything when the cluster goes', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path, { cluster: { spec: { preserveOnDelete: true } } });
  await runOnce(dir.path, url);
  removeFile(dir.path, 'acme.yaml');
  await runOnce(dir.path, url);
  const { endpoints, services, zones } = await remains(hub, customer);
  assert.deepEqual([endpoints.length, services.length, zones.length], [1, 1, 1]);
});

test('a cluster whose metadata and kubeconfig are gone is removed by the ids in its status (defect 12)', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await runOnce(dir.path, url);
  const bare = clusterDeployment('acme');
  delete (bare.spec as { clusterMetadata?: unknown }).clusterMetadata;
  Object.assign(bare.spec, { installed: false });
  writeFile(dir.path, 'acme.yaml', bare, credentials('customer-credentials', 'clusters', customer.account));
  await runOnce(dir.path, url);
  removeFile(dir.path, 'acme.yaml');
  await runOnce(dir.path, url);
  assert.deepEqual(await remains(hub, customer), nothing);
});

test('a new attempt to install takes the link of the one before away first', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  await makeLoadBalancer(customer, 'acme-22222-int');
  const files = (attempt: number, infraID: string, prevInfraID?: string) => [
    clusterDeployment('acme', { spec: { installed: false } }),
    {
      apiVersion: 'hive.openshift.io/v1',
      kind: 'ClusterProvision',
      metadata: { name: `acme-${attempt}`, namespace: 'clusters' },
      spec: {
        clusterDeploymentRef: { name: 'acme' },
        attempt,
        infraID,
        prevInfraID,
        adminKubeconfigSecretRef: { name: 'acme-kubeconfig' },
      },
    },
    kubeconfigSecret('acme', 'api.acme.acme.example'),
    credentials('customer-credentials', 'clusters', customer.account),
  ];
  writeFile(dir.path, 'acme.yaml', ...files(1, 'acme-x7k2p'));
  await runOnce(dir.path, url);
  const before = await remains(hub, customer);
  writeFile(dir.path, 'acme.yaml', ...files(2, 'acme-22222', 'acme-x7k2p'));
  await runOnce(dir.path, url);
  const after = await remains(hub, customer);
  assert.deepEqual([after.endpoints.length, after.services.length, after.zones.length], [1, 1, 1]);
  assert.notEqual(after.services[0]!.ServiceId, before.services[0]!.ServiceId);
  assert.ok(after.endpoints[0]!.Tags?.some(({ Value }) => Value === 'acme-22222'));
});

test('an associated VPC of a third account, additional principals that come and go, both record types', async () => {
  using dir = temporaryDirectory();
  const third = freshAccount();
  const thirdAws = clients(url, third);
  const { vpc } = await makeVpc(thirdAws, '10.9', 'a');
  const principal = `arn:aws:iam::${freshAccount()}:role/reader`;
  const { hub, customer } = await stageCluster(url, dir.path, {
    hive: { associatedVPCs: [{ vpcID: vpc, region, credentialsSecretRef: { name: 'third' } }] },
    cluster: { privateLink: { additionalAllowedPrincipals: [principal] } },
  });
  writeFile(dir.path, 'third.yaml', credentials('third', 'hive', third));
  await runOnce(dir.path, url);
  const { services, zones } = await remains(hub, customer);
  const seen = await thirdAws.route53.listHostedZonesByVPC({ VPCId: vpc, VPCRegion: region });
  assert.equal(seen.HostedZoneSummaries?.[0]?.Name, 'api.acme.acme.example.');
  const allowed = async () => {
    const { AllowedPrincipals = [] } = await customer.aws.ec2.describeVpcEndpointServicePermissions({
      ServiceId: services[0]!.ServiceId!,
    });
    return AllowedPrincipals.map(({ Principal }) => Principal).toSorted((a = '', b = '') => (a < b ? -1 : 1));
  };
  const hubPrincipal = `arn:aws:iam::${hub.account}:root`;
  assert.deepEqual(new Set(await allowed()), new Set([hubPrincipal, principal]));
  writeCluster(dir.path, 'acme', customer);
  writeHub(dir.path, hub, { dnsRecordType: 'ARecord' });
  await runOnce(dir.path, url);
  assert.deepEqual(await allowed(), [hubPrincipal]);
  const records = await hub.aws.route53.listResourceRecordSets({ HostedZoneId: zones[0]!.Id! });
  const record = records.ResourceRecordSets?.find(({ Type }) => Type === 'A');
  assert.equal(record?.TTL, 10);
  assert.equal(record.ResourceRecords?.length, 2);
});

test('a role is assumed with its external id, from the credentials of the service provider', async () => {
  using dir = temporaryDirectory();
  const { customer } = await stageCluster(url, dir.path);
  const { IAM } = await import('@aws-sdk/client-iam');
  const iam = new IAM({
    endpoint: url,
    region,
    credentials: { accessKeyId: customer.account, secretAccessKey: 'any' },
  });
  const provider = freshAccount();
  await iam.createRole({
    RoleName: 'postern',
    AssumeRolePolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${provider}:root` },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'sts:ExternalId': 'acme-7' } },
        },
      ],
    }),
  });
  await iam.putRolePolicy({
    RoleName: 'postern',
    PolicyName: 'all',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
    }),
  });
  const cluster = clusterDeployment('acme');
  const aws = cluster.spec.platform.aws as Record<string, unknown>;
  delete aws['credentialsSecretRef'];
  aws['credentialsAssumeRole'] = { roleARN: `arn:aws:iam::${customer.account}:role/postern`, externalID: 'acme-7' };
  writeFile(dir.path, 'acme.yaml', cluster, kubeconfigSecret('acme', 'api.acme.acme.example'));
  const hubFile = join(dir.path, 'provider.yaml');
  writeFile(dir.path, 'provider.yaml', credentials('provider', 'hive', provider));
  const before = await runOnce(dir.path, url);
  assert.equal(before.verdicts[0]?.verdict.state, 'failed', 'without the service provider nobody may assume the role');
  const { readFileSync } = await import('node:fs');
  const { parseAllDocuments } = await import('yaml');
  const [config, secret] = parseAllDocuments(readFileSync(join(dir.path, 'hub.yaml'), 'utf8')).map(
    (d) => d.toJS() as Record<string, object>,
  );
  Object.assign(config!['spec']!, {
    serviceProviderCredentialsConfig: { aws: { credentialsSecretRef: { name: 'provider' } } },
  });
  writeFile(dir.path, 'hub.yaml', config!, secret!);
  const { verdicts } = await runOnce(dir.path, url);
  assert.equal(verdicts[0]?.verdict.state, 'ready', JSON.stringify(verdicts));
  rmSync(hubFile);
});

test('what is wrong is named: a VPC that is none, a Secret that is missing, a kubeconfig that is none', async () => {
  using dir = temporaryDirectory();
  const { hub, customer } = await stageCluster(url, dir.path);
  const [entry] = hiveConfig(hub).spec.awsPrivateLink.endpointVPCInventory;
  writeHub(dir.path, hub, { endpointVPCInventory: [{ ...entry!, vpcID: 'vpc-00000000000000bad' }] });
  await runOnce(dir.path, url);
  const vpc = await conditionOf(dir.path, 'acme', 'AWSPrivateLinkFailed');
  assert.deepEqual([vpc.status, vpc.reason], ['True', 'VPCEndpointReconcileFailed']);
  assert.match(vpc.message, /vpc-00000000000000bad/);
  writeFile(dir.path, 'hub.yaml', hiveConfig(hub));
  await runOnce(dir.path, url);
  const secret = await conditionOf(dir.path, 'acme', 'AWSPrivateLinkFailed');
  assert.match(
    secret.message,
    /HiveConfig spec\.awsPrivateLink\.credentialsSecretRef: the Secret hive\/hub-credentials does not exist/,
  );
  writeHub(dir.path, hub);
  writeFile(
    dir.path,
    'acme.yaml',
    clusterDeployment('acme'),
    credentials('customer-credentials', 'clusters', customer.account),
  );
  await runOnce(dir.path, url);
  const kubeconfig = await conditionOf(dir.path, 'acme', 'AWSPrivateLinkFailed');
  assert.equal(kubeconfig.reason, 'CouldNotCalculateAPIDomain');
  assert.match(kubeconfig.message, /clusters\/acme-kubeconfig does not exist/);
});
