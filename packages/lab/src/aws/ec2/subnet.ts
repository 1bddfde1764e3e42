/** Subnets. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { contains, network, overlap } from './ip.ts';
import { chosen, dependency, need } from './lookup.ts';
import { interfaces, type Subnet, subnets, vpcs } from './records.ts';
import { routeTables } from './route-table.ts';
import { tagList, tagsFor } from './tags.ts';
import { subnetsOf } from './vpc.ts';
import { needZone, zonesFor } from './zones.ts';

const availableAfterMs = 150;
/** https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html: five addresses of each subnet are not for use. */
export const reservedAddresses = 5;

export const subnetOperations: Operations<typeof sdk> = {
  CreateSubnet(call, input) {
    const vpc = need(call, vpcs, input.VpcId);
    const block = network(input.CidrBlock ?? '', 'cidrBlock');
    if (block.prefix < 16 || block.prefix > 28 || !vpc.cidrs.some(({ cidr }) => contains(network(cidr, 'cidr'), block)))
      throw new AwsError('InvalidSubnet.Range', `The CIDR '${input.CidrBlock}' is invalid.`);
    const others = subnetsOf(call, vpc.id);
    if (others.some(({ cidr }) => overlap(network(cidr, 'cidr'), block)))
      throw new AwsError('InvalidSubnet.Conflict', `The CIDR '${block.text}' conflicts with another subnet`);
    if (others.length >= call.world.quotas.subnetsPerVpc)
      throw new AwsError(
        'SubnetLimitExceeded',
        'You have reached the limit on the number of subnets that you can create',
      );
    const zone =
      input.AvailabilityZone === undefined && input.AvailabilityZoneId === undefined
        ? zonesFor(call.world, call.account, call.region)[0]!
        : needZone(call, input.AvailabilityZone, input.AvailabilityZoneId);
    const subnet: Subnet = {
      ...call.born(call.world.id('subnet'), tagsFor(call, 'subnet', input.TagSpecifications)),
      vpc: vpc.id,
      cidr: block.text,
      zone: zone.name,
      zoneId: zone.id,
      mapPublicIp: false,
      dns64: false,
      hostnameType: 'ip-name',
      aRecord: false,
      aaaaRecord: false,
      ipv6Native: false,
      state: 'pending',
    };
    subnets.put(call.world, subnet);
    subnets.later(call, subnet, 'available', availableAfterMs);
    return { Subnet: show(call, subnet) };
  },

  DescribeSubnets(call, input) {
    const found = filtered(chosen(call, subnets, input.SubnetIds), input.Filters, {
      'subnet-id': ({ id }) => id,
      'vpc-id': ({ vpc }) => vpc,
      'availability-zone': ({ zone }) => zone,
      availabilityZone: ({ zone }) => zone,
      'availability-zone-id': ({ zoneId }) => zoneId,
      'cidr-block': ({ cidr }) => cidr,
      cidr: ({ cidr }) => cidr,
      cidrBlock: ({ cidr }) => cidr,
      state: ({ state }) => state,
      'owner-id': ({ account }) => account,
      'default-for-az': () => 'false',
      'map-public-ip-on-launch': ({ mapPublicIp }) => String(mapPublicIp),
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { Subnets: items.map((subnet) => show(call, subnet)), NextToken: next };
  },

  DeleteSubnet(call, input) {
    const subnet = need(call, subnets, input.SubnetId);
    if (interfaces.all(call.world).some((one) => one.subnet === subnet.id)) throw dependency('subnet', subnet.id);
    for (const table of routeTables.all(call.world))
      table.associations = table.associations.filter((one) => one.subnet !== subnet.id);
    subnets.remove(call.world, subnet.id);
    return {};
  },

  ModifySubnetAttribute(call, input) {
    const subnet = need(call, subnets, input.SubnetId);
    subnet.mapPublicIp = input.MapPublicIpOnLaunch?.Value ?? subnet.mapPublicIp;
    subnet.dns64 = input.EnableDns64?.Value ?? subnet.dns64;
    subnet.hostnameType = input.PrivateDnsHostnameTypeOnLaunch ?? subnet.hostnameType;
    subnet.aRecord = input.EnableResourceNameDnsARecordOnLaunch?.Value ?? subnet.aRecord;
    subnet.aaaaRecord = input.EnableResourceNameDnsAAAARecordOnLaunch?.Value ?? subnet.aaaaRecord;
    return {};
  },
};

export function freeAddresses(call: Call, subnet: Subnet): number {
  const used = interfaces.all(call.world).filter((one) => one.subnet === subnet.id).length;
  return network(subnet.cidr, 'cidr').size - reservedAddresses - used;
}

function show(call: Call, subnet: Subnet): sdk.Subnet {
  return {
    SubnetId: subnet.id,
    SubnetArn: call.arn('ec2', `subnet/${subnet.id}`, subnet.region, subnet.account),
    VpcId: subnet.vpc,
    OwnerId: subnet.account,
    CidrBlock: subnet.cidr,
    AvailabilityZone: subnet.zone,
    AvailabilityZoneId: subnet.zoneId,
    AvailableIpAddressCount: freeAddresses(call, subnet),
    State: subnet.state as sdk.SubnetState,
    DefaultForAz: false,
    MapPublicIpOnLaunch: subnet.mapPublicIp,
    MapCustomerOwnedIpOnLaunch: false,
    AssignIpv6AddressOnCreation: false,
    Ipv6CidrBlockAssociationSet: [],
    EnableDns64: subnet.dns64,
    Ipv6Native: subnet.ipv6Native,
    PrivateDnsNameOptionsOnLaunch: {
      HostnameType: subnet.hostnameType,
      EnableResourceNameDnsARecord: subnet.aRecord,
      EnableResourceNameDnsAAAARecord: subnet.aaaaRecord,
    },
    Tags: tagList(subnet.tags),
  };
}
