import type { VpnDesign } from '@postern/core';
import type { GoogleFacts } from './facts.ts';
import type { GoogleApi } from './google.ts';

/** Asks Google about the VPN. */

type Json = Readonly<Record<string, unknown>>;
const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');

export async function askGoogle(api: GoogleApi, design: VpnDesign): Promise<GoogleFacts> {
  const region = `${design.project}/regions/${design.region}`;
  const [router, status, gateway, ...tunnels] = await Promise.all([
    api.get(`${region}/routers/${design.router}`),
    api.get(`${region}/routers/${design.router}/getRouterStatus`),
    api.get(`${region}/vpnGateways/${design.gateway}`),
    ...design.tunnels.map((tunnel) => api.get(`${region}/vpnTunnels/${tunnel.name}`)),
  ]);
  const result = (status?.['result'] ?? {}) as Json;
  return {
    router: router === undefined ? undefined : routerFacts(router),
    peerStatus: new Map(
      list(result['bgpPeerStatus']).map((peer) => [
        text(peer['name']),
        { up: peer['status'] === 'UP', state: text(peer['state']), learned: Number(peer['numLearnedRoutes'] ?? 0) },
      ]),
    ),
    learnedRanges: [...new Set(list(result['bestRoutes']).map((route) => text(route['destRange'])))],
    tunnels: new Map(
      tunnels.flatMap((tunnel) =>
        tunnel === undefined
          ? []
          : [
              [
                text(tunnel['name']),
                {
                  status: text(tunnel['status']),
                  detail: text(tunnel['detailedStatus']),
                  peerIp: text(tunnel['peerIp']),
                  ikeVersion: Number(tunnel['ikeVersion'] ?? 2),
                },
              ] as const,
            ],
      ),
    ),
    gatewayAddresses: list(gateway?.['vpnInterfaces']).map((entry) => text(entry['ipAddress'])),
  };
}

function routerFacts(router: Json): NonNullable<GoogleFacts['router']> {
  const bgp = (router['bgp'] ?? {}) as Json;
  return {
    asn: Number(bgp['asn']),
    advertised: list(bgp['advertisedIpRanges']).map((entry) => text(entry['range'])),
    interfaces: list(router['interfaces']).map((entry) => ({
      name: text(entry['name']),
      ipRange: text(entry['ipRange']),
    })),
    peers: list(router['bgpPeers']).map((peer) => ({
      name: text(peer['name']),
      interfaceName: text(peer['interfaceName']),
      ip: text(peer['ipAddress']),
      peerIp: text(peer['peerIpAddress']),
      peerAsn: Number(peer['peerAsn']),
      enabled: peer['enable'] !== 'FALSE',
    })),
  };
}
