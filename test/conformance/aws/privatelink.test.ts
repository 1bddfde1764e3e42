/** The PrivateLink handshake between accounts, through unmodified SDK clients: the part no other simulator has. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AwsSimulator, startAwsSimulator } from '@postern/lab/aws';
import { type Clients, clients, makeVpc } from './support/clients.ts';

let simulator: AwsSimulator;
let provider: Clients;
let consumer: Clients;
before(async () => {
  simulator = await startAwsSimulator();
  provider = clients(simulator.url, '111111111111');
  consumer = clients(simulator.url, '222222222222');
});
after(() => simulator.close());

/** A service in the provider's account, Available. */
async function makeService(acceptance: boolean, zones = 'abc') {
  const { subnets } = await makeVpc(provider, '10.0', zones);
  const name = `nlb-${simulator.world.hex(6)}`;
  const made = await provider.elb.createLoadBalancer({
    Name: name,
    Type: 'network',
    Scheme: 'internal',
    Subnets: subnets,
  });
  const arn = made.LoadBalancers?.[0]?.LoadBalancerArn ?? '';
  const { ServiceConfiguration: service } = await provider.ec2.createVpcEndpointServiceConfiguration({
    NetworkLoadBalancerArns: [arn],
    AcceptanceRequired: acceptance,
  });
  assert.ok(service?.ServiceId);
  simulator.world.advance(1000);
  return { id: service.ServiceId, name: service.ServiceName ?? '', balancer: arn };
}

const allow = (id: string) =>
  provider.ec2.modifyVpcEndpointServicePermissions({
    ServiceId: id,
    AddAllowedPrincipals: ['arn:aws:iam::222222222222:root'],
  });

const connect = (name: string, at: { vpc: string; subnets: string[] }) =>
  consumer.ec2.createVpcEndpoint({
    VpcId: at.vpc,
    ServiceName: name,
    VpcEndpointType: 'Interface',
    SubnetIds: at.subnets,
  });

test('a consumer without permission is told that the service does not exist; with it, it waits for acceptance', async () => {
  const service = await makeService(true);
  const at = await makeVpc(consumer, '10.1');
  await assert.rejects(connect(service.name, at), { name: 'InvalidServiceName' });
  await allow(service.id);
  const { VpcEndpoint: endpoint } = await connect(service.name, at);
  assert.equal(endpoint?.State, 'pendingAcceptance');
  simulator.world.advance(60_000);
  const waiting = await consumer.ec2.describeVpcEndpoints({ VpcEndpointIds: [endpoint.VpcEndpointId!] });
  assert.equal(waiting.VpcEndpoints?.[0]?.State, 'pendingAcceptance', 'nobody accepts by himself');

  const connections = await provider.ec2.describeVpcEndpointConnections({
    Filters: [{ Name: 'service-id', Values: [service.id] }],
  });
  assert.deepEqual(
    connections.VpcEndpointConnections?.map(({ VpcEndpointId, VpcEndpointOwner }) => [VpcEndpointId, VpcEndpointOwner]),
    [[endpoint.VpcEndpointId, '222222222222']],
  );
  await provider.ec2.acceptVpcEndpointConnections({ ServiceId: service.id, VpcEndpointIds: [endpoint.VpcEndpointId!] });
  simulator.world.advance(1000);
  const ready = await consumer.ec2.describeVpcEndpoints({ VpcEndpointIds: [endpoint.VpcEndpointId!] });
  const [shown] = ready.VpcEndpoints ?? [];
  assert.equal(shown?.State, 'available');
  assert.equal(shown?.DnsEntries?.length, 4, 'the regional name and one a zone');
  const interfaces = await consumer.ec2.describeNetworkInterfaces({ NetworkInterfaceIds: shown.NetworkInterfaceIds! });
  assert.ok(interfaces.NetworkInterfaces?.every(({ PrivateIpAddress }) => PrivateIpAddress?.startsWith('10.1.')));
});

test('a service goes only after its connections: deletions report per item, and the balancer stays as long', async () => {
  const service = await makeService(false);
  await allow(service.id);
  const { VpcEndpoint: endpoint } = await connect(service.name, await makeVpc(consumer, '10.1'));
  simulator.world.advance(1000);
  const remove = async () =>
    (await provider.ec2.deleteVpcEndpointServiceConfigurations({ ServiceIds: [service.id] })).Unsuccessful;
  assert.equal((await remove())?.[0]?.Error?.Code, 'ExistingVpcEndpointConnections');
  await assert.rejects(provider.elb.deleteLoadBalancer({ LoadBalancerArn: service.balancer }), {
    name: 'ResourceInUseException',
  });
  await consumer.ec2.deleteVpcEndpoints({ VpcEndpointIds: [endpoint!.VpcEndpointId!] });
  assert.equal(
    (await remove())?.[0]?.Error?.Code,
    'ExistingVpcEndpointConnections',
    'an endpoint that is still going counts',
  );
  simulator.world.advance(2000);
  assert.deepEqual(await remove(), []);
  assert.equal((await remove())?.[0]?.Error?.Code, 'InvalidVpcEndpointService.NotFound');
  await provider.elb.deleteLoadBalancer({ LoadBalancerArn: service.balancer });
});

test('rejecting the connections of third parties lets the service go', async () => {
  const service = await makeService(true);
  await allow(service.id);
  const { VpcEndpoint: endpoint } = await connect(service.name, await makeVpc(consumer, '10.1'));
  await provider.ec2.rejectVpcEndpointConnections({
    ServiceId: service.id,
    VpcEndpointIds: [endpoint!.VpcEndpointId!],
  });
  const gone = await provider.ec2.deleteVpcEndpointServiceConfigurations({ ServiceIds: [service.id] });
  assert.deepEqual(gone.Unsuccessful, []);
  const left = await consumer.ec2.describeVpcEndpoints({ VpcEndpointIds: [endpoint!.VpcEndpointId!] });
  assert.equal(left.VpcEndpoints?.[0]?.State, 'rejected', 'the consumer keeps a rejected endpoint until it deletes it');
});

test('an endpoint needs zones of the service, one subnet a zone, a group of its VPC, and room in the quota', async () => {
  const service = await makeService(false, 'ab');
  await allow(service.id);
  const at = await makeVpc(consumer, '10.1');
  await assert.rejects(connect(service.name, at), { name: 'InvalidParameter', message: /availability zone/ });
  const twice = await consumer.ec2.createSubnet({
    VpcId: at.vpc,
    CidrBlock: '10.1.9.0/24',
    AvailabilityZone: 'eu-central-1a',
  });
  await assert.rejects(connect(service.name, { vpc: at.vpc, subnets: [at.subnets[0]!, twice.Subnet!.SubnetId!] }), {
    name: 'DuplicateSubnetsInSameZone',
  });
  const input = {
    VpcId: at.vpc,
    ServiceName: service.name,
    VpcEndpointType: 'Interface',
    SubnetIds: at.subnets.slice(0, 2),
  } as const;
  await assert.rejects(consumer.ec2.createVpcEndpoint({ ...input, SecurityGroupIds: ['sg-0123456789abcdef0'] }), {
    name: 'InvalidGroup.NotFound',
  });
  simulator.world.quotas.interfaceEndpointsPerVpc = 1;
  const token = 'the-same-wish';
  const first = await consumer.ec2.createVpcEndpoint({ ...input, ClientToken: token });
  const again = await consumer.ec2.createVpcEndpoint({ ...input, ClientToken: token });
  assert.equal(
    again.VpcEndpoint?.VpcEndpointId,
    first.VpcEndpoint?.VpcEndpointId,
    'a client token makes nothing twice',
  );
  await assert.rejects(consumer.ec2.createVpcEndpoint(input), { name: 'VpcEndpointLimitExceeded' });
  simulator.world.quotas.interfaceEndpointsPerVpc = 50;
});

test('a private zone takes the VPC of another account only with an authorisation', async () => {
  const hub = consumer;
  const { vpc } = await makeVpc(hub, '10.1', 'a');
  const other = await makeVpc(provider, '10.2', 'a');
  const zone = await hub.route53.createHostedZone({
    Name: 'api.c1.example.com',
    CallerReference: 'once',
    VPC: { VPCId: vpc, VPCRegion: 'eu-central-1' },
  });
  const id = zone.HostedZone!.Id!;
  const association = { HostedZoneId: id, VPC: { VPCId: other.vpc, VPCRegion: 'eu-central-1' } } as const;
  await assert.rejects(provider.route53.associateVPCWithHostedZone(association), { name: 'NotAuthorizedException' });
  await assert.rejects(hub.route53.associateVPCWithHostedZone(association), { name: 'NotAuthorizedException' });
  await hub.route53.createVPCAssociationAuthorization(association);
  await provider.route53.associateVPCWithHostedZone(association);
  await hub.route53.deleteVPCAssociationAuthorization(association);
  const seen = await provider.route53.listHostedZonesByVPC({ VPCId: other.vpc, VPCRegion: 'eu-central-1' });
  assert.equal(seen.HostedZoneSummaries?.[0]?.Owner?.OwningAccount, '222222222222');
  await provider.route53.disassociateVPCFromHostedZone(association);
  await assert.rejects(
    hub.route53.disassociateVPCFromHostedZone({ HostedZoneId: id, VPC: { VPCId: vpc, VPCRegion: 'eu-central-1' } }),
    {
      name: 'LastVPCAssociation',
    },
  );
});
