/** Internet gateways. https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import { Kind, type Stored } from '../world/kind.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { chosen, dependency, need } from './lookup.ts';
import { elasticIps } from './elastic-ip.ts';
import { interfaces, vpcs } from './records.ts';
import { tagList, tagsFor } from './tags.ts';

interface InternetGateway extends Stored {
  vpc?: string;
}

const internetGateways = new Kind<InternetGateway>('internet-gateway', { tagType: 'internet-gateway' });

export const internetGatewayOperations: Operations<typeof sdk> = {
  CreateInternetGateway(call, input) {
    const tags = tagsFor(call, 'internet-gateway', input.TagSpecifications);
    return { InternetGateway: show(internetGateways.put(call.world, call.born(call.world.id('igw'), tags))) };
  },

  AttachInternetGateway(call, input) {
    const gateway = need(call, internetGateways, input.InternetGatewayId);
    const vpc = need(call, vpcs, input.VpcId);
    if (gateway.vpc !== undefined)
      throw new AwsError(
        'Resource.AlreadyAssociated',
        `resource ${gateway.id} is already attached to network ${gateway.vpc}`,
      );
    if (internetGateways.list(call).some((one) => one.vpc === vpc.id))
      throw new AwsError('InvalidParameterValue', `Network ${vpc.id} already has an internet gateway attached`);
    gateway.vpc = vpc.id;
    return {};
  },

  DetachInternetGateway(call, input) {
    const gateway = need(call, internetGateways, input.InternetGatewayId);
    if (gateway.vpc === undefined || gateway.vpc !== input.VpcId)
      throw new AwsError(
        'Gateway.NotAttached',
        `resource ${gateway.id} is not attached to network ${input.VpcId ?? ''}`,
      );
    const mapped = elasticIps.all(call.world).some(({ eni }) => interfaces.get(call.world, eni)?.vpc === gateway.vpc);
    if (mapped)
      throw new AwsError(
        'DependencyViolation',
        `Network ${gateway.vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
      );
    delete gateway.vpc;
    return {};
  },

  DescribeInternetGateways(call, input) {
    const found = filtered(chosen(call, internetGateways, input.InternetGatewayIds), input.Filters, {
      'internet-gateway-id': ({ id }) => id,
      'attachment.vpc-id': ({ vpc }) => vpc,
      'attachment.state': ({ vpc }) => (vpc === undefined ? undefined : 'available'),
      'owner-id': ({ account }) => account,
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { InternetGateways: items.map(show), NextToken: next };
  },

  DeleteInternetGateway(call, input) {
    const gateway = need(call, internetGateways, input.InternetGatewayId);
    if (gateway.vpc !== undefined) throw dependency('internetGateway', gateway.id);
    internetGateways.remove(call.world, gateway.id);
    return {};
  },
};

function show(gateway: InternetGateway): sdk.InternetGateway {
  return {
    InternetGatewayId: gateway.id,
    OwnerId: gateway.account,
    // What EC2 calls `available` here the SDK's enum calls attached.
    Attachments: gateway.vpc === undefined ? [] : [{ VpcId: gateway.vpc, State: 'available' as sdk.AttachmentStatus }],
    Tags: tagList(gateway.tags),
  };
}
