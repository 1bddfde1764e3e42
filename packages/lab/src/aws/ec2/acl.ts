/** Network ACLs and DHCP options: only the default ones each VPC comes with, for those who read them (Terraform does). */
import type * as sdk from '@aws-sdk/client-ec2';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { Kind, type Stored } from '../world/kind.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { chosen } from './lookup.ts';
import { subnets } from './records.ts';
import { tagList } from './tags.ts';

interface NetworkAcl extends Stored {
  readonly vpc: string;
  readonly isDefault: boolean;
}

interface DhcpOptions extends Stored {
  readonly domain: string;
}

export const networkAcls = new Kind<NetworkAcl>('network-acl', { tagType: 'network-acl' });
const dhcpOptions = new Kind<DhcpOptions>('dhcp-options', { tagType: 'dhcp-options' });

export function makeDefaultAcl(call: Call, vpc: string): void {
  networkAcls.put(call.world, { ...call.born(call.world.id('acl')), vpc, isDefault: true });
}

/** The one set an account has in a region unless it makes others. */
export function defaultDhcpOptions(call: Call): DhcpOptions {
  const domain = call.region === 'us-east-1' ? 'ec2.internal' : `${call.region}.compute.internal`;
  return dhcpOptions.list(call)[0] ?? dhcpOptions.put(call.world, { ...call.born(call.world.id('dopt')), domain });
}

export const aclOperations: Operations<typeof sdk> = {
  DescribeNetworkAcls(call, input) {
    const found = filtered(chosen(call, networkAcls, input.NetworkAclIds), input.Filters, {
      'network-acl-id': ({ id }) => id,
      'vpc-id': ({ vpc }) => vpc,
      default: ({ isDefault }) => String(isDefault),
      'owner-id': ({ account }) => account,
      'association.subnet-id': ({ vpc }) =>
        subnets
          .all(call.world)
          .filter((subnet) => subnet.vpc === vpc)
          .map(({ id }) => id),
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { NetworkAcls: items.map((acl) => showAcl(call, acl)), NextToken: next };
  },

  DescribeDhcpOptions(call, input) {
    const found = filtered(chosen(call, dhcpOptions, input.DhcpOptionsIds), input.Filters, {
      'dhcp-options-id': ({ id }) => id,
      'owner-id': ({ account }) => account,
    });
    return {
      DhcpOptions: found.map(({ id, account, domain, tags }) => ({
        DhcpOptionsId: id,
        OwnerId: account,
        DhcpConfigurations: [
          { Key: 'domain-name', Values: [{ Value: domain }] },
          { Key: 'domain-name-servers', Values: [{ Value: 'AmazonProvidedDNS' }] },
        ],
        Tags: tagList(tags),
      })),
    };
  },
};

function showAcl(call: Call, acl: NetworkAcl): sdk.NetworkAcl {
  const entry = (egress: boolean, number: number, action: 'allow' | 'deny'): sdk.NetworkAclEntry => ({
    CidrBlock: '0.0.0.0/0',
    Egress: egress,
    Protocol: '-1',
    RuleAction: action,
    RuleNumber: number,
  });
  return {
    NetworkAclId: acl.id,
    VpcId: acl.vpc,
    OwnerId: acl.account,
    IsDefault: acl.isDefault,
    Associations: subnets
      .all(call.world)
      .filter(({ vpc }) => vpc === acl.vpc)
      .map(({ id }) => ({
        NetworkAclAssociationId: id.replace('subnet-', 'aclassoc-'),
        NetworkAclId: acl.id,
        SubnetId: id,
      })),
    Entries: [
      entry(true, 100, 'allow'),
      entry(true, 32767, 'deny'),
      entry(false, 100, 'allow'),
      entry(false, 32767, 'deny'),
    ],
    Tags: tagList(acl.tags),
  };
}
