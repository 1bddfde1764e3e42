/** VPCs. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { defaultDhcpOptions, makeDefaultAcl, networkAcls } from './acl.ts';
import { network, overlap } from './ip.ts';
import { chosen, dependency, need } from './lookup.ts';
import { securityGroupRules, securityGroups, subnets, type Vpc, vpcs } from './records.ts';
import { makeMainTable, routeTables } from './route-table.ts';
import { makeDefaultGroup } from './security-group.ts';
import { tagList, tagsFor } from './tags.ts';
import { attachedTo } from './vpc-attachments.ts';

const availableAfterMs = 200;

export const vpcOperations: Operations<typeof sdk> = {
  CreateVpc(call, input) {
    const block = network(input.CidrBlock ?? '', 'cidrBlock');
    if (block.prefix < 16 || block.prefix > 28)
      throw new AwsError('InvalidVpc.Range', `The CIDR '${input.CidrBlock}' is invalid.`);
    if (vpcs.list(call).length >= call.world.quotas.vpcsPerRegion)
      throw new AwsError('VpcLimitExceeded', 'The maximum number of VPCs has been reached.');
    const tags = tagsFor(call, 'vpc', input.TagSpecifications);
    const vpc: Vpc = {
      ...call.born(call.world.id('vpc'), tags),
      cidr: block.text,
      cidrs: [{ id: call.world.id('vpc-cidr-assoc'), cidr: block.text, state: 'associated' }],
      tenancy: input.InstanceTenancy ?? 'default',
      dnsSupport: true,
      dnsHostnames: false,
      usageMetrics: false,
      dhcpOptions: defaultDhcpOptions(call).id,
      state: 'pending',
    };
    vpcs.put(call.world, vpc);
    vpcs.later(call, vpc, 'available', availableAfterMs);
    makeDefaultGroup(call, vpc.id);
    makeMainTable(call, vpc);
    makeDefaultAcl(call, vpc.id);
    return { Vpc: show(vpc) };
  },

  DescribeVpcs(call, input) {
    const found = filtered(chosen(call, vpcs, input.VpcIds), input.Filters, {
      'vpc-id': ({ id }) => id,
      cidr: ({ cidr }) => cidr,
      'cidr-block-association.cidr-block': ({ cidrs }) => cidrs.map(({ cidr }) => cidr),
      'cidr-block-association.association-id': ({ cidrs }) => cidrs.map(({ id }) => id),
      'cidr-block-association.state': ({ cidrs }) => cidrs.map(({ state }) => state),
      state: ({ state }) => state,
      'owner-id': ({ account }) => account,
      'dhcp-options-id': ({ dhcpOptions }) => dhcpOptions,
      'is-default': () => 'false',
      isDefault: () => 'false',
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { Vpcs: items.map(show), NextToken: next };
  },

  DeleteVpc(call, input) {
    const vpc = need(call, vpcs, input.VpcId);
    if (attachedTo(call, vpc.id).length > 0) throw dependency('vpc', vpc.id);
    const { world } = call;
    for (const group of securityGroups.all(world).filter((group) => group.vpc === vpc.id)) {
      for (const rule of securityGroupRules.all(world).filter((rule) => rule.group === group.id))
        securityGroupRules.remove(world, rule.id);
      securityGroups.remove(world, group.id);
    }
    for (const table of routeTables.all(world).filter((table) => table.vpc === vpc.id))
      routeTables.remove(world, table.id);
    for (const acl of networkAcls.all(world).filter((acl) => acl.vpc === vpc.id)) networkAcls.remove(world, acl.id);
    vpcs.remove(world, vpc.id);
    return {};
  },

  DescribeVpcAttribute(call, input) {
    const vpc = need(call, vpcs, input.VpcId);
    const { Attribute: attribute } = input;
    return {
      VpcId: vpc.id,
      ...(attribute === 'enableDnsSupport' ? { EnableDnsSupport: { Value: vpc.dnsSupport } } : {}),
      ...(attribute === 'enableDnsHostnames' ? { EnableDnsHostnames: { Value: vpc.dnsHostnames } } : {}),
      ...(attribute === 'enableNetworkAddressUsageMetrics'
        ? { EnableNetworkAddressUsageMetrics: { Value: vpc.usageMetrics } }
        : {}),
    };
  },

  ModifyVpcAttribute(call, input) {
    const vpc = need(call, vpcs, input.VpcId);
    vpc.dnsSupport = input.EnableDnsSupport?.Value ?? vpc.dnsSupport;
    vpc.dnsHostnames = input.EnableDnsHostnames?.Value ?? vpc.dnsHostnames;
    vpc.usageMetrics = input.EnableNetworkAddressUsageMetrics?.Value ?? vpc.usageMetrics;
    return {};
  },

  AssociateVpcCidrBlock(call, input) {
    const vpc = need(call, vpcs, input.VpcId);
    const block = network(input.CidrBlock ?? '', 'cidrBlock');
    if (vpc.cidrs.some(({ cidr }) => overlap(block, network(cidr, 'cidrBlock'))))
      throw new AwsError('InvalidVpc.Range', `The CIDR '${block.text}' conflicts with another of the VPC.`);
    const added = { id: call.world.id('vpc-cidr-assoc'), cidr: block.text, state: 'associated' };
    vpc.cidrs.push(added);
    return { VpcId: vpc.id, CidrBlockAssociation: association(added) };
  },

  DisassociateVpcCidrBlock(call, input) {
    const vpc = vpcs.list(call).find(({ cidrs }) => cidrs.some(({ id }) => id === input.AssociationId));
    const block = vpc?.cidrs.find(({ id }) => id === input.AssociationId);
    if (vpc === undefined || block === undefined)
      throw new AwsError(
        'InvalidVpcCidrBlockAssociationID.NotFound',
        `The vpc CIDR block association ID '${input.AssociationId}' does not exist`,
      );
    if (block.cidr === vpc.cidr)
      throw new AwsError(
        'OperationNotPermitted',
        `The vpc CIDR block with association ID ${block.id} may not be disassociated.`,
      );
    vpc.cidrs = vpc.cidrs.filter(({ id }) => id !== block.id);
    return { VpcId: vpc.id, CidrBlockAssociation: association({ ...block, state: 'disassociated' }) };
  },
};

export function needVpc(call: Call, id: string | undefined): Vpc {
  return need(call, vpcs, id);
}

function show(vpc: Vpc): sdk.Vpc {
  return {
    VpcId: vpc.id,
    State: vpc.state as sdk.VpcState,
    CidrBlock: vpc.cidr,
    CidrBlockAssociationSet: vpc.cidrs.map(association),
    DhcpOptionsId: vpc.dhcpOptions,
    InstanceTenancy: vpc.tenancy,
    IsDefault: false,
    OwnerId: vpc.account,
    Tags: tagList(vpc.tags),
  };
}

function association({ id, cidr, state }: Vpc['cidrs'][number]): sdk.VpcCidrBlockAssociation {
  return { AssociationId: id, CidrBlock: cidr, CidrBlockState: { State: state as sdk.VpcCidrBlockStateCode } };
}

/** What lies in a VPC, for the quota. */
export function subnetsOf(call: Call, vpc: string) {
  return subnets.all(call.world).filter((subnet) => subnet.vpc === vpc);
}
