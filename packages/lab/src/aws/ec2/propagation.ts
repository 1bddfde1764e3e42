/** Routes a virtual private gateway brings into the tables that ask for them: the static routes of its VPN connections. */
import type { World } from '../world/world.ts';
import type { Route, RouteTable } from './route-table.ts';
import { vpnConnections } from './vpn-records.ts';

export function propagatedRoutes(world: World, table: RouteTable): Route[] {
  return table.propagating.flatMap((gateway) =>
    vpnConnections
      .all(world)
      .filter((connection) => connection.vpnGateway === gateway && connection.state !== 'deleted')
      .flatMap(({ routes }) => routes)
      .map((destination): Route => ({
        destination,
        kind: 'cidr',
        target: gateway,
        origin: 'EnableVgwRoutePropagation',
      })),
  );
}
