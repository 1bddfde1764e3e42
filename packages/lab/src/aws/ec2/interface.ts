/** Network interfaces, and the addresses endpoints, gateways and balancers take in a subnet. */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import type { World } from '../world/world.ts';
import { filtered } from './filter.ts';
import { addressNumber, addressText, network } from './ip.ts';
import { chosen, need } from './lookup.ts';
import { interfaces, type NetworkInterface, securityGroups, type Subnet, subnets } from './records.ts';
import { groupsFor } from './security-group.ts';
import { tagList, tagsFor } from './tags.ts';

interface Wanted {
  readonly description: string;
  readonly type: sdk.NetworkInterfaceType;
  readonly groups: string[];
  readonly requester: string;
  readonly owner?: string;
  readonly address?: string | undefined;
  readonly tags?: Record<string, string>;
}

/** An interface with a free address of the subnet. Four at the front and one at the back belong to AWS. */
export function makeInterface(call: Call, subnet: Subnet, wanted: Wanted): NetworkInterface {
  const address = wanted.address ?? freeAddress(call.world, subnet);
  const mac = call.world.hex(10).match(/../g)!.join(':');
  return interfaces.put(call.world, {
    ...call.born(call.world.id('eni'), wanted.tags),
    account: subnet.account,
    region: subnet.region,
    subnet: subnet.id,
    vpc: subnet.vpc,
    zone: subnet.zone,
    address,
    mac: `0a:${mac}`,
    description: wanted.description,
    type: wanted.type,
    groups: wanted.groups,
    requester: wanted.requester,
    managed: wanted.owner !== undefined,
    ...(wanted.owner === undefined ? {} : { owner: wanted.owner }),
    sourceDestCheck: true,
    state: wanted.owner === undefined ? 'available' : 'in-use',
  });
}

function freeAddress(world: World, subnet: Subnet): string {
  const block = network(subnet.cidr, 'cidr');
  const used = new Set(
    interfaces
      .all(world)
      .filter((one) => one.subnet === subnet.id)
      .map(({ address }) => addressNumber(address)),
  );
  for (let address = block.first + 4; address < block.first + block.size - 1; address++)
    if (!used.has(address)) return addressText(address);
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
  throw new AwsError(
    'InsufficientFreeAddressesInSubnet',
    `The specified subnet '${subnet.id}' does not have enough free addresses to satisfy the request.`,
  );
}

/** Removes what belonged to an endpoint, a gateway or a balancer. */
export function removeInterfacesOf(world: World, owner: string): void {
  for (const one of interfaces.all(world).filter((eni) => eni.owner === owner)) interfaces.remove(world, one.id);
}

export const interfaceOperations: Operations<typeof sdk> = {
  CreateNetworkInterface(call, input) {
    const subnet = need(call, subnets, input.SubnetId);
    const tags = tagsFor(call, 'network-interface', input.TagSpecifications);
    const made = makeInterface(call, subnet, {
      description: input.Description ?? '',
      type: 'interface',
      groups: groupsFor(call, input.Groups, subnet.vpc),
      requester: call.account,
      address: input.PrivateIpAddress,
      tags,
    });
    return { NetworkInterface: show(made) };
  },

  DescribeNetworkInterfaces(call, input) {
    const found = filtered(chosen(call, interfaces, input.NetworkInterfaceIds), input.Filters, {
      'network-interface-id': ({ id }) => id,
      'vpc-id': ({ vpc }) => vpc,
      'subnet-id': ({ subnet }) => subnet,
      'group-id': ({ groups }) => groups,
      'group-name': ({ groups }) => groups.flatMap((id) => securityGroups.get(call.world, id)?.name ?? []),
      'mac-address': ({ mac }) => mac,
      'availability-zone': ({ zone }) => zone,
      description: ({ description }) => description,
      'interface-type': ({ type }) => type,
      status: ({ state }) => state,
      'owner-id': ({ account }) => account,
      'requester-id': ({ requester }) => requester,
      'requester-managed': ({ managed }) => String(managed),
      'private-ip-address': ({ address }) => address,
      'addresses.private-ip-address': ({ address }) => address,
      'attachment.instance-owner-id': ({ attachment }) => attachment?.instanceOwner,
      'attachment.instance-id': () => undefined,
      'attachment.status': ({ attachment }) => (attachment === undefined ? undefined : 'attached'),
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { NetworkInterfaces: items.map(show), NextToken: next };
  },

  DeleteNetworkInterface(call, input) {
    const one = need(call, interfaces, input.NetworkInterfaceId);
    if (one.managed || one.state === 'in-use')
      throw new AwsError('InvalidParameterValue', `Network interface '${one.id}' is currently in use.`);
    interfaces.remove(call.world, one.id);
    return {};
  },

  ModifyNetworkInterfaceAttribute(call, input) {
    const one = need(call, interfaces, input.NetworkInterfaceId);
    if (input.Groups !== undefined) one.groups = groupsFor(call, input.Groups, one.vpc);
    one.sourceDestCheck = input.SourceDestCheck?.Value ?? one.sourceDestCheck;
    return {};
  },
};

function show(one: NetworkInterface): sdk.NetworkInterface {
  return {
    NetworkInterfaceId: one.id,
    SubnetId: one.subnet,
    VpcId: one.vpc,
    AvailabilityZone: one.zone,
    Description: one.description,
    InterfaceType: one.type,
    OwnerId: one.account,
    RequesterId: one.requester,
    RequesterManaged: one.managed,
    Status: one.state as sdk.NetworkInterfaceStatus,
    MacAddress: one.mac,
    PrivateIpAddress: one.address,
    PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: one.address }],
    Groups: one.groups.map((id) => ({ GroupId: id })),
    Ipv6Addresses: [],
    SourceDestCheck: one.sourceDestCheck,
    ...(one.managed
      ? {
          Attachment: {
            AttachmentId: one.id.replace('eni-', 'ela-attach-'),
            DeviceIndex: 1,
            InstanceOwnerId: one.requester,
            Status: 'attached' as const,
            DeleteOnTermination: false,
          },
        }
      : {}),
    TagSet: tagList(one.tags),
  };
}
