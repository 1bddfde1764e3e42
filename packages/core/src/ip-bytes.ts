import ipaddr from 'ipaddr.js';
import type { Cidr } from './cidr.ts';

/** The 4 or 16 bytes of an address in the form `parseHost` gives, for code that looks many networks up at once. */
export function ipBytes(ip: string): readonly number[] {
  return ipaddr.parse(ip).toByteArray();
}

/** A key under which all addresses of one network meet: the first `prefix` bits, as text. */
export function networkKey(bytes: readonly number[], prefix: number): string {
  const whole = prefix >> 3;
  let key = '';
  for (let i = 0; i < whole; i++) key += String.fromCharCode(bytes[i]!);
  const rest = prefix & 7;
  return rest === 0 ? key : key + String.fromCharCode(bytes[whole]! & (0xff << (8 - rest)) & 0xff);
}

/** A set of networks, asked with bytes: one comparison of keys a network and no parsing. */
export function networkSet(cidrs: readonly Cidr[]): (bytes: readonly number[]) => boolean {
  const networks = cidrs.map((cidr) => ({
    length: cidr.family === 4 ? 4 : 16,
    prefix: cidr.prefix,
    key: networkKey(ipBytes(cidr.address), cidr.prefix),
  }));
  return (bytes) =>
    networks.some(({ length, prefix, key }) => length === bytes.length && networkKey(bytes, prefix) === key);
}
