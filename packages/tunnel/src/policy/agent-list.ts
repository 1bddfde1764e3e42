import { type Destination, type Host, hostText, ipBytes, parseHost } from '@postern/core';
import { type DestinationIndex, indexDestinations } from './destination-index.ts';
import { embeddedIPv4, isSpecialAddress } from './special-addresses.ts';

/**
 * The customer's own list, checked by the agent whatever the server says: first the host as asked for, before anything is
 * resolved; then the address that is about to be dialled. Between the two nothing is resolved again (DNS rebinding).
 */

const indexOf = new WeakMap<readonly Destination[], DestinationIndex<true>>();

function indexed(allow: readonly Destination[]): DestinationIndex<true> {
  let index = indexOf.get(allow);
  if (index === undefined)
    indexOf.set(allow, (index = indexDestinations(allow.map((destination) => [destination, true]))));
  return index;
}

/** Whether the list covers the host and port as asked for. Ask it before resolving: a refused name must not even be looked up. */
export function checkName(allow: readonly Destination[], host: Host, port: number): boolean {
  return indexed(allow).find(host, port).length > 0;
}

/**
 * Whether `ip`, which `host` resolved to (or is), may be dialled. Loopback, link-local, metadata, multicast, broadcast and
 * unspecified addresses need an entry that is itself a literal address or a network and covers them (or the IPv4 address they
 * embed), as well as the entry for the name.
 */
export function checkAddress(allow: readonly Destination[], host: Host, port: number, ip: string): boolean {
  const address = parseHost(ip);
  if (address.kind !== 'ip') return false;
  // A literal is dialled as it is; anything else in its place is a defect of the caller, and refused.
  if (host.kind === 'ip' && hostText(host) !== address.ip) return false;
  if (!checkName(allow, host, port)) return false;
  if (!isSpecialAddress(address.ip)) return true;
  const index = indexed(allow);
  return [address.ip, ...embeddedIPv4(ipBytes(address.ip))].some((form) => index.findLiteral(form, port).length > 0);
}
