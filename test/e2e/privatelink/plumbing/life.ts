/** All that can happen to a hub in its life, so that every call the code can make is made: stage, links, drift, removal. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EC2 } from '@aws-sdk/client-ec2';
import { IAM } from '@aws-sdk/client-iam';
import type { AwsSimulator } from '@postern/lab/aws';
import { addEndpointVpc, openHome, type PolicyRole, removeEndpointVpc, verifyPlumbing } from '@postern/privatelink';
import { eventually } from '@postern/testing';
import { parse, stringify } from 'yaml';
import type { CallObserver } from '../../../../packages/privatelink/src/providers/aws/clients.ts';
import { clock, runOnce } from '../harness.ts';
import {
  clients,
  clusterDeployment,
  credentials,
  freshAccount,
  kubeconfigSecret,
  makeCustomer,
  makeLoadBalancer,
  makeThirdParty,
  makeVpc,
  region,
  writeFile,
} from '../world.ts';
import { hiveText, makeStage, otherRegion, type Stage } from './stage.ts';

export interface Keys {
  readonly id: string;
  readonly secret: string;
}

interface LifeOptions {
  readonly keysFor: (role: PolicyRole, account: string) => Promise<Keys>;
  readonly observer: CallObserver;
  /**
   * Nothing that only an optional permission can deal with: no load balancer referred to by a tag, no endpoint that waits for
   * acceptance, no connection of a third party.
   */
  readonly gentle?: boolean;
}

export async function life(simulator: AwsSimulator, folder: string, options: LifeOptions): Promise<void> {
  const { url } = simulator;
  const [hubAccount, thirdAccount] = [freshAccount(), freshAccount()];
  const hubKeys = await options.keysFor('hub', hubAccount);
  const farKeys = await options.keysFor('associated', thirdAccount);
  const stage = await makeStage(url, folder, { hubAccount, thirdAccount, hubKeys, farKeys });
  await prepareFar(url, stage);
  await plumb(url, folder, options, 'add', stage);
  await throughGateways(url, folder, stage);
  await verify(url, folder, options);
  const names = options.gentle === true ? ['acme', 'roley'] : ['acme', 'roley', 'git'];
  const customer = await makeClusters(url, folder, stage, options);
  await settle(folder, url, options, names);
  await drift(url, folder, stage, customer, options, names, hubKeys);
  await verify(url, folder, options);
  await removeAll(url, folder, stage, customer, options);
  await plumb(url, folder, options, 'remove', stage);
}

/** A cluster of its own in the far VPC, so that its workers' group is opened and closed too. */
async function prepareFar(url: string, { thirdAccount, farVpc }: Stage): Promise<void> {
  const { ec2 } = clients(url, thirdAccount, otherRegion);
  await ec2.createTags({ Resources: [farVpc], Tags: [{ Key: 'kubernetes.io/cluster/far-abc12', Value: 'owned' }] });
  await ec2.createSecurityGroup({
    GroupName: 'far-workers',
    Description: 'workers',
    VpcId: farVpc,
    TagSpecifications: [{ ResourceType: 'security-group', Tags: [{ Key: 'Name', Value: 'far-abc12-worker-sg' }] }],
  });
}

async function common(url: string, folder: string, { observer }: LifeOptions) {
  return {
    home: await openHome({ source: { kind: 'files', folder }, clock, random: Math.random }),
    awsEndpoint: url,
    clock,
    random: Math.random,
    signal: new AbortController().signal,
    observer,
  };
}

async function plumb(url: string, folder: string, options: LifeOptions, what: 'add' | 'remove', stage: Stage) {
  const base = { ...(await common(url, folder, options)), vpc: stage.endpointVpc, dryRun: false };
  if (what === 'remove') await removeEndpointVpc(base);
  else await addEndpointVpc({ ...base, region, subnetIds: stage.subnets, allProtocols: true });
}

async function verify(url: string, folder: string, options: LifeOptions): Promise<void> {
  const checks = await verifyPlumbing(await common(url, folder, options));
  const failed = checks.filter(({ status }) => status === 'fail');
  assert.deepEqual(failed, [], 'verify');
}

/** A second VPC for endpoints that is reached through transit gateways, put into the inventory by hand. */
async function throughGateways(url: string, folder: string, stage: Stage): Promise<void> {
  const hub = clients(url, stage.hubAccount);
  const far = clients(url, stage.thirdAccount, otherRegion);
  const second = await makeVpc(hub, '10.40', 'a');
  const attach = async (aws: typeof hub, vpcs: ReadonlyArray<readonly [string, readonly string[]]>) => {
    const { TransitGateway } = await aws.ec2.createTransitGateway({});
    const TransitGatewayId = TransitGateway?.TransitGatewayId ?? '';
    const available = async (): Promise<boolean> => {
      const { TransitGateways } = await aws.ec2.describeTransitGateways({ TransitGatewayIds: [TransitGatewayId] });
      return TransitGateways?.[0]?.State === 'available';
    };
    await eventually('the gateway', available);
    for (const [VpcId, SubnetIds] of vpcs)
      await aws.ec2.createTransitGatewayVpcAttachment({ TransitGatewayId, VpcId, SubnetIds: [...SubnetIds] });
    await eventually('the attachments', async () => {
      const { TransitGatewayVpcAttachments = [] } = await aws.ec2.describeTransitGatewayVpcAttachments({
        Filters: [{ Name: 'transit-gateway-id', Values: [TransitGatewayId] }],
      });
      return TransitGatewayVpcAttachments.every(({ State }) => State === 'available');
    });
    return TransitGatewayId;
  };
  const subnetsOf = async (aws: typeof hub, vpc: string): Promise<string[]> => {
    const { Subnets = [] } = await aws.ec2.describeSubnets({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] });
    return Subnets.map(({ SubnetId = '' }) => SubnetId).slice(0, 1);
  };
  const near = await attach(hub, [
    [second.vpc, second.subnets],
    [stage.hiveVpc, await subnetsOf(hub, stage.hiveVpc)],
  ]);
  const beyond = await attach(far, [[stage.farVpc, await subnetsOf(far, stage.farVpc)]]);
  const route = async (aws: typeof hub, vpc: string, destinations: readonly string[], TransitGatewayId: string) => {
    const { RouteTables = [] } = await aws.ec2.describeRouteTables({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] });
    for (const { RouteTableId } of RouteTables)
      for (const DestinationCidrBlock of destinations)
        await aws.ec2.createRoute({ RouteTableId, DestinationCidrBlock, TransitGatewayId });
  };
  await route(hub, stage.hiveVpc, ['10.40.0.0/16'], near);
  await route(far, stage.farVpc, ['10.40.0.0/16'], beyond);
  await route(hub, second.vpc, ['10.0.0.0/16', '10.2.0.0/16', '10.22.0.0/16'], near);
  const { SecurityGroups = [] } = await hub.ec2.describeSecurityGroups({
    Filters: [{ Name: 'vpc-id', Values: [second.vpc] }],
  });
  await hub.ec2.authorizeSecurityGroupIngress({
    GroupId: SecurityGroups[0]?.GroupId,
    IpPermissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '10.0.0.0/8' }] }],
  });
  // Last in the list and full, so that no link goes there.
  editHive(folder, (section) => {
    const subnets = [{ subnetID: second.subnets[0]!, availabilityZone: `${region}a` }];
    section.endpointVPCInventory.push({ region, vpcID: second.vpc, subnets });
  });
}

interface Section {
  endpointVPCInventory: object[];
  associatedVPCs: Array<{ vpcID: string }>;
  dnsRecordType?: string;
}

function editHive(folder: string, change: (section: Section) => void): void {
  const config = parse(hiveText(folder)) as { spec: { awsPrivateLink: Section } };
  change(config.spec.awsPrivateLink);
  writeFileSync(join(folder, 'hive.yaml'), stringify(config));
}

async function makeClusters(url: string, folder: string, stage: Stage, options: LifeOptions) {
  const customer = await makeCustomer(url, 'ab');
  const keys = await options.keysFor('customer', customer.account);
  for (const name of ['acme', 'roley', 'git']) await makeLoadBalancer(customer, `${name}-x7k2p-int`);
  const git = await customer.aws.elb.describeLoadBalancers({ Names: ['git-x7k2p-int'] });
  const tagged = git.LoadBalancers?.[0]?.LoadBalancerArn ?? '';
  await customer.aws.elb.addTags({ ResourceArns: [tagged], Tags: [{ Key: 'service', Value: 'git' }] });
  writeFile(folder, 'acme.yaml', clusterDeployment('acme'), kubeconfigSecret('acme', 'api.acme.acme.example'), {
    ...credentials('customer-credentials', 'clusters', ''),
    stringData: { aws_access_key_id: keys.id, aws_secret_access_key: keys.secret },
  });
  if (options.gentle !== true)
    writeFile(folder, 'git.yaml', {
      apiVersion: 'postern.dev/v1',
      kind: 'PrivateLink',
      metadata: { name: 'git', namespace: 'clusters' },
      spec: {
        region,
        serviceRef: { tag: { key: 'service', value: 'git' } },
        hostName: 'git.acme.example',
        credentials: { secretRef: { name: 'customer-credentials' } },
        ports: [443],
      },
    });
  const role = await customerRole(url, customer.account, stage.hubAccount);
  const roley = clusterDeployment('roley');
  const aws = roley.spec.platform.aws as Record<string, unknown>;
  delete aws['credentialsSecretRef'];
  aws['credentialsAssumeRole'] = { roleARN: role };
  writeFile(folder, 'roley.yaml', roley, kubeconfigSecret('roley', 'api.roley.acme.example'));
  const config = parse(hiveText(folder)) as { spec: Record<string, unknown> };
  config.spec['serviceProviderCredentialsConfig'] = { aws: { credentialsSecretRef: { name: 'hub-credentials' } } };
  writeFileSync(join(folder, 'hive.yaml'), stringify(config));
  return customer;
}

/** A role that the hub may assume; what it may do itself is not what is tried here. */
async function customerRole(url: string, account: string, hubAccount: string): Promise<string> {
  const iam = new IAM({ endpoint: url, region, credentials: { accessKeyId: account, secretAccessKey: 'any' } });
  const document = (statement: object): string => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const Principal = { AWS: `arn:aws:iam::${hubAccount}:root` };
  const { Role } = await iam.createRole({
    RoleName: 'postern',
    AssumeRolePolicyDocument: document({ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }),
  });
  const PolicyDocument = document({ Effect: 'Allow', Action: '*', Resource: '*' });
  await iam.putRolePolicy({ RoleName: 'postern', PolicyName: 'all', PolicyDocument });
  return Role?.Arn ?? '';
}

async function settle(folder: string, url: string, { observer }: LifeOptions, names: readonly string[]): Promise<void> {
  const { verdicts, killed } = await runOnce(folder, url, { observer, timeoutMs: 20_000 });
  assert.ok(!killed, 'killed');
  const states = verdicts.map(
    ({ key, verdict }) => `${key.name} ${verdict.state} ${verdict.state === 'ready' ? '' : verdict.message}`,
  );
  assert.deepEqual(states.toSorted(), names.map((name) => `${name} ready `).toSorted());
}

type Customer = Awaited<ReturnType<typeof makeClusters>>;

/** Other hands: what they change is put right. */
async function drift(
  url: string,
  folder: string,
  stage: Stage,
  customer: Customer,
  options: LifeOptions,
  names: readonly string[],
  hubKeys: Keys,
): Promise<void> {
  const hub = clients(url, stage.hubAccount);
  const ownerTag = 'hive.openshift.io/private-link-access-for';
  const byOwner = [{ Name: `tag:${ownerTag}`, Values: ['acme-x7k2p'] }];
  const [endpoint] = (await hub.ec2.describeVpcEndpoints({ Filters: byOwner })).VpcEndpoints ?? [];
  const services = await customer.aws.ec2.describeVpcEndpointServiceConfigurations({ Filters: byOwner });
  const service = services.ServiceConfigurations![0]!;
  // An association that nobody wants, and one that is wanted no more.
  const zones = await hub.route53.listHostedZonesByName({ DNSName: 'api.acme.acme.example' });
  const HostedZoneId = zones.HostedZones![0]!.Id!;
  const stray = await makeVpc(hub, '10.50', '');
  await hub.route53.associateVPCWithHostedZone({ HostedZoneId, VPC: { VPCId: stray.vpc, VPCRegion: region } });
  // The far VPC comes off, and is put back for the end.
  const text = hiveText(folder);
  editHive(folder, (section) => {
    section.associatedVPCs = section.associatedVPCs.filter(({ vpcID }) => vpcID !== stage.farVpc);
    section.dnsRecordType = 'ARecord';
  });
  // The endpoint loses a subnet and a tag, the zone its tags.
  await hub.ec2.modifyVpcEndpoint({ VpcEndpointId: endpoint!.VpcEndpointId, RemoveSubnetIds: [stage.subnets[1]!] });
  await settle(folder, url, options, names);
  writeFileSync(join(folder, 'hive.yaml'), text);
  if (options.gentle === true) return settle(folder, url, options, names);
  // Somebody turned acceptance on, and an endpoint of ours was made meanwhile.
  const ServiceId = service.ServiceId!;
  await customer.aws.ec2.modifyVpcEndpointServiceConfiguration({ ServiceId, AcceptanceRequired: true });
  await hub.ec2.deleteVpcEndpoints({ VpcEndpointIds: [endpoint!.VpcEndpointId!] });
  await eventually('the endpoint to be gone', async () => {
    const { VpcEndpoints = [] } = await hub.ec2.describeVpcEndpoints({ Filters: byOwner });
    return VpcEndpoints.every(({ State }) => /^deleted$/i.test(String(State)));
  });
  // The service lets in the very user and not the whole account.
  const user = new EC2({
    endpoint: url,
    region,
    credentials: { accessKeyId: hubKeys.id, secretAccessKey: hubKeys.secret },
  });
  const made = await user.createVpcEndpoint({
    VpcEndpointType: 'Interface',
    VpcId: stage.endpointVpc,
    ServiceName: service.ServiceName!,
    SubnetIds: [...stage.subnets],
    TagSpecifications: [{ ResourceType: 'vpc-endpoint', Tags: endpoint!.Tags ?? [] }],
  });
  assert.ok(made.VpcEndpoint?.VpcEndpointId);
  // The state is lost: all is found by its tags.
  rmSync(join(folder, '.postern'), { recursive: true, force: true });
  await settle(folder, url, options, names);
}

async function removeAll(
  url: string,
  folder: string,
  stage: Stage,
  customer: Customer,
  { observer, gentle }: LifeOptions,
): Promise<void> {
  const services = await customer.aws.ec2.describeVpcEndpointServiceConfigurations({});
  const { ServiceId = '', ServiceName = '' } = services.ServiceConfigurations![0]!;
  if (gentle !== true) await makeThirdParty(url, customer, ServiceId, ServiceName);
  for (const name of ['acme', 'roley', 'git']) rmSync(join(folder, `${name}.yaml`), { force: true });
  const { killed } = await runOnce(folder, url, { observer, confirmPrune: true, timeoutMs: 20_000 });
  assert.ok(!killed, 'killed');
  const hub = clients(url, stage.hubAccount);
  const zones = await hub.route53.listHostedZones({});
  const left = await customer.aws.ec2.describeVpcEndpointServiceConfigurations({});
  assert.deepEqual([zones.HostedZones, left.ServiceConfigurations], [[], []], 'all is removed');
}
