import { cidrsOverlap, parseCidr, type VpnDesign } from '@postern/core';

/** What AWS or Google would refuse before a packet flows. PURE. The namespaces would take it, so the lab says it. */

/** https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html: inside tunnel IPv4 CIDR. */
const reserved = ['0', '1', '2', '3', '4', '5'].map((n) => `169.254.${n}.0/30`).concat('169.254.169.252/30');
const keyPattern = /^[A-Za-z1-9._][A-Za-z0-9._]{7,63}$/;

export function refusals(design: VpnDesign): string[] {
  const problems: string[] = [];
  const seenCIDRs = new Map<string, string>();
  const seenKeys = new Map<string, string>();
  for (const tunnel of design.tunnels) {
    const { insideCIDR, key } = tunnel.aws;
    const place = `${tunnel.name} (connection ${tunnel.connection}, tunnel ${tunnel.number})`;
    const cidr = parseCidr(insideCIDR);
    if ('reason' in cidr || cidr.prefix !== 30 || !insideCIDR.startsWith('169.254.'))
      problems.push(`${place}: AWS takes a /30 of 169.254.0.0/16 as inside range, not ${insideCIDR}`);
    else if (reserved.includes(insideCIDR)) problems.push(`${place}: AWS reserves the inside range ${insideCIDR}`);
    if (seenCIDRs.has(insideCIDR))
      problems.push(`${place}: inside range ${insideCIDR} is taken by ${seenCIDRs.get(insideCIDR)}`);
    if (!keyPattern.test(key.reveal()))
      problems.push(`${place}: AWS takes a key of 8 to 64 of [A-Za-z0-9._] that does not begin with 0`);
    if (seenKeys.has(key.reveal())) problems.push(`${place}: has the same key as ${seenKeys.get(key.reveal())}`);
    seenCIDRs.set(insideCIDR, place);
    seenKeys.set(key.reveal(), place);
  }
  const vpc = parseCidr(design.vpcCIDR);
  for (const range of design.advertised) {
    const cidr = parseCidr(range);
    if ('reason' in cidr || 'reason' in vpc) problems.push(`${range} or ${design.vpcCIDR} is not a network`);
    else if (cidrsOverlap(cidr, vpc) && cidr.prefix >= vpc.prefix)
      problems.push(
        `the Cloud Router advertises ${range}, which lies in the VPC's ${design.vpcCIDR}: the VPC would keep it to itself`,
      );
  }
  return problems;
}
