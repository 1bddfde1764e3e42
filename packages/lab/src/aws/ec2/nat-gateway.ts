/** NAT gateways. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { Kind, type Stored } from '../world/kind.ts';
import { page } from '../world/page.ts';
import type { World } from '../world/world.ts';
import { elasticIps } from './elastic-ip.ts';
import { filtered } from './filter.ts';
import { makeInterface, removeInterfacesOf } from './interface.ts';
import { chosen, need } from './lookup.ts';
import { interfaces, subnets } from './records.ts';
import { tagList, tagsFor } from './tags.ts';

const availableAfterMs = 500;
const deletedAfterMs = 500;
/** https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html: a deleted one is listed for about an hour; here less. */
const goneAfterMs = 2000;

interface NatGateway extends Stored {
  readonly subnet: string;
  readonly vpc: string;
  readonly allocation?: string;
  readonly publicIp?: string;
  readonly privateIp: string;
  readonly eni: string;
}

const natGateways = new Kind<NatGateway>('nat-gateway', {
  tagType: 'natgateway',
  entered(world, gateway, state) {
    if (state === 'deleted') release(world, gateway);
  },
});

function release(world: World, gateway: NatGateway): void {
  removeInterfacesOf(world, gateway.id);
  const ip = elasticIps.get(world, gateway.allocation);
  delete ip?.eni;
  delete ip?.association;
}

export const natGatewayOperations: Operations<typeof sdk> = {
  CreateNatGateway(call, input) {
    const before = natGateways.get(call.world, call.remembered(input.ClientToken));
    if (before !== undefined) return { NatGateway: show(call, before), ClientToken: input.ClientToken };
    const subnet = need(call, subnets, input.SubnetId);
    const isPublic = input.ConnectivityType !== 'private';
    if (isPublic && input.AllocationId === undefined)
      throw new AwsError('MissingParameter', 'The request must contain the parameter AllocationId');
    const ip = isPublic ? need(call, elasticIps, input.AllocationId) : undefined;
    if (ip?.eni !== undefined)
      throw new AwsError('Resource.AlreadyAssociated', `Elastic IP address [${ip.id}] is already associated`);
    const tags = tagsFor(call, 'natgateway', input.TagSpecifications);
    const id = call.world.id('nat');
    const eni = makeInterface(call, subnet, {
      description: `Interface for NAT Gateway ${id}`,
      type: 'natGateway',
      groups: [],
      requester: call.account,
      owner: id,
      address: input.PrivateIpAddress,
    });
    if (ip !== undefined) Object.assign(ip, { eni: eni.id, association: call.world.id('eipassoc') });
    const gateway = natGateways.put(call.world, {
      ...call.born(id, tags),
      subnet: subnet.id,
      vpc: subnet.vpc,
      ...(ip === undefined ? {} : { allocation: ip.id, publicIp: ip.address }),
      privateIp: eni.address,
      eni: eni.id,
      state: 'pending',
    });
    natGateways.later(call, gateway, 'available', availableAfterMs);
    call.remember(input.ClientToken, id);
    return { NatGateway: show(call, gateway), ClientToken: input.ClientToken };
  },

  DescribeNatGateways(call, input) {
    const found = filtered(chosen(call, natGateways, input.NatGatewayIds), input.Filter, {
      'nat-gateway-id': ({ id }) => id,
      'subnet-id': ({ subnet }) => subnet,
      'vpc-id': ({ vpc }) => vpc,
      state: ({ state }) => state,
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { NatGateways: items.map((gateway) => show(call, gateway)), NextToken: next };
  },

  DeleteNatGateway(call, input) {
    const gateway = need(call, natGateways, input.NatGatewayId);
    if (gateway.state !== 'deleting' && gateway.state !== 'deleted') {
      natGateways.become(call.world, gateway, 'deleting');
      natGateways.later(call, gateway, 'deleted', deletedAfterMs);
      natGateways.later(call, gateway, 'gone', goneAfterMs);
    }
    return { NatGatewayId: gateway.id };
  },
};

function show(call: Call, gateway: NatGateway): sdk.NatGateway {
  const association = elasticIps.get(call.world, gateway.allocation)?.association;
  return {
    NatGatewayId: gateway.id,
    SubnetId: gateway.subnet,
    VpcId: gateway.vpc,
    State: gateway.state as sdk.NatGatewayState,
    CreateTime: new Date(gateway.createdAtMs),
    ConnectivityType: gateway.publicIp === undefined ? 'private' : 'public',
    NatGatewayAddresses: [
      {
        NetworkInterfaceId: gateway.eni,
        PrivateIp: gateway.privateIp,
        AllocationId: gateway.allocation,
        PublicIp: gateway.publicIp,
        AssociationId: association,
        IsPrimary: true,
        Status: interfaces.get(call.world, gateway.eni) === undefined ? 'disassociating' : 'succeeded',
      },
    ],
    Tags: tagList(gateway.tags),
  };
}
