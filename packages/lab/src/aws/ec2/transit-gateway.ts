/** Transit gateways with VPC attachments and their default route table. https://docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { network } from './ip.ts';
import { chosen, need } from './lookup.ts';
import { subnets, vpcs } from './records.ts';
import { tagList, tagsFor } from './tags.ts';
import {
  type TransitAttachment,
  transitAttachments,
  type TransitGateway,
  transitGateways,
  type TransitRouteTable,
  transitRouteTables,
} from './transit-gateway-records.ts';

const availableAfterMs = 500;
const deletedAfterMs = 400;
const goneAfterMs = 2000;

export const transitGatewayOperations: Operations<typeof sdk> = {
  CreateTransitGateway(call, input) {
    const tags = tagsFor(call, 'transit-gateway', input.TagSpecifications);
    const id = call.world.id('tgw');
    const table = transitRouteTables.put(call.world, {
      ...call.born(call.world.id('tgw-rtb')),
      gateway: id,
      isDefault: true,
      routes: [],
      state: 'available',
    });
    const gateway = transitGateways.put(call.world, {
      ...call.born(id, tags),
      asn: input.Options?.AmazonSideAsn ?? 64_512,
      description: input.Description ?? '',
      routeTable: table.id,
      autoAccept: input.Options?.AutoAcceptSharedAttachments === 'enable',
      dnsSupport: input.Options?.DnsSupport !== 'disable',
      state: 'pending',
    });
    transitGateways.later(call, gateway, 'available', availableAfterMs);
    return { TransitGateway: showGateway(call, gateway) };
  },

  DescribeTransitGateways(call, input) {
    const found = filtered(chosen(call, transitGateways, input.TransitGatewayIds), input.Filters, {
      'transit-gateway-id': ({ id }) => id,
      state: ({ state }) => state,
      'owner-id': ({ account }) => account,
      'options.amazon-side-asn': ({ asn }) => String(asn),
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { TransitGateways: items.map((gateway) => showGateway(call, gateway)), NextToken: next };
  },

  DeleteTransitGateway(call, input) {
    const gateway = need(call, transitGateways, input.TransitGatewayId);
    if (transitAttachments.all(call.world).some((one) => one.gateway === gateway.id && one.state !== 'deleted'))
      throw new AwsError('IncorrectState', `${gateway.id} has non-deleted VPC Attachments.`);
    transitGateways.become(call.world, gateway, 'deleting');
    transitGateways.later(call, gateway, 'deleted', deletedAfterMs);
    transitGateways.later(call, gateway, 'gone', goneAfterMs);
    for (const table of transitRouteTables.all(call.world).filter((one) => one.gateway === gateway.id))
      transitRouteTables.remove(call.world, table.id);
    return { TransitGateway: showGateway(call, gateway) };
  },

  CreateTransitGatewayVpcAttachment(call, input) {
    const gateway = need(call, transitGateways, input.TransitGatewayId);
    const vpc = need(call, vpcs, input.VpcId);
    const zones = (input.SubnetIds ?? []).map((id) => need(call, subnets, id).zoneId);
    if (new Set(zones).size < zones.length)
      throw new AwsError('DuplicateSubnetsInSameZone', 'Duplicate Subnets for same AZ');
    const attachment = transitAttachments.put(call.world, {
      ...call.born(call.world.id('tgw-attach'), tagsFor(call, 'transit-gateway-attachment', input.TagSpecifications)),
      gateway: gateway.id,
      vpc: vpc.id,
      subnets: input.SubnetIds ?? [],
      dnsSupport: input.Options?.DnsSupport !== 'disable',
      state: 'pending',
    });
    transitAttachments.later(call, attachment, 'available', availableAfterMs);
    return { TransitGatewayVpcAttachment: showAttachment(attachment) };
  },

  DescribeTransitGatewayVpcAttachments(call, input) {
    const found = filtered(chosen(call, transitAttachments, input.TransitGatewayAttachmentIds), input.Filters, {
      'transit-gateway-attachment-id': ({ id }) => id,
      'transit-gateway-id': ({ gateway }) => gateway,
      'vpc-id': ({ vpc }) => vpc,
      state: ({ state }) => state,
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return { TransitGatewayVpcAttachments: items.map(showAttachment), NextToken: next };
  },

  DescribeTransitGatewayAttachments(call, input) {
    const found = filtered(chosen(call, transitAttachments, input.TransitGatewayAttachmentIds), input.Filters, {
      'transit-gateway-attachment-id': ({ id }) => id,
      'transit-gateway-id': ({ gateway }) => gateway,
      'resource-id': ({ vpc }) => vpc,
      'resource-type': () => 'vpc',
      state: ({ state }) => state,
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
    });
    return {
      TransitGatewayAttachments: items.map((one) => ({
        TransitGatewayAttachmentId: one.id,
        TransitGatewayId: one.gateway,
        TransitGatewayOwnerId: one.account,
        ResourceOwnerId: one.account,
        ResourceType: 'vpc' as const,
        ResourceId: one.vpc,
        State: one.state as sdk.TransitGatewayAttachmentState,
        Association: {
          State: 'associated' as const,
          TransitGatewayRouteTableId: transitGateways.get(call.world, one.gateway)?.routeTable,
        },
        CreationTime: new Date(one.createdAtMs),
        Tags: tagList(one.tags),
      })),
      NextToken: next,
    };
  },

  DeleteTransitGatewayVpcAttachment(call, input) {
    const attachment = need(call, transitAttachments, input.TransitGatewayAttachmentId);
    transitAttachments.become(call.world, attachment, 'deleting');
    transitAttachments.later(call, attachment, 'deleted', deletedAfterMs);
    transitAttachments.later(call, attachment, 'gone', goneAfterMs);
    return { TransitGatewayVpcAttachment: showAttachment(attachment) };
  },

  DescribeTransitGatewayRouteTables(call, input) {
    const found = filtered(chosen(call, transitRouteTables, input.TransitGatewayRouteTableIds), input.Filters, {
      'transit-gateway-id': ({ gateway }) => gateway,
      'transit-gateway-route-table-id': ({ id }) => id,
      'default-association-route-table': ({ isDefault }) => String(isDefault),
      'default-propagation-route-table': ({ isDefault }) => String(isDefault),
      state: ({ state }) => state,
    });
    return { TransitGatewayRouteTables: found.map(showTable) };
  },

  CreateTransitGatewayRoute(call, input) {
    const table = need(call, transitRouteTables, input.TransitGatewayRouteTableId);
    const attachment = need(call, transitAttachments, input.TransitGatewayAttachmentId);
    const { text } = network(input.DestinationCidrBlock ?? '', 'DestinationCidrBlock');
    if (table.routes.some(({ cidr }) => cidr === text))
      throw new AwsError(
        'RouteAlreadyExists',
        `Route ${text} already exists in Transit Gateway Route Table ${table.id}.`,
      );
    table.routes.push({ cidr: text, attachment: attachment.id });
    return { Route: showRoute(text, attachment, 'static') };
  },

  DeleteTransitGatewayRoute(call, input) {
    const table = need(call, transitRouteTables, input.TransitGatewayRouteTableId);
    const route = table.routes.find(({ cidr }) => cidr === input.DestinationCidrBlock);
    if (route === undefined)
      throw new AwsError(
        'InvalidRoute.NotFound',
        `Route ${input.DestinationCidrBlock ?? ''} does not exist in Transit Gateway Route Table ${table.id}.`,
      );
    table.routes = table.routes.filter((one) => one !== route);
    return {};
  },

  SearchTransitGatewayRoutes(call, input) {
    const table = need(call, transitRouteTables, input.TransitGatewayRouteTableId);
    const fixed = table.routes.flatMap(({ cidr, attachment }) => {
      const target = transitAttachments.get(call.world, attachment);
      return target === undefined
        ? []
        : [{ ...showRoute(cidr, target, 'static'), cidr, type: 'static', vpc: target.vpc, tags: {} }];
    });
    const propagated = transitAttachments
      .all(call.world)
      .filter((one) => one.gateway === table.gateway && one.state === 'available')
      .flatMap((one) =>
        (vpcs.get(call.world, one.vpc)?.cidrs ?? []).map(({ cidr }) => ({
          ...showRoute(cidr, one, 'propagated'),
          cidr,
          type: 'propagated',
          vpc: one.vpc,
          tags: {},
        })),
      );
    const found = filtered([...fixed, ...propagated], input.Filters, {
      type: ({ type }) => type,
      state: () => 'active',
      'attachment.resource-id': ({ vpc }) => vpc,
      'route-search.exact-match': ({ cidr }) => cidr,
    });
    return {
      Routes: found.map(({ cidr: _cidr, type: _type, vpc: _vpc, tags: _tags, ...route }) => route),
      AdditionalRoutesAvailable: false,
    };
  },
};

function showRoute(
  cidr: string,
  attachment: TransitAttachment,
  type: 'static' | 'propagated',
): sdk.TransitGatewayRoute {
  return {
    DestinationCidrBlock: cidr,
    Type: type,
    State: 'active',
    TransitGatewayAttachments: [
      { ResourceId: attachment.vpc, ResourceType: 'vpc', TransitGatewayAttachmentId: attachment.id },
    ],
  };
}

function showGateway(call: Call, gateway: TransitGateway): sdk.TransitGateway {
  return {
    TransitGatewayId: gateway.id,
    TransitGatewayArn: call.arn('ec2', `transit-gateway/${gateway.id}`, gateway.region, gateway.account),
    State: gateway.state as sdk.TransitGatewayState,
    OwnerId: gateway.account,
    Description: gateway.description,
    CreationTime: new Date(gateway.createdAtMs),
    Options: {
      AmazonSideAsn: gateway.asn,
      AutoAcceptSharedAttachments: gateway.autoAccept ? 'enable' : 'disable',
      DefaultRouteTableAssociation: 'enable',
      AssociationDefaultRouteTableId: gateway.routeTable,
      DefaultRouteTablePropagation: 'enable',
      PropagationDefaultRouteTableId: gateway.routeTable,
      VpnEcmpSupport: 'enable',
      DnsSupport: gateway.dnsSupport ? 'enable' : 'disable',
      MulticastSupport: 'disable',
    },
    Tags: tagList(gateway.tags),
  };
}

function showAttachment(one: TransitAttachment): sdk.TransitGatewayVpcAttachment {
  return {
    TransitGatewayAttachmentId: one.id,
    TransitGatewayId: one.gateway,
    VpcId: one.vpc,
    VpcOwnerId: one.account,
    SubnetIds: one.subnets,
    State: one.state as sdk.TransitGatewayAttachmentState,
    CreationTime: new Date(one.createdAtMs),
    Options: {
      DnsSupport: one.dnsSupport ? 'enable' : 'disable',
      Ipv6Support: 'disable',
      ApplianceModeSupport: 'disable',
    },
    Tags: tagList(one.tags),
  };
}

function showTable(table: TransitRouteTable): sdk.TransitGatewayRouteTable {
  return {
    TransitGatewayRouteTableId: table.id,
    TransitGatewayId: table.gateway,
    State: table.state as sdk.TransitGatewayRouteTableState,
    DefaultAssociationRouteTable: table.isDefault,
    DefaultPropagationRouteTable: table.isDefault,
    CreationTime: new Date(table.createdAtMs),
    Tags: tagList(table.tags),
  };
}
