/** Route tables, routes, associations, propagation. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { Kind, type Stored } from '../world/kind.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { chosen, dependency, need } from './lookup.ts';
import { subnets, type Vpc, vpcs } from './records.ts';
import { propagatedRoutes } from './propagation.ts';
import { tagList, tagsFor } from './tags.ts';

export interface Route {
  readonly destination: string;
  /** What the destination is: an IPv4 block, an IPv6 block, or a prefix list. */
  readonly kind: 'cidr' | 'cidr6' | 'prefix-list';
  /** `local`, or the id of a gateway, interface, peering ... */
  target: string;
  readonly origin: 'CreateRouteTable' | 'CreateRoute' | 'EnableVgwRoutePropagation';
}

export interface RouteTable extends Stored {
  readonly vpc: string;
  main: boolean;
  readonly mainAssociation: string;
  associations: { id: string; subnet?: string; gateway?: string }[];
  routes: Route[];
  /** Virtual private gateways whose routes appear here by themselves. */
  propagating: string[];
}

export const routeTables = new Kind<RouteTable>('route-table', { tagType: 'route-table' });

export function makeMainTable(call: Call, vpc: Vpc): void {
  makeTable(call, vpc.id, vpc.cidr, true, {});
}

function makeTable(call: Call, vpc: string, cidr: string, main: boolean, tags: Record<string, string>): RouteTable {
  return routeTables.put(call.world, {
    ...call.born(call.world.id('rtb'), tags),
    vpc,
    main,
    mainAssociation: call.world.id('rtbassoc'),
    associations: [],
    routes: [{ destination: cidr, kind: 'cidr', target: 'local', origin: 'CreateRouteTable' }],
    propagating: [],
  });
}

export const routeTableOperations: Operations<typeof sdk> = {
  CreateRouteTable(call, input) {
    const vpc = need(call, vpcs, input.VpcId);
    const table = makeTable(call, vpc.id, vpc.cidr, false, tagsFor(call, 'route-table', input.TagSpecifications));
    return { RouteTable: show(call, table) };
  },

  DescribeRouteTables(call, input) {
    const found = filtered(chosen(call, routeTables, input.RouteTableIds), input.Filters, {
      'route-table-id': ({ id }) => id,
      'vpc-id': ({ vpc }) => vpc,
      'owner-id': ({ account }) => account,
      'association.main': ({ main, associations }) => [
        ...(main ? ['true'] : []),
        ...(associations.length > 0 ? ['false'] : []),
      ],
      'association.subnet-id': ({ associations }) => associations.flatMap(({ subnet }) => subnet ?? []),
      'association.gateway-id': ({ associations }) => associations.flatMap(({ gateway }) => gateway ?? []),
      'association.route-table-association-id': (table) => [
        ...table.associations.map(({ id }) => id),
        ...(table.main ? [table.mainAssociation] : []),
      ],
      'association.route-table-id': ({ id, main, associations }) => (main || associations.length > 0 ? id : undefined),
      'route.destination-cidr-block': (table) => routesOf(call, table).map(({ destination }) => destination),
      'route.gateway-id': (table) => routesOf(call, table).map(({ target }) => target),
      'route.nat-gateway-id': (table) => routesOf(call, table).map(({ target }) => target),
      'route.vpc-peering-connection-id': (table) => routesOf(call, table).map(({ target }) => target),
      'route.transit-gateway-id': (table) => routesOf(call, table).map(({ target }) => target),
    });
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      least: 5,
      most: 100,
    });
    return { RouteTables: items.map((table) => show(call, table)), NextToken: next };
  },

  DeleteRouteTable(call, input) {
    const table = need(call, routeTables, input.RouteTableId);
    if (table.main || table.associations.length > 0) throw dependency('routeTable', table.id);
    routeTables.remove(call.world, table.id);
    return {};
  },

  AssociateRouteTable(call, input) {
    const table = need(call, routeTables, input.RouteTableId);
    const id = call.world.id('rtbassoc');
    if (input.SubnetId === undefined) {
      if (input.GatewayId === undefined)
        throw new AwsError('MissingParameter', 'Either subnetId or gatewayId must be specified');
      table.associations.push({ id, gateway: input.GatewayId });
      return { AssociationId: id, AssociationState: { State: 'associated' } };
    }
    const subnet = need(call, subnets, input.SubnetId);
    if (subnet.vpc !== table.vpc)
      throw new AwsError(
        'InvalidParameterValue',
        `Route table ${table.id} and subnet ${subnet.id} belong to different networks`,
      );
    const other = routeTables
      .all(call.world)
      .find(({ associations }) => associations.some((one) => one.subnet === subnet.id));
    if (other !== undefined)
      throw new AwsError(
        'Resource.AlreadyAssociated',
        `the specified association for route table ${other.id} conflicts with an existing association`,
      );
    table.associations.push({ id, subnet: subnet.id });
    return { AssociationId: id, AssociationState: { State: 'associated' } };
  },

  DisassociateRouteTable(call, input) {
    const table = withAssociation(call, input.AssociationId);
    if (table.main && table.mainAssociation === input.AssociationId)
      throw new AwsError(
        'InvalidParameterValue',
        `cannot disassociate the main route table association ${input.AssociationId}`,
      );
    table.associations = table.associations.filter(({ id }) => id !== input.AssociationId);
    return {};
  },

  ReplaceRouteTableAssociation(call, input) {
    const from = withAssociation(call, input.AssociationId);
    const to = need(call, routeTables, input.RouteTableId);
    const id = call.world.id('rtbassoc');
    if (from.main && from.mainAssociation === input.AssociationId) {
      from.main = false;
      to.main = true;
      return { NewAssociationId: to.mainAssociation, AssociationState: { State: 'associated' } };
    }
    const moved = from.associations.find((one) => one.id === input.AssociationId)!;
    from.associations = from.associations.filter((one) => one !== moved);
    to.associations.push({ ...moved, id });
    return { NewAssociationId: id, AssociationState: { State: 'associated' } };
  },
};

function withAssociation(call: Call, id: string | undefined): RouteTable {
  const table = routeTables
    .list(call)
    .find(
      (one) =>
        one.associations.some((association) => association.id === id) || (one.main && one.mainAssociation === id),
    );
  if (table === undefined)
    throw new AwsError('InvalidAssociationID.NotFound', `The association ID '${id ?? ''}' does not exist`);
  return table;
}

/** A table's own routes, and those its gateways bring; an own route wins. */
export function routesOf(call: Call, table: RouteTable): Route[] {
  const own = new Set(table.routes.map(({ destination }) => destination));
  return [...table.routes, ...propagatedRoutes(call.world, table).filter(({ destination }) => !own.has(destination))];
}

function show(call: Call, table: RouteTable): sdk.RouteTable {
  const state = { State: 'associated' as const };
  return {
    RouteTableId: table.id,
    VpcId: table.vpc,
    OwnerId: table.account,
    Associations: [
      ...(table.main
        ? [
            {
              Main: true,
              RouteTableAssociationId: table.mainAssociation,
              RouteTableId: table.id,
              AssociationState: state,
            },
          ]
        : []),
      ...table.associations.map(({ id, subnet, gateway }) => ({
        Main: false,
        RouteTableAssociationId: id,
        RouteTableId: table.id,
        SubnetId: subnet,
        GatewayId: gateway,
        AssociationState: state,
      })),
    ],
    PropagatingVgws: table.propagating.map((id) => ({ GatewayId: id })),
    Routes: routesOf(call, table).map((route) => showRoute(call, route)),
    Tags: tagList(table.tags),
  };
}

const targetMembers: ReadonlyArray<readonly [RegExp, keyof sdk.Route]> = [
  [/^nat-/, 'NatGatewayId'],
  [/^pcx-/, 'VpcPeeringConnectionId'],
  [/^tgw-/, 'TransitGatewayId'],
  [/^eni-/, 'NetworkInterfaceId'],
];

function showRoute(call: Call, route: Route): sdk.Route {
  const member = targetMembers.find(([pattern]) => pattern.test(route.target))?.[1] ?? 'GatewayId';
  const destination = {
    cidr: 'DestinationCidrBlock',
    cidr6: 'DestinationIpv6CidrBlock',
    'prefix-list': 'DestinationPrefixListId',
  } as const;
  return {
    [destination[route.kind]]: route.destination,
    [member]: route.target,
    Origin: route.origin,
    State: call.world.targetExists(route.target) ? 'active' : 'blackhole',
  };
}
