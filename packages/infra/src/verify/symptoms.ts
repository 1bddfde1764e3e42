import {
  cidrContains,
  type EndpointNames,
  parseCidr,
  type Proposal,
  type TunnelDesign,
  type VpnDesign,
} from '@postern/core';
import type { Agreement, EndpointSymptoms, NetworkSymptoms, TunnelSymptoms } from './causes.ts';
import type {
  AmazonConnection,
  AmazonEndpoint,
  AmazonFacts,
  AmazonTunnel,
  GoogleFacts,
  GooglePeer,
  GoogleTunnel,
} from './facts.ts';

/** Facts of both clouds, against the design -> symptoms. PURE. */

export interface TunnelPair {
  readonly connection: AmazonConnection | undefined;
  readonly aws: AmazonTunnel | undefined;
}

/** AWS's half of a Google tunnel: by the outside address it dials, else by its place in the connection. */
export function pair(
  design: VpnDesign,
  tunnel: TunnelDesign,
  google: GoogleFacts,
  amazon: AmazonFacts | undefined,
): TunnelPair {
  const name = design.aws.connections[tunnel.connection]?.name;
  const connection = amazon?.connections.find((one) => one.name === name);
  const peerIp = google.tunnels.get(tunnel.name)?.peerIp;
  const aws = connection?.tunnels.find((one) => one.outside === peerIp) ?? connection?.tunnels[tunnel.number - 1];
  return { connection, aws };
}

export function tunnelSymptoms(
  design: VpnDesign,
  tunnel: TunnelDesign,
  google: GoogleFacts,
  amazon: AmazonFacts | undefined,
): TunnelSymptoms {
  const { connection, aws } = pair(design, tunnel, google, amazon);
  const seen = google.tunnels.get(tunnel.name);
  const peer = google.router?.peers.find((one) => one.name === tunnel.gcp.peerName);
  const status = google.peerStatus.get(tunnel.gcp.peerName);
  return {
    googleTunnel: seen?.status ?? 'absent',
    awsIpsec:
      amazon === undefined
        ? 'unknown'
        : aws === undefined
          ? 'absent'
          : aws.up || /IPSEC IS UP|BGP/i.test(aws.message)
            ? 'up'
            : 'down',
    googleBgp: peer === undefined ? 'absent' : !peer.enabled ? 'disabled' : status?.up === true ? 'up' : 'down',
    awsBgp: amazon === undefined ? 'unknown' : aws === undefined ? 'absent' : aws.up ? 'up' : 'down',
    outside: outside(tunnel, google, connection, aws),
    proposal: both(proposal(aws?.phase1, tunnel.aws.phase1), proposal(aws?.phase2, tunnel.aws.phase2)),
    ike: ike(seen, aws),
    asn: asn(google, peer, connection, amazon),
    inside: inside(google, peer, aws),
    googleLearned: (status?.learned ?? 0) > 0 ? 'some' : 'none',
    awsLearned: amazon === undefined ? 'unknown' : (aws?.acceptedRoutes ?? 0) > 0 ? 'some' : 'none',
    ranges: (google.router?.advertised.length ?? 0) > awsRangesMax ? 'too many' : 'fit',
  };
}

/** From one customer gateway; BGP is closed at the next. https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html */
const awsRangesMax = 100;

function ike(google: GoogleTunnel | undefined, aws: AmazonTunnel | undefined): Agreement {
  if (google === undefined || aws?.ikeVersions === undefined || aws.ikeVersions.length === 0) return 'unknown';
  return agreement(aws.ikeVersions.includes(`ikev${google.ikeVersion}`));
}

const agreement = (value: boolean): Agreement => (value ? 'agree' : 'differ');

function both(a: Agreement, b: Agreement): Agreement {
  if (a === 'differ' || b === 'differ') return 'differ';
  return a === 'unknown' && b === 'unknown' ? 'unknown' : 'agree';
}

function outside(
  tunnel: TunnelDesign,
  google: GoogleFacts,
  connection: AmazonConnection | undefined,
  aws: AmazonTunnel | undefined,
): Agreement {
  const ours = google.gatewayAddresses[tunnel.gcp.gatewayInterface];
  const named = connection?.customerGateway?.ip;
  const dialled = google.tunnels.get(tunnel.name)?.peerIp;
  const first = ours === undefined || named === undefined ? 'unknown' : agreement(ours === named);
  const second =
    aws === undefined || dialled === undefined || dialled === '' ? 'unknown' : agreement(dialled === aws.outside);
  return both(first, second);
}

function proposal(seen: Partial<Proposal> | undefined, wanted: Proposal): Agreement {
  if (seen === undefined) return 'unknown';
  const parts = (['encryption', 'integrity', 'dhGroups'] as const).map((part) => {
    const values = seen[part];
    return values === undefined ? 'unknown' : agreement(sorted(values) === sorted(wanted[part]));
  });
  return parts.reduce(both);
}

function sorted(values: readonly (string | number)[]): string {
  return values.map(String).toSorted().join(',');
}

function asn(
  google: GoogleFacts,
  peer: GooglePeer | undefined,
  connection: AmazonConnection | undefined,
  amazon: AmazonFacts | undefined,
): Agreement {
  const ours = google.router?.asn;
  const named = connection?.customerGateway?.asn;
  const first = ours === undefined || named === undefined ? 'unknown' : agreement(ours === named);
  const second =
    peer === undefined || amazon?.gateway === undefined ? 'unknown' : agreement(peer.peerAsn === amazon.gateway.asn);
  return both(first, second);
}

/** AWS takes the first usable address of the range, Google must have the second. */
function inside(google: GoogleFacts, peer: GooglePeer | undefined, aws: AmazonTunnel | undefined): Agreement {
  const link = google.router?.interfaces.find((one) => one.name === peer?.interfaceName);
  const network = aws?.insideCIDR?.split('/', 1)[0]?.split('.').map(Number);
  if (peer === undefined || link === undefined || network?.length !== 4) return 'unknown';
  const at = (offset: number): string => [...network.slice(0, 3), network[3]! + offset].join('.');
  return agreement(peer.peerIp === at(1) && peer.ip === at(2) && link.ipRange === `${at(2)}/30`);
}

export function networkSymptoms(
  design: VpnDesign,
  google: GoogleFacts,
  amazon: AmazonFacts | undefined,
): NetworkSymptoms {
  const { router } = google;
  return {
    router: router === undefined ? 'absent' : 'there',
    advertised:
      router === undefined
        ? 'unknown'
        : design.advertised.every((range) => router.advertised.includes(range))
          ? 'all'
          : 'missing',
    ...(amazon === undefined
      ? { vpnGateway: 'unknown', propagation: 'unknown', awsRoutes: 'unknown' }
      : vpcSymptoms(design, amazon)),
    anyBgp: [...google.peerStatus.values()].some(({ up }) => up) ? 'up' : 'down',
    vpcLearned: google.learnedRanges.includes(design.vpcCIDR) ? 'yes' : 'no',
  };
}

function vpcSymptoms(
  { advertised }: VpnDesign,
  { gateway, routeTable }: AmazonFacts,
): Pick<NetworkSymptoms, 'vpnGateway' | 'propagation' | 'awsRoutes'> {
  return {
    vpnGateway: gateway === undefined ? 'absent' : gateway.attached ? 'attached' : 'detached',
    propagation: routeTable === undefined ? 'absent' : routeTable.propagating ? 'on' : 'off',
    awsRoutes: advertised.every((range) => routeTable?.routes.includes(range) === true) ? 'all' : 'missing',
  };
}

export function endpointSymptoms(wanted: EndpointNames, seen: AmazonEndpoint | undefined): EndpointSymptoms {
  if (seen === undefined) return { endpoint: 'absent', group: 'unknown', privateDns: 'as designed' };
  const open = wanted.ingress.every((need) =>
    seen.ingress.some(
      (rule) => rule.fromPort <= need.fromPort && rule.toPort >= need.toPort && covers(rule.cidr, need.cidr),
    ),
  );
  return {
    endpoint: seen.state.toLowerCase(),
    group: open ? 'open' : 'closed',
    privateDns: seen.privateDns === wanted.privateDns ? 'as designed' : seen.privateDns ? 'on' : 'off',
  };
}

function covers(outer: string, inner: string): boolean {
  const [wide, narrow] = [parseCidr(outer), parseCidr(inner)];
  if ('reason' in wide || 'reason' in narrow) return false;
  return wide.prefix <= narrow.prefix && cidrContains(wide, narrow.address);
}
