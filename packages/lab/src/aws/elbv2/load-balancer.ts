/** Load balancers. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html */
import type * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { makeInterface, removeInterfacesOf } from '../ec2/interface.ts';
import { endpointServices } from '../ec2/privatelink-records.ts';
import { type Subnet, subnets } from '../ec2/records.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { balancerDefaults, mergeAttributes, showAttributes } from './attributes.ts';
import { listeners, type LoadBalancer, loadBalancers } from './records.ts';
import { elbTags } from './tags.ts';

/** Real ones take some minutes; a rule may ask for that. */
const activeAfterMs = 700;

export const loadBalancerOperations: Operations<typeof sdk> = {
  CreateLoadBalancer(call, input) {
    const name = input.Name ?? '';
    if (!/^(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/.test(name))
      throw new AwsError(
        'ValidationError',
        `Load balancer name '${name}' must have 1 to 32 letters, digits and hyphens`,
      );
    const type = input.Type ?? 'application';
    const chosen = mappingsOf(input);
    const zones = zonesOf(call, chosen);
    const existing = loadBalancers.list(call).find((one) => one.name === name);
    if (existing !== undefined) {
      // The same settings once more answer with the balancer that is there.
      if (
        existing.type === type &&
        existing.zones.map(({ subnet }) => subnet).join() === zones.map(({ id }) => id).join()
      )
        return { LoadBalancers: [show(existing)] };
      throw new AwsError(
        'DuplicateLoadBalancerName',
        `A load balancer with the same name '${name}' exists, but with different settings`,
      );
    }
    if (loadBalancers.list(call).length >= call.world.quotas.loadBalancersPerRegion)
      throw new AwsError('TooManyLoadBalancers', 'The maximum number of load balancers has been reached');
    const scheme = input.Scheme ?? 'internet-facing';
    const short = { network: 'net', gateway: 'gwy', application: 'app' }[type];
    const hash = call.world.hex(16);
    const prefix = scheme === 'internal' && type === 'application' ? 'internal-' : '';
    const balancer: LoadBalancer = {
      ...call.born(call.arn('elasticloadbalancing', `loadbalancer/${short}/${name}/${hash}`), elbTags(input.Tags)),
      name,
      type,
      scheme,
      vpc: zones[0]!.vpc,
      dnsName: `${prefix}${name}-${hash}.elb.${call.region}.amazonaws.com`,
      addressType: input.IpAddressType ?? 'ipv4',
      zones: zones.map((subnet) => ({ name: subnet.zone, id: subnet.zoneId, subnet: subnet.id })),
      groups: input.SecurityGroups ?? [],
      attributes: { ...balancerDefaults(type) },
      state: 'provisioning',
    };
    loadBalancers.put(call.world, balancer);
    for (const [i, subnet] of zones.entries()) addInterface(call, balancer, subnet, chosen[i]?.PrivateIPv4Address);
    loadBalancers.later(call, balancer, 'active', activeAfterMs);
    return { LoadBalancers: [show(balancer)] };
  },

  DescribeLoadBalancers(call, input) {
    const all = loadBalancers.list(call);
    const byArn = input.LoadBalancerArns?.map((arn) => needBalancer(call, arn));
    const byName = input.Names?.map((name) => {
      const found = all.find((one) => one.name === name);
      if (found === undefined) throw new AwsError('LoadBalancerNotFound', `Load balancers '[${name}]' not found`);
      return found;
    });
    const { items, next } = page(call, byArn ?? byName ?? all, ({ id }) => id, {
      max: input.PageSize,
      token: input.Marker,
      usual: 400,
      most: 400,
    });
    return { LoadBalancers: items.map(show), NextMarker: next };
  },

  DeleteLoadBalancer(call, input) {
    const balancer = loadBalancers.mine(call, input.LoadBalancerArn);
    if (balancer === undefined) return {};
    if (balancer.attributes['deletion_protection.enabled'] === 'true')
      throw new AwsError(
        'OperationNotPermitted',
        `Load balancer '${balancer.id}' cannot be deleted because deletion protection is enabled`,
      );
    // moto deletes it: https://docs.aws.amazon.com/vpc/latest/privatelink/delete-endpoint-service.html
    if (
      endpointServices
        .all(call.world)
        .some((service) => [...service.networkBalancers, ...service.gatewayBalancers].includes(balancer.id))
    )
      throw new AwsError(
        'ResourceInUse',
        `Load balancer '${balancer.id}' cannot be deleted because it is currently associated with another service`,
      );
    for (const listener of listeners.all(call.world).filter((one) => one.balancer === balancer.id))
      listeners.remove(call.world, listener.id);
    removeInterfacesOf(call.world, balancer.id);
    loadBalancers.remove(call.world, balancer.id);
    return {};
  },

  DescribeLoadBalancerAttributes: (call, input) => ({
    Attributes: showAttributes(needBalancer(call, input.LoadBalancerArn).attributes),
  }),

  ModifyLoadBalancerAttributes(call, input) {
    const balancer = needBalancer(call, input.LoadBalancerArn);
    mergeAttributes(balancer.attributes, input.Attributes);
    return { Attributes: showAttributes(balancer.attributes) };
  },

  SetSubnets(call, input) {
    const balancer = needBalancer(call, input.LoadBalancerArn);
    const chosen = mappingsOf(input);
    const zones = zonesOf(call, chosen);
    const missing = balancer.zones.find(({ subnet }) => !zones.some(({ id }) => id === subnet));
    if (
      missing !== undefined &&
      endpointServices.all(call.world).some(({ networkBalancers }) => networkBalancers.includes(balancer.id))
    )
      throw new AwsError(
        'ResourceInUse',
        `Subnet ${missing.subnet} cannot be removed: load balancer '${balancer.id}' is associated with a VPC endpoint service`,
      );
    for (const subnet of zones.filter(({ id }) => !balancer.zones.some((zone) => zone.subnet === id)))
      addInterface(call, balancer, subnet, undefined);
    balancer.zones = zones.map((subnet) => ({ name: subnet.zone, id: subnet.zoneId, subnet: subnet.id }));
    return { AvailabilityZones: showZones(balancer), IpAddressType: balancer.addressType };
  },

  SetSecurityGroups(call, input) {
    const balancer = needBalancer(call, input.LoadBalancerArn);
    balancer.groups = input.SecurityGroups ?? [];
    return { SecurityGroupIds: balancer.groups };
  },

  SetIpAddressType(call, input) {
    const balancer = needBalancer(call, input.LoadBalancerArn);
    balancer.addressType = input.IpAddressType ?? balancer.addressType;
    return { IpAddressType: balancer.addressType };
  },

  DescribeCapacityReservation: (call, input) => (
    needBalancer(call, input.LoadBalancerArn),
    { CapacityReservationState: [] }
  ),
};

export function needBalancer(call: Call, arn: string | undefined): LoadBalancer {
  const balancer = loadBalancers.mine(call, arn);
  if (balancer === undefined)
    throw new AwsError('LoadBalancerNotFound', `One or more load balancers not found: '[${arn ?? ''}]'`);
  return balancer;
}

/** Both ways to name subnets, as one. */
function mappingsOf(input: Pick<sdk.CreateLoadBalancerInput, 'Subnets' | 'SubnetMappings'>): sdk.SubnetMapping[] {
  return [
    ...(input.Subnets ?? []).map((SubnetId): sdk.SubnetMapping => ({ SubnetId })),
    ...(input.SubnetMappings ?? []),
  ];
}

/** The subnets, in different zones of one VPC. */
function zonesOf(call: Call, mappings: readonly sdk.SubnetMapping[]): Subnet[] {
  const found = mappings.map(({ SubnetId: id }) => {
    const subnet = subnets.mine(call, id);
    if (subnet === undefined) throw new AwsError('SubnetNotFound', `The subnet ID '${id ?? ''}' does not exist`);
    return subnet;
  });
  if (found.length === 0) throw new AwsError('ValidationError', 'At least one subnet must be specified');
  if (new Set(found.map(({ zoneId }) => zoneId)).size < found.length)
    throw new AwsError(
      'InvalidConfigurationRequest',
      'A load balancer cannot be attached to multiple subnets in the same Availability Zone',
    );
  if (new Set(found.map(({ vpc }) => vpc)).size > 1)
    throw new AwsError('InvalidConfigurationRequest', 'All subnets must belong to the same VPC');
  return found;
}

function addInterface(call: Call, balancer: LoadBalancer, subnet: Subnet, address: string | undefined): void {
  makeInterface(call, subnet, {
    description: `ELB ${balancer.id.slice(balancer.id.indexOf('loadbalancer/') + 'loadbalancer/'.length)}`,
    type: balancer.type === 'network' ? 'network_load_balancer' : 'interface',
    groups: balancer.groups,
    requester: 'amazon-elb',
    owner: balancer.id,
    address,
  });
}

function showZones(balancer: LoadBalancer): sdk.AvailabilityZone[] {
  return balancer.zones.map(({ name, subnet }) => ({ ZoneName: name, SubnetId: subnet, LoadBalancerAddresses: [] }));
}

function show(balancer: LoadBalancer): sdk.LoadBalancer {
  return {
    LoadBalancerArn: balancer.id,
    LoadBalancerName: balancer.name,
    DNSName: balancer.dnsName,
    CanonicalHostedZoneId: canonicalZone(balancer),
    CreatedTime: new Date(balancer.createdAtMs),
    Scheme: balancer.scheme,
    VpcId: balancer.vpc,
    State: { Code: balancer.state as sdk.LoadBalancerStateEnum },
    Type: balancer.type,
    AvailabilityZones: showZones(balancer),
    ...(balancer.groups.length > 0 ? { SecurityGroups: balancer.groups } : {}),
    IpAddressType: balancer.addressType,
  };
}

/** https://docs.aws.amazon.com/general/latest/gr/elb.html, network load balancers, the regions that are rehearsed most. */
function canonicalZone({ region, type }: LoadBalancer): string {
  const network: Readonly<Record<string, string>> = {
    'us-east-1': 'Z26RNL4JYFTOTI',
    'eu-central-1': 'Z3F0SRJ5LGBH90',
    'eu-west-1': 'Z2IFOLAFXWLO4F',
  };
  const known = type === 'network' ? network[region] : undefined;
  return known ?? `Z${Buffer.from(`${type}${region}`).toString('hex').toUpperCase().slice(0, 13)}`;
}
