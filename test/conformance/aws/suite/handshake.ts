/** What two accounts do with one another. moto keeps every account to itself, and has neither acceptance nor authorisation. */
import assert from 'node:assert/strict';
import type { Case } from '../support/case.ts';
import { endpoint, endpointState, removed, service, vpcWithSubnets } from '../support/fixtures.ts';

const motoLacks = 'moto keeps accounts apart and has no acceptance, no permissions and no authorisations';

export const handshakeCases: readonly Case[] = [
  {
    name: 'a consumer without permission is told that the service does not exist; with it, it waits for acceptance',
    motoLacks,
    twoAccounts: true,
    async run(stage) {
      const { a: provider, b: consumer, accountB } = stage;
      const { id, name } = await service(stage, provider, '10.40', true);
      const at = await vpcWithSubnets(stage, consumer, '10.41');
      const wanted = { VpcId: at.vpc, ServiceName: name, VpcEndpointType: 'Interface', SubnetIds: at.subnets } as const;
      await assert.rejects(consumer.ec2.createVpcEndpoint(wanted), { name: 'InvalidServiceName' });
      await assert.rejects(consumer.ec2.describeVpcEndpointServices({ ServiceNames: [name] }), {
        name: 'InvalidServiceName',
      });
      await provider.ec2.modifyVpcEndpointServicePermissions({
        ServiceId: id,
        AddAllowedPrincipals: [`arn:aws:iam::${accountB}:root`],
      });
      await stage.eventually(
        'the service to be seen',
        async () =>
          (await consumer.ec2.describeVpcEndpointServices({ ServiceNames: [name] })).ServiceDetails?.[0]?.Owner,
      );
      const made = await endpoint(stage, consumer, name, at);
      assert.equal(made.state?.toLowerCase(), 'pendingacceptance');
      const ofService = { Filters: [{ Name: 'service-id', Values: [id] }] };
      const connections = await provider.ec2.describeVpcEndpointConnections(ofService);
      assert.deepEqual(
        connections.VpcEndpointConnections?.map(({ VpcEndpointId, VpcEndpointOwner }) => [
          VpcEndpointId,
          VpcEndpointOwner,
        ]),
        [[made.id, accountB]],
      );
      await provider.ec2.acceptVpcEndpointConnections({ ServiceId: id, VpcEndpointIds: [made.id] });
      await stage.eventually(
        'the endpoint to be available',
        async () => (await endpointState(consumer, made.id)) === 'available',
      );
      const { VpcEndpoints: found } = await consumer.ec2.describeVpcEndpoints({ VpcEndpointIds: [made.id] });
      assert.equal(found?.[0]?.DnsEntries?.length, 3, 'the regional name and one a zone');
      const { NetworkInterfaces: interfaces } = await consumer.ec2.describeNetworkInterfaces({
        NetworkInterfaceIds: found[0].NetworkInterfaceIds!,
      });
      assert.ok(interfaces?.every(({ PrivateIpAddress }) => PrivateIpAddress?.startsWith('10.41.')));
    },
  },
  {
    name: 'a service goes only after its connections: deletions report per item, and the balancer stays as long',
    motoLacks,
    twoAccounts: true,
    async run(stage) {
      const { a: provider, b: consumer, accountB } = stage;
      const { id, name, balancer } = await service(stage, provider, '10.42', false);
      await provider.ec2.modifyVpcEndpointServicePermissions({
        ServiceId: id,
        AddAllowedPrincipals: [`arn:aws:iam::${accountB}:root`],
      });
      const at = await vpcWithSubnets(stage, consumer, '10.43');
      const made = await endpoint(stage, consumer, name, at);
      await stage.eventually(
        'the endpoint to be available',
        async () => (await endpointState(consumer, made.id)) === 'available',
      );
      const remove = async () =>
        (await provider.ec2.deleteVpcEndpointServiceConfigurations({ ServiceIds: [id] })).Unsuccessful?.[0]?.Error
          ?.Code;
      assert.equal(await remove(), 'ExistingVpcEndpointConnections');
      await assert.rejects(provider.elb.deleteLoadBalancer({ LoadBalancerArn: balancer }), {
        name: 'ResourceInUseException',
      });
      await consumer.ec2.deleteVpcEndpoints({ VpcEndpointIds: [made.id] });
      assert.equal(await remove(), 'ExistingVpcEndpointConnections', 'an endpoint that is still going counts');
      await removed(stage, consumer, made.id);
      assert.equal(await remove(), undefined);
      assert.equal(await remove(), 'InvalidVpcEndpointService.NotFound');
    },
  },
  {
    name: 'rejecting the connections of third parties lets the service go',
    motoLacks,
    twoAccounts: true,
    async run(stage) {
      const { a: provider, b: consumer, accountB } = stage;
      const { id, name } = await service(stage, provider, '10.44', true);
      await provider.ec2.modifyVpcEndpointServicePermissions({
        ServiceId: id,
        AddAllowedPrincipals: [`arn:aws:iam::${accountB}:root`],
      });
      const made = await endpoint(stage, consumer, name, await vpcWithSubnets(stage, consumer, '10.45'));
      await provider.ec2.rejectVpcEndpointConnections({ ServiceId: id, VpcEndpointIds: [made.id] });
      await stage.eventually(
        'the endpoint to be rejected',
        async () => (await endpointState(consumer, made.id)) === 'rejected',
      );
      const gone = await provider.ec2.deleteVpcEndpointServiceConfigurations({ ServiceIds: [id] });
      assert.deepEqual(gone.Unsuccessful ?? [], []);
    },
  },
  {
    name: 'an endpoint needs zones of the service, one subnet a zone, and a group of its VPC',
    motoLacks: 'moto takes any subnet and any group',
    async run(stage) {
      const { a } = stage;
      const { name } = await service(stage, a, '10.46', false, 'ab');
      const { vpc, subnets } = await vpcWithSubnets(stage, a, '10.47', 'abc');
      const input = { VpcId: vpc, ServiceName: name, VpcEndpointType: 'Interface' } as const;
      await assert.rejects(a.ec2.createVpcEndpoint({ ...input, SubnetIds: subnets }), {
        name: 'InvalidParameter',
        message: /availability zone/,
      });
      const { Subnet: twin } = await a.ec2.createSubnet({
        VpcId: vpc,
        CidrBlock: '10.47.9.0/24',
        AvailabilityZone: `${a.region}a`,
      });
      stage.cleanup(() => a.ec2.deleteSubnet({ SubnetId: twin!.SubnetId! }));
      await assert.rejects(a.ec2.createVpcEndpoint({ ...input, SubnetIds: [subnets[0]!, twin!.SubnetId!] }), {
        name: 'DuplicateSubnetsInSameZone',
      });
      await assert.rejects(
        a.ec2.createVpcEndpoint({ ...input, SubnetIds: [subnets[0]!], SecurityGroupIds: ['sg-0123456789abcdef0'] }),
        { name: /^InvalidGroup/ },
      );
    },
  },
  {
    name: 'a private zone takes the VPC of another account only with an authorisation',
    motoLacks,
    twoAccounts: true,
    async run(stage) {
      const { a: hub, b: other } = stage;
      const { vpc } = await vpcWithSubnets(stage, hub, '10.48', '');
      const theirs = await vpcWithSubnets(stage, other, '10.49', '');
      const region = hub.region as 'eu-central-1';
      const zone = await hub.route53.createHostedZone({
        Name: `${stage.name('api')}.example.com`,
        CallerReference: stage.name('ref'),
        VPC: { VPCId: vpc, VPCRegion: region },
      });
      const HostedZoneId = zone.HostedZone!.Id!;
      stage.cleanup(() => hub.route53.deleteHostedZone({ Id: HostedZoneId }));
      const association = { HostedZoneId, VPC: { VPCId: theirs.vpc, VPCRegion: region } };
      await assert.rejects(other.route53.associateVPCWithHostedZone(association), { name: 'NotAuthorizedException' });
      await assert.rejects(hub.route53.associateVPCWithHostedZone(association), { name: 'NotAuthorizedException' });
      await hub.route53.createVPCAssociationAuthorization(association);
      const { VPCs: authorised } = await hub.route53.listVPCAssociationAuthorizations({ HostedZoneId });
      assert.deepEqual(authorised, [association.VPC]);
      await other.route53.associateVPCWithHostedZone(association);
      await hub.route53.deleteVPCAssociationAuthorization(association);
      const seen = await other.route53.listHostedZonesByVPC({ VPCId: theirs.vpc, VPCRegion: region });
      assert.equal(seen.HostedZoneSummaries?.[0]?.Owner?.OwningAccount, stage.accountA);
      await other.route53.disassociateVPCFromHostedZone(association);
      await assert.rejects(
        hub.route53.disassociateVPCFromHostedZone({ HostedZoneId, VPC: { VPCId: vpc, VPCRegion: region } }),
        { name: 'LastVPCAssociation' },
      );
    },
  },
  {
    name: 'a peering between accounts is accepted by the other side only',
    motoLacks,
    twoAccounts: true,
    async run(stage) {
      const { a, b, accountB } = stage;
      const one = await vpcWithSubnets(stage, a, '10.50', '');
      const two = await vpcWithSubnets(stage, b, '10.51', '');
      const { VpcPeeringConnection: made } = await a.ec2.createVpcPeeringConnection({
        VpcId: one.vpc,
        PeerVpcId: two.vpc,
        PeerOwnerId: accountB,
      });
      const id = made!.VpcPeeringConnectionId!;
      stage.cleanup(() => a.ec2.deleteVpcPeeringConnection({ VpcPeeringConnectionId: id }));
      const status = async () =>
        (await b.ec2.describeVpcPeeringConnections({ VpcPeeringConnectionIds: [id] })).VpcPeeringConnections?.[0]
          ?.Status?.Code;
      await stage.eventually('the peering to wait', async () => (await status()) === 'pending-acceptance');
      await assert.rejects(a.ec2.acceptVpcPeeringConnection({ VpcPeeringConnectionId: id }), {
        name: 'OperationNotPermitted',
      });
      await b.ec2.acceptVpcPeeringConnection({ VpcPeeringConnectionId: id });
      await stage.eventually('the peering to be active', async () => (await status()) === 'active');
    },
  },
];
