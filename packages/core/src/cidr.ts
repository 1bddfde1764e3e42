import ipaddr from 'ipaddr.js';
import { parseHost } from './host.ts';

/** An IP network: the address with its host bits zero, and the prefix length. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefix: number;
}

/** Parses `10.0.0.0/8` or `2001:db8::/32`. Host bits that are set are refused: `10.1.2.3/8` is more often a slip than a wish. */
export function parseCidr(text: string): Cidr | { readonly kind: 'invalid'; readonly reason: string } {
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text);
  if (match === null) return { kind: 'invalid', reason: 'is not a CIDR such as 10.0.0.0/8' };
  const host = parseHost(match[1]!);
  if (host.kind !== 'ip') return { kind: 'invalid', reason: 'is not a CIDR such as 10.0.0.0/8' };
  const mapped = host.family === 4 && match[1]!.includes(':');
  const prefix = Number(match[2]) - (mapped ? 96 : 0);
  if (prefix < 0 || prefix > (host.family === 4 ? 32 : 128))
    return { kind: 'invalid', reason: 'has a prefix length out of range' };
  const network = networkOf(host.ip, prefix);
  if (network !== host.ip) return { kind: 'invalid', reason: `has host bits set; the network is ${network}/${prefix}` };
  return { family: host.family, address: host.ip, prefix };
}

function networkOf(ip: string, prefix: number): string {
  const address = ipaddr.parse(ip);
  const bytes = address.toByteArray().map((byte, i) => byte & maskByte(prefix, i));
  const network = ipaddr.fromByteArray(bytes);
  return network instanceof ipaddr.IPv6 ? network.toRFC5952String() : network.toString();
}

function maskByte(prefix: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefix - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}

/** Whether the canonical address `ip` (from `parseHost`) lies in the network. */
export function cidrContains(cidr: Cidr, ip: string): boolean {
  const address = ipaddr.parse(ip);
  if ((address.kind() === 'ipv4' ? 4 : 6) !== cidr.family) return false;
  const network = ipaddr.parse(cidr.address).toByteArray();
  return address.toByteArray().every((byte, i) => (byte & maskByte(cidr.prefix, i)) === network[i]);
}

/** Whether two networks share an address. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false;
  return a.prefix <= b.prefix ? cidrContains(a, b.address) : cidrContains(b, a.address);
}

export function cidrText(cidr: Cidr): string {
  return `${cidr.address}/${cidr.prefix}`;
}
