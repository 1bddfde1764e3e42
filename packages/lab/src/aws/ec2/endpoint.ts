/**
 * The consumer's half of PrivateLink. https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
 */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { dnsSuffix } from '../world/partition.ts';
import type { World } from '../world/world.ts';
import { filtered } from './filter.ts';
import { makeInterface } from './interface.ts';
import { absent, chosen, need } from './lookup.ts';
import { type Endpoint, endpoints } from './privatelink-records.ts';
import { interfaces, type Subnet, subnets, type Vpc, vpcs } from './records.ts';
import { routeTables } from './route-table.ts';
import { groupsFor } from './security-group.ts';
import { needService, type Offered } from './service-names.ts';
import { tagList, tagsFor } from './tags.ts';
import { eachItem } from './unsuccessful.ts';

const availableAfterMs = 500;
/** https://docs.aws.amazon.com/vpc/latest/privatelink/accept-connection-requests.html: then the request has expired. */
const expiredAfterMs = 7 * 86_400_000;
const deletedAfterMs = 500;
/** A deleted endpoint is listed as such for a while. */
const goneAfterMs = 400;

const openPolicy = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}';

export const endpointOperations: Operations<typeof sdk> = {
  CreateVpcEndpoint(call, input) {
    const before = endpoints.get(call.world, call.remembered(input.ClientToken));
    if (before !== undefined) return { VpcEndpoint: show(call, before), ClientToken: input.ClientToken };
    const vpc = need(call, vpcs, input.VpcId);
    const service = needService(call, input.ServiceName ?? '');
    const type = input.VpcEndpointType ?? 'Gateway';
    if (!service.types.some((offered) => offered === type))
      throw new AwsError(
        'InvalidParameter',
        `The VPC endpoint service ${service.name} does not support the VPC endpoint type ${type}.`,
      );
    checkPolicy(input.PolicyDocument);
    const zoned = type === 'Gateway' ? [] : placed(call, vpc, service, input.SubnetIds ?? [], []);
    const groups = type === 'Interface' ? groupsFor(call, input.SecurityGroupIds, vpc.id) : [];
    const tables = (input.RouteTableIds ?? []).map((id) => need(call, routeTables, id).id);
    if (type === 'Interface') withinQuota(call, vpc);
    checkPrivateDns(vpc, service, input.PrivateDnsEnabled ?? (service.own === undefined && type === 'Interface'));
    const endpoint = endpoints.put(call.world, {
      ...call.born(call.world.id('vpce'), tagsFor(call, 'vpc-endpoint', input.TagSpecifications)),
      vpc: vpc.id,
      type,
      serviceName: service.name,
      ...(service.own === undefined ? {} : { service: service.id }),
      dnsPrefix: call.world.hex(8),
      policy: input.PolicyDocument ?? openPolicy,
      subnets: zoned.map(({ id }) => id),
      groups,
      routeTables: tables,
      privateDns: input.PrivateDnsEnabled ?? (service.own === undefined && type === 'Interface'),
      recordIpType: input.DnsOptions?.DnsRecordIpType ?? 'ipv4',
      named: false,
      state: service.acceptance ? 'pendingAcceptance' : type === 'Gateway' ? 'available' : 'pending',
    });
    for (const subnet of zoned) addInterface(call, endpoint, subnet);
    if (endpoint.state === 'pending') endpoints.later(call, endpoint, 'available', availableAfterMs);
    if (endpoint.state === 'pendingAcceptance') endpoints.later(call, endpoint, 'expired', expiredAfterMs);
    call.remember(input.ClientToken, endpoint.id);
    return { VpcEndpoint: show(call, endpoint), ClientToken: input.ClientToken };
  },

  DescribeVpcEndpoints(call, input) {
    const found = filtered(chosen(call, endpoints, input.VpcEndpointIds), input.Filters, {
      'vpc-endpoint-id': ({ id }) => id,
      'vpc-id': ({ vpc }) => vpc,
      'service-name': ({ serviceName }) => serviceName,
      'vpc-endpoint-state': ({ state }) => state,
      'vpc-endpoint-type': ({ type }) => type,
      'ip-address-type': () => 'ipv4',
      'service-region': ({ region }) => region,
    });
    const { items, next } = page(call, found, ({ id }) => id, { max: input.MaxResults, token: input.NextToken });
    return { VpcEndpoints: items.map((endpoint) => show(call, endpoint)), NextToken: next };
  },

  ModifyVpcEndpoint(call, input) {
    const endpoint = need(call, endpoints, input.VpcEndpointId);
    const vpc = need(call, vpcs, endpoint.vpc);
    if (endpoint.state !== 'available' && endpoint.state !== 'pendingAcceptance')
      throw new AwsError(
        'IncorrectState',
        `The VPC endpoint ${endpoint.id} is ${endpoint.state ?? ''} and cannot be modified`,
      );
    const kept = endpoint.subnets.filter((id) => !(input.RemoveSubnetIds ?? []).includes(id));
    const added = (input.AddSubnetIds ?? []).filter((id) => !kept.includes(id));
    const service =
      added.length === 0 && input.PrivateDnsEnabled !== true ? undefined : needService(call, endpoint.serviceName);
    const zoned = service === undefined ? [] : placed(call, vpc, service, added, kept);
    const groups = [
      ...new Set([
        ...endpoint.groups.filter((id) => !(input.RemoveSecurityGroupIds ?? []).includes(id)),
        ...(input.AddSecurityGroupIds ?? []),
      ]),
    ];
    if (endpoint.type === 'Interface' && groups.length === 0)
      throw new AwsError('InvalidParameter', 'An interface endpoint must have at least one security group');
    groupsFor(call, groups, vpc.id);
    if (service !== undefined) checkPrivateDns(vpc, service, input.PrivateDnsEnabled ?? false);
    checkPolicy(input.PolicyDocument);
    const tables = [
      ...new Set([
        ...endpoint.routeTables,
        ...(input.AddRouteTableIds ?? []).map((id) => need(call, routeTables, id).id),
      ]),
    ];
    for (const one of interfaces.all(call.world).filter((eni) => eni.owner === endpoint.id)) {
      if (!kept.includes(one.subnet)) interfaces.remove(call.world, one.id);
      else one.groups = groups;
    }
    endpoint.groups = groups;
    endpoint.subnets = [...kept, ...added];
    endpoint.routeTables = tables.filter((id) => !(input.RemoveRouteTableIds ?? []).includes(id));
    endpoint.policy = input.ResetPolicy === true ? openPolicy : (input.PolicyDocument ?? endpoint.policy);
    endpoint.privateDns = input.PrivateDnsEnabled ?? endpoint.privateDns;
    endpoint.recordIpType = input.DnsOptions?.DnsRecordIpType ?? endpoint.recordIpType;
    for (const subnet of zoned) addInterface(call, endpoint, subnet);
    return { Return: true };
  },

  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpcEndpoints.html: per item, and not at once.
  DeleteVpcEndpoints: (call, input) => ({
    Unsuccessful: eachItem(call, input.VpcEndpointIds, (id) => {
      if (!id.startsWith('vpce-')) throw absent('vpc-endpoint', id);
      const endpoint = endpoints.mine(call, id);
      if (endpoint === undefined)
        throw new AwsError('InvalidVpcEndpoint.NotFound', `The Vpc Endpoint Id '${id}' does not exist`);
      if (endpoint.state === 'deleting' || endpoint.state === 'deleted') return;
      endpoints.become(call.world, endpoint, 'deleting');
      endpoints.later(call, endpoint, 'deleted', deletedAfterMs);
      endpoints.later(call, endpoint, 'gone', goneAfterMs);
    }),
  }),
};

/** The subnets, each in a zone of its own that the service serves. */
function placed(call: Call, vpc: Vpc, service: Offered, ids: readonly string[], already: readonly string[]): Subnet[] {
  const taken = new Set(already.map((id) => subnets.get(call.world, id)?.zoneId));
  return ids.map((id) => {
    const subnet = need(call, subnets, id);
    if (subnet.vpc !== vpc.id)
      throw new AwsError('InvalidParameter', `The subnet ID '${id}' does not belong to VPC '${vpc.id}'.`);
    if (!service.zoneIds.includes(subnet.zoneId))
      throw new AwsError(
        'InvalidParameter',
        `The VPC endpoint service ${service.name} does not support the availability zone of the subnet: ${id}.`,
      );
    if (taken.has(subnet.zoneId))
      throw new AwsError(
        'DuplicateSubnetsInSameZone',
        `Found another VPC endpoint subnet in the availability zone of ${id}. VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.`,
      );
    taken.add(subnet.zoneId);
    return subnet;
  });
}

/** https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html */
function withinQuota(call: Call, vpc: Vpc): void {
  const count = endpoints
    .all(call.world)
    .filter(
      (endpoint) => endpoint.vpc === vpc.id && endpoint.type !== 'Gateway' && endpoint.state !== 'deleted',
    ).length;
  if (count >= call.world.quotas.interfaceEndpointsPerVpc)
    throw new AwsError('VpcEndpointLimitExceeded', 'The maximum number of VPC endpoints has been reached.');
}

function checkPrivateDns(vpc: Vpc, service: Offered, wanted: boolean): void {
  if (!wanted) return;
  if (service.privateDns === undefined || !service.privateDns.verified)
    throw new AwsError(
      'InvalidParameter',
      `Private DNS can't be enabled because the service ${service.name} does not provide a private DNS name.`,
    );
  if (!vpc.dnsSupport || !vpc.dnsHostnames)
    throw new AwsError(
      'InvalidParameter',
      `Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for ${vpc.id}`,
    );
}

function checkPolicy(document: string | undefined): void {
  if (document === undefined) return;
  try {
    JSON.parse(document);
  } catch {
    throw new AwsError('MalformedPolicyDocument', 'The policy document is no JSON');
  }
}

function addInterface(call: Call, endpoint: Endpoint, subnet: Subnet): void {
  makeInterface(call, subnet, {
    description: `VPC Endpoint Interface ${endpoint.id}`,
    type: 'vpc_endpoint',
    groups: endpoint.groups,
    requester: '727180483921',
    owner: endpoint.id,
  });
}

/**
 * The names of an interface endpoint: the regional one first, then one a zone. There are none before the endpoint has been
 * available: whoever reads the first of none must wait.
 */
export function dnsEntries(world: World, endpoint: Endpoint): sdk.DnsEntry[] {
  if (endpoint.type !== 'Interface' || !endpoint.named) return [];
  const suffix = `vpce.${dnsSuffix(endpoint.region)}`;
  const base = endpoint.service ?? endpoint.serviceName.split('.').slice(3).reverse().join('.');
  const label = `${endpoint.id}-${endpoint.dnsPrefix}`;
  const names = [`${label}.${base}.${endpoint.region}.${suffix}`];
  const zones = endpoint.subnets.flatMap((id) => subnets.get(world, id)?.zone ?? []);
  for (const zone of zones.toSorted()) names.push(`${label}-${zone}.${base}.${endpoint.region}.${suffix}`);
  return names.map((DnsName) => ({ DnsName, HostedZoneId: endpointZoneId(endpoint.region) }));
}

/** Hosted zones of the regional endpoint names: https://docs.aws.amazon.com/general/latest/gr/elb.html and describe-vpc-endpoints. */
function endpointZoneId(region: string): string {
  const known: Readonly<Record<string, string>> = {
    'us-east-1': 'Z7HUB22UULQXV',
    'eu-central-1': 'Z273ZU8SZ5RJPC',
    'eu-west-1': 'Z38GZ743OKFT7T',
  };
  return known[region] ?? `Z${Buffer.from(region).toString('hex').toUpperCase().slice(0, 13).padEnd(13, '0')}`;
}

export function show(call: Call, endpoint: Endpoint): sdk.VpcEndpoint {
  const own = interfaces.all(call.world).filter(({ owner }) => owner === endpoint.id);
  return {
    VpcEndpointId: endpoint.id,
    VpcEndpointType: endpoint.type,
    VpcId: endpoint.vpc,
    ServiceName: endpoint.serviceName,
    // The API writes `available`, `pendingAcceptance`; the SDK's enum has capitals.
    State: endpoint.state as sdk.State,
    PolicyDocument: endpoint.policy,
    RouteTableIds: endpoint.routeTables,
    SubnetIds: endpoint.subnets,
    Groups: endpoint.groups.map((id) => ({ GroupId: id })),
    PrivateDnsEnabled: endpoint.privateDns,
    RequesterManaged: false,
    NetworkInterfaceIds: own.map(({ id }) => id),
    DnsEntries: dnsEntries(call.world, endpoint),
    CreationTimestamp: new Date(endpoint.createdAtMs),
    OwnerId: endpoint.account,
    ServiceRegion: endpoint.region,
    ...(endpoint.type === 'Interface'
      ? { IpAddressType: 'ipv4', DnsOptions: { DnsRecordIpType: endpoint.recordIpType } }
      : {}),
    Tags: tagList(endpoint.tags),
  };
}
