/** Elastic addresses. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import { Kind, type Stored } from '../world/kind.ts';
import { page } from '../world/page.ts';
import type { World } from '../world/world.ts';
import { filtered } from './filter.ts';
import { addressText } from './ip.ts';
import { absent, chosen, need } from './lookup.ts';
import { interfaces } from './records.ts';
import { tagList, tagsFor } from './tags.ts';
import { vpnConnections } from './vpn-records.ts';

export interface ElasticIp extends Stored {
  readonly address: string;
  eni?: string;
  association?: string;
}

export const elasticIps = new Kind<ElasticIp>('elastic-ip', { tagType: 'elastic-ip' });

/** One of 198.18.0.0/15, which is nobody's on the internet (RFC 2544); VPN tunnels and elastic addresses share it. */
export function publicAddress(world: World, besides: readonly string[] = []): string {
  const used = new Set([
    ...besides,
    ...elasticIps.all(world).map(({ address }) => address),
    ...vpnConnections.all(world).flatMap(({ tunnels }) => tunnels.map(({ outside }) => outside)),
  ]);
  for (;;) {
    const address = addressText(198 * 2 ** 24 + 18 * 2 ** 16 + (Number.parseInt(world.hex(5), 16) % 2 ** 17));
    if (!used.has(address)) return address;
  }
}

export const elasticIpOperations: Operations<typeof sdk> = {
  AllocateAddress(call, input) {
    const tags = tagsFor(call, 'elastic-ip', input.TagSpecifications);
    const ip = elasticIps.put(call.world, {
      ...call.born(call.world.id('eipalloc'), tags),
      address: publicAddress(call.world),
    });
    return {
      AllocationId: ip.id,
      PublicIp: ip.address,
      Domain: 'vpc',
      PublicIpv4Pool: 'amazon',
      NetworkBorderGroup: call.region,
    };
  },

  DescribeAddresses(call, input) {
    const named = chosen(call, elasticIps, input.AllocationIds).filter(({ address }) =>
      (input.PublicIps ?? [address]).includes(address),
    );
    const found = filtered(named, input.Filters, {
      'allocation-id': ({ id }) => id,
      'public-ip': ({ address }) => address,
      'association-id': ({ association }) => association,
      domain: () => 'vpc',
      'network-interface-id': ({ eni }) => eni,
    });
    return { Addresses: found.map((ip) => show(call.region, ip)) };
  },

  DescribeAddressesAttribute(call, input) {
    const { items, next } = page(call, chosen(call, elasticIps, input.AllocationIds), ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
    });
    return { Addresses: items.map(({ id, address }) => ({ AllocationId: id, PublicIp: address })), NextToken: next };
  },

  AssociateAddress(call, input) {
    const ip = need(call, elasticIps, input.AllocationId);
    const eni = need(call, interfaces, input.NetworkInterfaceId);
    if (ip.eni !== undefined && input.AllowReassociation !== true)
      throw new AwsError(
        'Resource.AlreadyAssociated',
        `resource ${ip.id} is already associated with associate-id ${ip.association ?? ''}`,
      );
    ip.eni = eni.id;
    ip.association = call.world.id('eipassoc');
    return { AssociationId: ip.association };
  },

  DisassociateAddress(call, input) {
    const ip = elasticIps
      .list(call)
      .find(({ association }) => association !== undefined && association === input.AssociationId);
    if (ip === undefined)
      throw new AwsError(
        'InvalidAssociationID.NotFound',
        `The association ID '${input.AssociationId ?? ''}' does not exist`,
      );
    delete ip.eni;
    delete ip.association;
    return {};
  },

  ReleaseAddress(call, input) {
    const ip = elasticIps.mine(call, input.AllocationId);
    if (ip === undefined) throw absent('elastic-ip', input.AllocationId);
    if (ip.eni !== undefined) throw new AwsError('InvalidIPAddress.InUse', `Address ${ip.address} is in use.`);
    elasticIps.remove(call.world, ip.id);
    return {};
  },
};

function show(region: string, ip: ElasticIp): sdk.Address {
  return {
    AllocationId: ip.id,
    PublicIp: ip.address,
    Domain: 'vpc',
    PublicIpv4Pool: 'amazon',
    NetworkBorderGroup: region,
    AssociationId: ip.association,
    NetworkInterfaceId: ip.eni,
    Tags: tagList(ip.tags),
  };
}
