import type { VpnDesign } from '@postern/core';

/** BIRD's file for each cloud's router, and reading back what `birdc` prints. PURE. */

/** A VPN gateway closes the session (Cease) at the next one. https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html */
const awsRoutesMax = 100;
/** AWS's hold time is fixed (`tunnelN_bgp_holdtime`); the lower of the two ends counts. */
const awsHoldSeconds = 30;
const awsKeepaliveSeconds = 10;

export interface Peering {
  /** `t0`, by the tunnel's index. */
  readonly name: string;
  readonly local: string;
  readonly localAsn: number;
  readonly neighbor: string;
  readonly neighborAsn: number;
  readonly holdSeconds: number;
  readonly keepaliveSeconds: number;
  readonly disabled?: boolean;
  readonly routesMax?: number;
}

export function peerings(design: VpnDesign, side: 'aws' | 'gcp'): Peering[] {
  return design.tunnels.map((tunnel, index) => {
    if (side === 'gcp')
      return {
        name: `t${index}`,
        local: addressOf(tunnel.gcp.inside),
        localAsn: design.gcpAsn,
        neighbor: tunnel.gcp.peerInside,
        neighborAsn: tunnel.gcp.peerAsn,
        holdSeconds: 3 * tunnel.gcp.keepaliveSeconds,
        keepaliveSeconds: tunnel.gcp.keepaliveSeconds,
      };
    const [local, neighbor] = awsInside(tunnel.aws.insideCIDR);
    return {
      name: `t${index}`,
      local,
      localAsn: design.awsAsn,
      neighbor,
      neighborAsn: tunnel.aws.peerAsn,
      holdSeconds: awsHoldSeconds,
      keepaliveSeconds: awsKeepaliveSeconds,
      routesMax: awsRoutesMax,
    };
  });
}

/** A virtual private gateway takes the first usable address of the /30, the customer gateway the second. */
export function awsInside(cidr: string): [vgw: string, cgw: string] {
  const bytes = addressOf(cidr).split('.').map(Number);
  const at = (offset: number): string => [...bytes.slice(0, 3), bytes[3]! + offset].join('.');
  return [at(1), at(2)];
}

export function addressOf(text: string): string {
  return text.split('/', 1)[0]!;
}

export interface RouterOptions {
  readonly routerId: string;
  readonly advertise: readonly string[];
  readonly peerings: readonly Peering[];
  /** Cloud Router spreads over equal paths; a virtual private gateway does not. */
  readonly ecmp: boolean;
  /** False: what BGP learned stays out of the forwarding table, as without route propagation. */
  readonly install: boolean;
}

export function birdConfig(options: RouterOptions): string {
  const routes = options.advertise.map((cidr) => `  route ${cidr} unreachable;\n`).join('');
  const protocols = options.peerings
    .map(
      (peer) => `protocol bgp ${peer.name} {${peer.disabled === true ? '\n  disabled;' : ''}
  local ${peer.local} as ${peer.localAsn};
  neighbor ${peer.neighbor} as ${peer.neighborAsn};
  hold time ${peer.holdSeconds};
  keepalive time ${peer.keepaliveSeconds};
  connect retry time 3;
  connect delay time 1;
  error wait time 2, 8;
  ipv4 { import all;${peer.routesMax === undefined ? '' : ` import limit ${peer.routesMax} action disable;`} export where source = RTS_STATIC; };
}
`,
    )
    .join('');
  return `log stderr all;
router id ${options.routerId};
protocol device { scan time 2; }
protocol kernel {${options.ecmp ? ' merge paths on;' : ''} ipv4 { import none; export where source = RTS_BGP${options.install ? '' : ' && false'}; }; }
protocol static advertised { ipv4;
${routes}}
${protocols}`;
}

export interface PeeringState {
  readonly name: string;
  /** Established, Active, Connect, Idle, OpenSent, OpenConfirm. */
  readonly state: string;
  readonly learned: number;
  readonly lastError: string | undefined;
}

/** Reads `birdc show protocols all`. */
export function parseProtocols(text: string): PeeringState[] {
  return text.split(/^(?=\S)/m).flatMap((block) => {
    const name = /^(t\d+)\s+BGP\s/.exec(block)?.[1];
    if (name === undefined) return [];
    return [
      {
        name,
        state: /BGP state:\s+(\w+)/.exec(block)?.[1] ?? 'Idle',
        learned: Number(/Routes:\s+(\d+) imported/.exec(block)?.[1] ?? 0),
        lastError: /Last error:\s+(.*)/.exec(block)?.[1]?.trim(),
      },
    ];
  });
}

/** Reads `birdc show route` lines into prefixes learned by peering name. */
export function parseRoutes(text: string): Map<string, string[]> {
  const byPeering = new Map<string, string[]>();
  let prefix = '';
  for (const line of text.split('\n')) {
    prefix = /^(\d+\.\d+\.\d+\.\d+\/\d+)/.exec(line)?.[1] ?? prefix;
    const name = /\[(t\d+) /.exec(line)?.[1];
    if (name !== undefined && prefix !== '') byPeering.set(name, [...(byPeering.get(name) ?? []), prefix]);
  }
  return byPeering;
}
