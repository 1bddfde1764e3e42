import type * as ec2 from '@aws-sdk/client-ec2';
import type * as elb from '@aws-sdk/client-elastic-load-balancing-v2';
import type * as route53 from '@aws-sdk/client-route-53';
import type {
  ConnectionView,
  EndpointView,
  LoadBalancerView,
  RecordView,
  ServiceView,
  ZoneVpc,
} from '../plan/observed.ts';
import { canonical } from '../plan/next-zone.ts';

/** From the SDK's shapes, in which everything may be undefined, to the planner's, in which nothing is by accident. */

type Tags = Readonly<Record<string, string>>;

export function tagsOf(
  tags: ReadonlyArray<{ Key?: string | undefined; Value?: string | undefined }> | undefined,
): Tags {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

export function tagList(tags: Tags): Array<{ Key: string; Value: string }> {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function loadBalancerView(lb: elb.LoadBalancer): LoadBalancerView {
  return {
    arn: lb.LoadBalancerArn ?? '',
    name: lb.LoadBalancerName ?? '',
    type: lb.Type ?? '',
    zones: (lb.AvailabilityZones ?? []).flatMap(({ ZoneName }) => (ZoneName === undefined ? [] : [ZoneName])),
    state: lb.State?.Code ?? '',
  };
}

export function serviceView(service: ec2.ServiceConfiguration): ServiceView {
  return {
    id: service.ServiceId ?? '',
    name: service.ServiceName ?? '',
    state: service.ServiceState ?? '',
    acceptanceRequired: service.AcceptanceRequired ?? false,
    loadBalancerArns: [...(service.NetworkLoadBalancerArns ?? []), ...(service.GatewayLoadBalancerArns ?? [])],
    tags: tagsOf(service.Tags),
  };
}

export function endpointView(endpoint: ec2.VpcEndpoint): EndpointView {
  return {
    id: endpoint.VpcEndpointId ?? '',
    state: endpoint.State ?? '',
    vpcId: endpoint.VpcId ?? '',
    serviceName: endpoint.ServiceName ?? '',
    subnetIds: endpoint.SubnetIds ?? [],
    groupIds: (endpoint.Groups ?? []).flatMap(({ GroupId }) => (GroupId === undefined ? [] : [GroupId])),
    networkInterfaceIds: endpoint.NetworkInterfaceIds ?? [],
    dnsEntries: (endpoint.DnsEntries ?? []).flatMap(({ DnsName, HostedZoneId }) =>
      DnsName === undefined || HostedZoneId === undefined ? [] : [{ name: DnsName, hostedZoneId: HostedZoneId }],
    ),
    tags: tagsOf(endpoint.Tags),
  };
}

export function connectionView(connection: ec2.VpcEndpointConnection): ConnectionView {
  return {
    endpointId: connection.VpcEndpointId ?? '',
    owner: connection.VpcEndpointOwner ?? '',
    state: connection.VpcEndpointState ?? '',
  };
}

/** Route 53 writes ids as `/hostedzone/Z123` in some answers and `Z123` in others. */
export function zoneId(id: string | undefined): string {
  return (id ?? '').replace(/^\/?hostedzone\//, '');
}

export function zoneVpcs(vpcs: readonly route53.VPC[] | undefined): ZoneVpc[] {
  return (vpcs ?? []).map(({ VPCId = '', VPCRegion = '' }) => ({ vpcId: VPCId, region: VPCRegion }));
}

export function recordView(set: route53.ResourceRecordSet): RecordView {
  if (set.AliasTarget !== undefined)
    return {
      kind: 'alias',
      dnsName: canonical(set.AliasTarget.DNSName ?? ''),
      hostedZoneId: set.AliasTarget.HostedZoneId ?? '',
    };
  if (set.ResourceRecords === undefined) return { kind: 'other' };
  return {
    kind: 'addresses',
    ttlSeconds: set.TTL ?? 0,
    addresses: set.ResourceRecords.map(({ Value = '' }) => Value).toSorted(),
  };
}
