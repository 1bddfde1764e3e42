/** Single routes, and propagation from virtual private gateways. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { network } from './ip.ts';
import { need } from './lookup.ts';
import { type Route, type RouteTable, routeTables } from './route-table.ts';
import { attachment } from './vpn-gateway.ts';
import { vpnGateways } from './vpn-records.ts';

interface Destination {
  readonly DestinationCidrBlock?: string | undefined;
  readonly DestinationIpv6CidrBlock?: string | undefined;
  readonly DestinationPrefixListId?: string | undefined;
}

interface Target {
  readonly GatewayId?: string | undefined;
  readonly NatGatewayId?: string | undefined;
  readonly VpcPeeringConnectionId?: string | undefined;
  readonly TransitGatewayId?: string | undefined;
  readonly NetworkInterfaceId?: string | undefined;
  readonly VpcEndpointId?: string | undefined;
  readonly EgressOnlyInternetGatewayId?: string | undefined;
}

export const routeOperations: Operations<typeof sdk> = {
  CreateRoute(call, input) {
    const table = need(call, routeTables, input.RouteTableId);
    const destination = destinationOf(input);
    const existing = find(table, destination.destination);
    const target = targetOf(call, input);
    if (existing !== undefined) {
      // Creating the same route once more is no error: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
      if (existing.target === target) return { Return: true };
      throw new AwsError('RouteAlreadyExists', `The route identified by ${destination.destination} already exists.`);
    }
    if (table.routes.length >= call.world.quotas.routesPerTable)
      throw new AwsError('RouteLimitExceeded', 'The maximum number of routes has been reached.');
    table.routes.push({ ...destination, target, origin: 'CreateRoute' });
    return { Return: true };
  },

  ReplaceRoute(call, input) {
    const table = need(call, routeTables, input.RouteTableId);
    const { destination } = destinationOf(input);
    const route = find(table, destination);
    if (route === undefined) throw noRoute(destination, table);
    route.target = input.LocalTarget === true ? 'local' : targetOf(call, input);
    return {};
  },

  DeleteRoute(call, input) {
    const table = need(call, routeTables, input.RouteTableId);
    const { destination } = destinationOf(input);
    const route = find(table, destination);
    if (route === undefined) throw noRoute(destination, table);
    if (route.target === 'local')
      throw new AwsError(
        'InvalidParameterValue',
        `cannot remove local route ${destination} in route table ${table.id}`,
      );
    table.routes = table.routes.filter((one) => one !== route);
    return {};
  },

  // moto has neither: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableVgwRoutePropagation.html
  EnableVgwRoutePropagation(call, input) {
    const table = need(call, routeTables, input.RouteTableId);
    const gateway = need(call, vpnGateways, input.GatewayId);
    if (gateway.vpc !== table.vpc || attachment(gateway, call.now) !== 'attached')
      throw new AwsError('Gateway.NotAttached', `resource ${gateway.id} is not attached to network ${table.vpc}`);
    if (!table.propagating.includes(gateway.id)) table.propagating.push(gateway.id);
    return {};
  },

  DisableVgwRoutePropagation(call, input) {
    const table = need(call, routeTables, input.RouteTableId);
    table.propagating = table.propagating.filter((id) => id !== input.GatewayId);
    return {};
  },
};

function destinationOf(input: Destination): Pick<Route, 'destination' | 'kind'> {
  if (input.DestinationCidrBlock !== undefined)
    return { destination: network(input.DestinationCidrBlock, 'destinationCidrBlock').text, kind: 'cidr' };
  if (input.DestinationIpv6CidrBlock !== undefined)
    return { destination: input.DestinationIpv6CidrBlock, kind: 'cidr6' };
  if (input.DestinationPrefixListId !== undefined)
    return { destination: input.DestinationPrefixListId, kind: 'prefix-list' };
  throw new AwsError(
    'MissingParameter',
    'The request must contain the parameter destinationCidrBlock or destinationIpv6CidrBlock',
  );
}

function targetOf(call: Call, input: Target): string {
  const target = [
    input.GatewayId,
    input.NatGatewayId,
    input.VpcPeeringConnectionId,
    input.TransitGatewayId,
    input.NetworkInterfaceId,
    input.VpcEndpointId,
    input.EgressOnlyInternetGatewayId,
  ].find((id) => id !== undefined);
  if (target === undefined)
    throw new AwsError(
      'MissingParameter',
      'The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId or transitGatewayId',
    );
  if (!call.world.targetExists(target)) throw noTarget(target);
  return target;
}

function noTarget(id: string): AwsError {
  if (id.startsWith('pcx-'))
    return new AwsError('InvalidVpcPeeringConnectionID.NotFound', `The vpcPeeringConnection ID '${id}' does not exist`);
  if (id.startsWith('nat-'))
    return new AwsError('InvalidNatGatewayID.NotFound', `The natGateway ID '${id}' does not exist`);
  if (id.startsWith('tgw-'))
    return new AwsError('InvalidTransitGatewayID.NotFound', `The transitGateway ID '${id}' does not exist`);
  if (id.startsWith('eni-'))
    return new AwsError('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`);
  return new AwsError('InvalidGatewayID.NotFound', `The gateway ID '${id}' does not exist`);
}

const find = (table: RouteTable, destination: string): Route | undefined =>
  table.routes.find((route) => route.destination === destination);

function noRoute(destination: string, table: RouteTable): AwsError {
  return new AwsError(
    'InvalidRoute.NotFound',
    `no route with destination-cidr-block ${destination} in route table ${table.id}`,
  );
}
