import { type Cidr, cidrContains, cidrText, parseCidr } from './cidr.ts';
import { type Host, hostText, parseHost } from './host.ts';

/**
 * What a rule allows: `host:port`, `*.suffix:port` or `CIDR:port`; a port is a number, a range or `*`.
 * A CIDR matches only literal addresses in the request: a name never matches one, because only the agent knows what it resolves to.
 */
export interface Destination {
  readonly host:
    | { readonly kind: 'exact'; readonly host: Host }
    | { readonly kind: 'suffix'; readonly suffix: string }
    | { readonly kind: 'cidr'; readonly cidr: Cidr };
  readonly portFrom: number;
  readonly portTo: number;
}

const shape = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\*|\d{1,5}(?:-\d{1,5})?)$/;

export function parseDestination(text: string): Destination | { readonly kind: 'invalid'; readonly reason: string } {
  const match = shape.exec(text);
  if (match === null)
    return invalid('is not host:port, *.suffix:port or CIDR:port (IPv6 is written [2001:db8::1]:443)');
  const bracketed = match[1];
  const hostPart = bracketed ?? match[2]!;
  if (bracketed !== undefined && !bracketed.includes(':')) return invalid('brackets are for IPv6 addresses only');
  const ports = parsePorts(match[3]!);
  if (ports === undefined) return invalid('has a port outside 1 to 65535, or a range that runs backwards');
  const host = parsePattern(hostPart);
  return 'reason' in host ? host : { host, portFrom: ports[0], portTo: ports[1] };
}

function parsePattern(text: string): Destination['host'] | { kind: 'invalid'; reason: string } {
  if (text.includes('/')) {
    const cidr = parseCidr(text);
    return 'reason' in cidr ? invalid(cidr.reason) : { kind: 'cidr', cidr };
  }
  if (text.startsWith('*.')) {
    const suffix = parseHost(text.slice(2));
    if (suffix.kind !== 'name') return invalid('has a wildcard before something that is not a domain');
    return { kind: 'suffix', suffix: suffix.name };
  }
  if (text.includes('*')) return invalid('may have a wildcard only as its whole first label: *.corp.example');
  const host = parseHost(text);
  return host.kind === 'invalid' ? invalid(`host ${host.reason}`) : { kind: 'exact', host };
}

function parsePorts(text: string): [number, number] | undefined {
  if (text === '*') return [1, 65535];
  const [from, to = from] = text.split('-').map(Number) as [number, number?];
  return from >= 1 && to <= 65535 && from <= to ? [from, to] : undefined;
}

/** Whether the pattern covers this canonical host and port. A suffix covers every name below it, at any depth, and not itself. */
export function destinationMatches(pattern: Destination, host: Host, port: number): boolean {
  if (port < pattern.portFrom || port > pattern.portTo) return false;
  switch (pattern.host.kind) {
    case 'exact':
      return pattern.host.host.kind === host.kind && hostText(pattern.host.host) === hostText(host);
    case 'suffix':
      return host.kind === 'name' && host.name.endsWith(`.${pattern.host.suffix}`);
    case 'cidr':
      return host.kind === 'ip' && cidrContains(pattern.host.cidr, host.ip);
  }
}

export function destinationText(pattern: Destination): string {
  const { portFrom, portTo } = pattern;
  const port = portFrom === 1 && portTo === 65535 ? '*' : portFrom === portTo ? `${portFrom}` : `${portFrom}-${portTo}`;
  const host = patternText(pattern.host);
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function patternText(host: Destination['host']): string {
  if (host.kind === 'exact') return hostText(host.host);
  return host.kind === 'suffix' ? `*.${host.suffix}` : cidrText(host.cidr);
}

function invalid(reason: string): { kind: 'invalid'; reason: string } {
  return { kind: 'invalid', reason };
}
