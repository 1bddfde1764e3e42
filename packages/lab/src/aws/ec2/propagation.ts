/** Routes a virtual private gateway brings into the tables that ask for them: static ones, and what its tunnels learn by BGP. */
import type { World } from '../world/world.ts';
import type { Route, RouteTable } from './route-table.ts';
import { type VpnConnection, vpnConnections } from './vpn-records.ts';

export function propagatedRoutes(world: World, table: RouteTable): Route[] {
  return table.propagating.flatMap((target) => {
    const connections = vpnConnections
      .all(world)
      .filter(({ vpnGateway, state }) => vpnGateway === target && state !== 'deleted');
    const destinations = new Set(connections.flatMap(networksBehind));
    return [...destinations].map((destination): Route => ({
      destination,
      kind: 'cidr',
      target,
      origin: 'EnableVgwRoutePropagation',
    }));
  });
}

function networksBehind({ routes, tunnels }: VpnConnection): string[] {
  return [...routes, ...tunnels.flatMap(({ up, learned }) => (up === true ? (learned ?? []) : []))];
}
