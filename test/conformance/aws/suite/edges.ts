/** Load balancers, endpoint services and endpoints of one account, VPNs, Route 53, IAM. */
import assert from 'node:assert/strict';
import type { Case } from '../support/case.ts';
import { balancer, endpoint, endpointState, removed, service, vpcWithSubnets } from '../support/fixtures.ts';

export const edgeCases: readonly Case[] = [
  {
    name: 'a network load balancer with a listener and a target group',
    async run(stage) {
      const { a } = stage;
      const { vpc, subnets } = await vpcWithSubnets(stage, a, '10.30');
      await assert.rejects(a.elb.describeLoadBalancers({ Names: ['there-is-none'] }), {
        name: 'LoadBalancerNotFoundException',
      });
      const arn = await balancer(stage, a, subnets);
      const { LoadBalancers: found } = await a.elb.describeLoadBalancers({ LoadBalancerArns: [arn] });
      assert.equal(found?.[0]?.Type, 'network');
      assert.deepEqual(found[0].AvailabilityZones?.map(({ SubnetId }) => SubnetId).toSorted(), subnets.toSorted());
      const group = await a.elb.createTargetGroup({
        Name: stage.name('tg'),
        Protocol: 'TCP',
        Port: 6443,
        VpcId: vpc,
        TargetType: 'ip',
      });
      const target = group.TargetGroups![0]!.TargetGroupArn!;
      stage.cleanup(() => a.elb.deleteTargetGroup({ TargetGroupArn: target }));
      const listener = await a.elb.createListener({
        LoadBalancerArn: arn,
        Protocol: 'TCP',
        Port: 6443,
        DefaultActions: [{ Type: 'forward', TargetGroupArn: target }],
      });
      stage.cleanup(() => a.elb.deleteListener({ ListenerArn: listener.Listeners![0]!.ListenerArn! }));
      await a.elb.registerTargets({ TargetGroupArn: target, Targets: [{ Id: '10.30.0.10', Port: 6443 }] });
      const { TargetHealthDescriptions: health } = await a.elb.describeTargetHealth({ TargetGroupArn: target });
      assert.equal(health?.[0]?.Target?.Id, '10.30.0.10');
      await assert.rejects(a.elb.deleteTargetGroup({ TargetGroupArn: target }), { name: 'ResourceInUseException' });
      await a.elb.addTags({ ResourceArns: [arn], Tags: [{ Key: 'k', Value: 'v' }] });
      assert.deepEqual((await a.elb.describeTags({ ResourceArns: [arn] })).TagDescriptions?.[0]?.Tags, [
        { Key: 'k', Value: 'v' },
      ]);
      const { Attributes: attributes } = await a.elb.describeLoadBalancerAttributes({ LoadBalancerArn: arn });
      assert.ok(attributes?.some(({ Key }) => Key === 'load_balancing.cross_zone.enabled'));
    },
  },
  {
    name: 'an endpoint service has principals that come and go, and is found by its tags',
    async run(stage) {
      const { a } = stage;
      const { id } = await service(stage, a, '10.31', false);
      await a.ec2.createTags({ Resources: [id], Tags: [{ Key: 'for', Value: id }] });
      const { ServiceConfigurations: found } = await a.ec2.describeVpcEndpointServiceConfigurations({
        Filters: [{ Name: 'tag:for', Values: [id] }],
      });
      assert.deepEqual(
        found?.map(({ ServiceId }) => ServiceId),
        [id],
      );
      const [one, two] = ['arn:aws:iam::222222222222:root', 'arn:aws:iam::333333333333:role/hub'];
      await a.ec2.modifyVpcEndpointServicePermissions({ ServiceId: id, AddAllowedPrincipals: [one, two] });
      await a.ec2.modifyVpcEndpointServicePermissions({ ServiceId: id, RemoveAllowedPrincipals: [two] });
      const { AllowedPrincipals: allowed } = await a.ec2.describeVpcEndpointServicePermissions({ ServiceId: id });
      assert.deepEqual(
        allowed?.map(({ Principal }) => Principal),
        [one],
      );
      await a.ec2.modifyVpcEndpointServiceConfiguration({ ServiceId: id, AcceptanceRequired: true });
      const { ServiceConfigurations: again } = await a.ec2.describeVpcEndpointServiceConfigurations({
        ServiceIds: [id],
      });
      assert.equal(again?.[0]?.AcceptanceRequired, true);
      await a.ec2.deleteVpcEndpointServiceConfigurations({ ServiceIds: [id] });
      await assert.rejects(a.ec2.describeVpcEndpointServiceConfigurations({ ServiceIds: [id] }), {
        name: 'InvalidVpcEndpointServiceId.NotFound',
      });
    },
  },
  {
    name: 'an endpoint to the own service has an interface in each of its subnets',
    async run(stage) {
      const { a } = stage;
      const { name } = await service(stage, a, '10.32', false);
      const at = await vpcWithSubnets(stage, a, '10.33');
      const { id } = await endpoint(stage, a, name, at);
      await stage.eventually('the endpoint to be available', async () => (await endpointState(a, id)) === 'available');
      const { VpcEndpoints: found } = await a.ec2.describeVpcEndpoints({
        Filters: [{ Name: 'vpc-id', Values: [at.vpc] }],
      });
      const [shown] = found ?? [];
      assert.deepEqual(shown?.SubnetIds?.toSorted(), at.subnets.toSorted());
      assert.equal(shown?.NetworkInterfaceIds?.length, 2);
      assert.ok((shown?.DnsEntries?.length ?? 0) > 0);
      const { NetworkInterfaces: interfaces } = await a.ec2.describeNetworkInterfaces({
        NetworkInterfaceIds: shown.NetworkInterfaceIds,
      });
      assert.deepEqual(interfaces?.map(({ SubnetId }) => SubnetId).toSorted(), at.subnets.toSorted());
      await removed(stage, a, id);
    },
  },
  {
    name: 'a VPN gateway, a customer gateway and a connection between them',
    async run(stage) {
      const { a } = stage;
      const { vpc } = await vpcWithSubnets(stage, a, '10.34', '');
      const { VpnGateway: made } = await a.ec2.createVpnGateway({ Type: 'ipsec.1', AmazonSideAsn: 64_600 });
      const vgw = made!.VpnGatewayId!;
      stage.cleanup(() => a.ec2.deleteVpnGateway({ VpnGatewayId: vgw }));
      await a.ec2.attachVpnGateway({ VpnGatewayId: vgw, VpcId: vpc });
      stage.cleanup(() => a.ec2.detachVpnGateway({ VpnGatewayId: vgw, VpcId: vpc }));
      const { CustomerGateway: customer } = await a.ec2.createCustomerGateway({
        Type: 'ipsec.1',
        BgpAsn: 64_514,
        IpAddress: '203.0.113.7',
      });
      stage.cleanup(() => a.ec2.deleteCustomerGateway({ CustomerGatewayId: customer!.CustomerGatewayId! }));
      assert.equal(customer?.BgpAsn, '64514');
      const { VpnConnection: vpn } = await a.ec2.createVpnConnection({
        Type: 'ipsec.1',
        CustomerGatewayId: customer.CustomerGatewayId,
        VpnGatewayId: vgw,
      });
      stage.cleanup(() => a.ec2.deleteVpnConnection({ VpnConnectionId: vpn!.VpnConnectionId! }));
      const shown = await stage.eventually('the VPN to be available', async () => {
        const { VpnConnections: found } = await a.ec2.describeVpnConnections({
          VpnConnectionIds: [vpn!.VpnConnectionId!],
        });
        return found?.[0]?.State === 'available' ? found[0] : undefined;
      });
      assert.equal(shown.CustomerGatewayConfiguration?.match(/<ipsec_tunnel>/g)?.length, 2);
    },
  },
  {
    name: 'a private zone with records: an alias, addresses, and not empty until they are gone',
    async run(stage) {
      const { a } = stage;
      const { vpc } = await vpcWithSubnets(stage, a, '10.35', '');
      const name = `${stage.name('api')}.example.com.`;
      const VPC = { VPCId: vpc, VPCRegion: a.region as 'eu-central-1' };
      const made = await a.route53.createHostedZone({
        Name: name,
        CallerReference: stage.name('ref'),
        VPC,
        HostedZoneConfig: { PrivateZone: true },
      });
      const HostedZoneId = made.HostedZone!.Id!;
      stage.cleanup(() =>
        a.route53
          .deleteHostedZone({ Id: HostedZoneId })
          .catch((error: Error) => assert.equal(error.name, 'NoSuchHostedZone')),
      );
      const zone = await a.route53.getHostedZone({ Id: HostedZoneId });
      assert.equal(zone.HostedZone?.Config?.PrivateZone, true);
      assert.deepEqual(zone.VPCs, [VPC]);
      const change = (Action: 'UPSERT' | 'DELETE', values: string[]) =>
        a.route53.changeResourceRecordSets({
          HostedZoneId,
          ChangeBatch: {
            Changes: [
              {
                Action,
                ResourceRecordSet: {
                  Name: name,
                  Type: 'A',
                  TTL: 10,
                  ResourceRecords: values.map((Value) => ({ Value })),
                },
              },
            ],
          },
        });
      await change('UPSERT', ['10.0.0.1']);
      await change('UPSERT', ['10.0.0.1', '10.0.0.2']);
      const { ResourceRecordSets: records } = await a.route53.listResourceRecordSets({ HostedZoneId });
      assert.deepEqual(records?.map(({ Type }) => Type).toSorted(), ['A', 'NS', 'SOA']);
      assert.equal(records.find(({ Type }) => Type === 'A')?.ResourceRecords?.length, 2);
      await assert.rejects(a.route53.deleteHostedZone({ Id: HostedZoneId }), { name: 'HostedZoneNotEmpty' });
      await change('DELETE', ['10.0.0.1', '10.0.0.2']);
      const byName = await a.route53.listHostedZonesByName({ DNSName: name, MaxItems: 1 });
      assert.equal(byName.HostedZones?.[0]?.Id, HostedZoneId);
      const byVpc = await a.route53.listHostedZonesByVPC({ VPCId: vpc, VPCRegion: VPC.VPCRegion });
      assert.deepEqual(
        byVpc.HostedZoneSummaries?.map(({ Name }) => Name),
        [name],
      );
      await a.route53.deleteHostedZone({ Id: HostedZoneId });
      await assert.rejects(a.route53.getHostedZone({ Id: HostedZoneId }), { name: 'NoSuchHostedZone' });
    },
  },
  {
    name: 'a batch of record changes is refused as a whole',
    motoLacks: 'moto creates a record that exists, and deletes one whose values differ',
    async run(stage) {
      const { a } = stage;
      const made = await a.route53.createHostedZone({
        Name: `${stage.name('batch')}.example.com`,
        CallerReference: stage.name('ref'),
      });
      const { Id: HostedZoneId, Name: name } = made.HostedZone!;
      stage.cleanup(() => a.route53.deleteHostedZone({ Id: HostedZoneId! }));
      const record = (label: string, value: string) => ({
        Name: `${label}.${name}`,
        Type: 'A' as const,
        TTL: 10,
        ResourceRecords: [{ Value: value }],
      });
      const change = (...Changes: { Action: 'CREATE' | 'DELETE'; ResourceRecordSet: ReturnType<typeof record> }[]) =>
        a.route53.changeResourceRecordSets({ HostedZoneId: HostedZoneId!, ChangeBatch: { Changes } });
      await change({ Action: 'CREATE', ResourceRecordSet: record('one', '10.0.0.1') });
      const refused = change(
        { Action: 'CREATE', ResourceRecordSet: record('two', '10.0.0.2') },
        { Action: 'CREATE', ResourceRecordSet: record('one', '10.0.0.1') },
      );
      await assert.rejects(refused, { name: 'InvalidChangeBatch' });
      await assert.rejects(change({ Action: 'DELETE', ResourceRecordSet: record('one', '10.0.0.9') }), {
        name: 'InvalidChangeBatch',
      });
      const { ResourceRecordSets: records } = await a.route53.listResourceRecordSets({ HostedZoneId: HostedZoneId! });
      assert.deepEqual(
        records?.filter(({ Type }) => Type === 'A').map(({ Name }) => Name),
        [`one.${name}`],
      );
      await change({ Action: 'DELETE', ResourceRecordSet: record('one', '10.0.0.1') });
    },
  },
  {
    name: 'zones are tagged, and listed page by page',
    async run(stage) {
      const { a } = stage;
      const ids: string[] = [];
      for (const label of ['one', 'two', 'three']) {
        const made = await a.route53.createHostedZone({
          Name: `${stage.name(label)}.example.com`,
          CallerReference: stage.name('ref'),
        });
        ids.push(made.HostedZone!.Id!);
        stage.cleanup(() => a.route53.deleteHostedZone({ Id: made.HostedZone!.Id! }));
      }
      const ResourceId = ids[0]!.replace('/hostedzone/', '');
      await a.route53.changeTagsForResource({
        ResourceType: 'hostedzone',
        ResourceId,
        AddTags: [{ Key: 'k', Value: 'v' }],
      });
      const { ResourceTagSet: set } = await a.route53.listTagsForResource({ ResourceType: 'hostedzone', ResourceId });
      assert.deepEqual(set?.Tags, [{ Key: 'k', Value: 'v' }]);
      const seen: string[] = [];
      let Marker: string | undefined;
      do {
        const page = await a.route53.listHostedZones({ MaxItems: 2, ...(Marker === undefined ? {} : { Marker }) });
        seen.push(...(page.HostedZones ?? []).map(({ Id }) => Id!));
        Marker = page.IsTruncated === true ? page.NextMarker : undefined;
      } while (Marker !== undefined);
      assert.deepEqual(seen.filter((id) => ids.includes(id)).toSorted(), ids.toSorted());
      assert.equal(new Set(seen).size, seen.length);
    },
  },
  {
    name: 'a role has a trust policy, inline and attached policies, and goes after them',
    async run(stage) {
      const { a, accountA } = stage;
      const RoleName = stage.name('role');
      const document = (Statement: object) => JSON.stringify({ Version: '2012-10-17', Statement });
      const trust = document({
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${accountA}:root` },
        Action: 'sts:AssumeRole',
      });
      const { Role: role } = await a.iam.createRole({ RoleName, AssumeRolePolicyDocument: trust });
      stage.cleanup(() =>
        a.iam.deleteRole({ RoleName }).catch((error: Error) => assert.equal(error.name, 'NoSuchEntityException')),
      );
      assert.equal(role?.Arn, `arn:aws:iam::${accountA}:role/${RoleName}`);
      await a.iam.putRolePolicy({
        RoleName,
        PolicyName: 'p',
        PolicyDocument: document({ Effect: 'Allow', Action: 'ec2:DescribeVpcs', Resource: '*' }),
      });
      const { PolicyDocument: inline } = await a.iam.getRolePolicy({ RoleName, PolicyName: 'p' });
      assert.match(decodeURIComponent(inline ?? ''), /ec2:DescribeVpcs/);
      await assert.rejects(a.iam.deleteRole({ RoleName }), { name: 'DeleteConflictException' });
      const session = await a.sts.assumeRole({ RoleArn: role.Arn, RoleSessionName: 'conformance' });
      assert.equal(session.AssumedRoleUser?.Arn, `arn:aws:sts::${accountA}:assumed-role/${RoleName}/conformance`);
      await a.iam.deleteRolePolicy({ RoleName, PolicyName: 'p' });
      await a.iam.deleteRole({ RoleName });
      await assert.rejects(a.iam.getRole({ RoleName }), { name: 'NoSuchEntityException' });
    },
  },
];
