import type { VpnDesign } from '@postern/core';
import type { Rig } from './rig.ts';

/**
 * The namespaces and their wires: `net` is the internet, `a0`.. and `g0`.. hold one IKE daemon per tunnel end, `aws` and
 * `gcp` are the routers in which tunnels end, `host` and `app` stand for the customer's host (or the endpoint) and a pod.
 */
export const mtuBytes = 1400; // below 1406, what AEAD over IPv4 leaves of Cloud VPN's 1460

export async function buildTopology(rig: Rig, design: VpnDesign): Promise<void> {
  const ends = design.tunnels.flatMap((_, i) => [`a${i}`, `g${i}`]);
  await rig.addNamespaces(['net', ...ends, 'aws', 'gcp', 'host', 'app']);
  for (const [i, tunnel] of design.tunnels.entries()) {
    await wire(rig, `a${i}`, tunnel.aws.outside, `192.0.2.${2 * i + 1}`);
    await wire(rig, `g${i}`, tunnel.gcp.outside, `192.0.2.${2 * i + 2}`);
    await rig.ip('net', [
      `route add ${tunnel.aws.outside}/32 dev a${i}`,
      // A Google address ends several tunnels, each in a namespace of its own: the sender tells which.
      `rule add from ${tunnel.gcp.peerOutside} to ${tunnel.gcp.outside} lookup ${100 + i}`,
      `route add ${tunnel.gcp.outside}/32 dev g${i} table ${100 + i}`,
    ]);
  }
  await lan(rig, 'aws', 'host', design.vpcCIDR);
  await lan(rig, 'gcp', 'app', design.appCIDR);
}

async function wire(rig: Rig, end: string, outside: string, hop: string): Promise<void> {
  await rig.ip(end, [
    `link add wan type veth peer name ${end} netns ${rig.name('net')}`,
    `addr add ${outside}/32 dev wan`,
    'link set wan up',
    `route add ${hop}/32 dev wan scope link`,
    `route add default via ${hop} src ${outside}`,
  ]);
  await rig.ip('net', [`addr add ${hop}/32 dev ${end}`, `link set ${end} up`]);
}

async function lan(rig: Rig, router: string, host: string, cidr: string): Promise<void> {
  const [gateway, address] = lanAddresses(cidr);
  // A small part of the network: Google's ranges may be wide enough to hold the other side's (10.128.0.0/9).
  const prefix = Math.max(24, Number(cidr.split('/')[1]));
  await rig.ip(router, [
    `link add lan0 type veth peer name eth0 netns ${rig.name(host)}`,
    `addr add ${gateway}/${prefix} dev lan0`,
    'link set lan0 up',
  ]);
  await rig.ip(host, [
    `addr add ${address}/${prefix} dev eth0`,
    'link set eth0 up',
    `route add default via ${gateway}`,
  ]);
}

/** The router's and the host's address in a network; both clouds keep the first for the router. */
export function lanAddresses(cidr: string): [gateway: string, host: string] {
  const octets = cidr.split('/', 1)[0]!.split('.').map(Number);
  const base = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return [base + 1, base + 10].map((n) =>
    [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.'),
  ) as [string, string];
}

/** A security group on the host: nothing enters but what a rule admits, and answers. */
export async function applyIngress(rig: Rig, design: VpnDesign): Promise<void> {
  const endpoint = design.aws.endpoints[0];
  if (endpoint === undefined) return; // a host in the VPC, with nothing before it
  const rules = endpoint.ingress
    .map(({ cidr, fromPort, toPort }) => `    ip saddr ${cidr} tcp dport ${fromPort}-${toPort} accept\n`)
    .join('');
  await rig.in(
    'host',
    'nft',
    ['-f', '-'],
    `table inet group {
  chain input { type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
${rules}  }
}
`,
  );
}

/** Inside these tunnels, what BGP sends is lost. The devices come later: nft goes by their names. */
export async function blockBgp(rig: Rig, tunnels: readonly number[]): Promise<void> {
  if (tunnels.length === 0) return;
  const devices = `{ ${tunnels.map((i) => `"tun${i}"`).join(', ')} }`;
  await rig.in(
    'aws',
    'nft',
    ['-f', '-'],
    `table inet blocked {
  chain input { type filter hook input priority 0
    iifname ${devices} tcp dport 179 drop
    iifname ${devices} tcp sport 179 drop
  }
}
`,
  );
}

/** The cut: the internet loses every packet to and from these AWS addresses. `heal` undoes it. */
export async function cut(rig: Rig, addresses: readonly string[]): Promise<void> {
  const set = `{ ${addresses.join(', ')} }`;
  await rig.in(
    'net',
    'nft',
    ['-f', '-'],
    `table inet cut {
  chain forward {
    type filter hook forward priority 0
    ip saddr ${set} drop
    ip daddr ${set} drop
  }
}
`,
  );
}

export async function heal(rig: Rig): Promise<void> {
  await rig.in('net', 'nft', ['delete', 'table', 'inet', 'cut']);
}
