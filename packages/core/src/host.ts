import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';

/**
 * A host in its one canonical form, so that policy compares what will be dialled and nothing else.
 * - names: lower case, no trailing dot, IDN as A-labels (UTS 46)
 * - addresses: IPv4 as strict dotted quad, IPv6 as RFC 5952 text, IPv4-mapped IPv6 as the IPv4 address it is
 */
export type Host =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'ip'; readonly ip: string; readonly family: 4 | 6 };

const nameLengthMax = 253; // RFC 1035 section 2.3.4, without the root dot
const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/; // underscores occur in real internal names

/**
 * Parses a host without brackets, or says why it is none.
 *
 * Octal, hexadecimal, decimal and shortened IPv4 spellings (`0177.0.0.1`, `0x7f.1`, `2130706433`, `127.1`) are refused rather
 * than guessed: a policy and a resolver that read them differently are an SSRF (see WHATWG URL, "ends in a number checker").
 */
export function parseHost(text: string): Host | { readonly kind: 'invalid'; readonly reason: string } {
  if (text.length === 0) return invalid('is empty');
  if (text.length > 1024) return invalid('is longer than 253 characters');
  if (text.includes(':')) return parseIPv6(text);
  const dotless = text.endsWith('.') ? text.slice(0, -1) : text;
  // eslint-disable-next-line no-control-regex -- the ASCII range is the point
  const ascii = /^[\x00-\x7f]*$/.test(dotless);
  if (ascii && ipaddr.IPv4.isValidFourPartDecimal(dotless) && !/(^|\.)0\d/.test(dotless)) {
    return { kind: 'ip', ip: dotless, family: 4 };
  }
  const name = (ascii ? dotless : domainToASCII(dotless)).toLowerCase();
  if (name === '') return invalid('is not a valid internationalised name');
  if (name.length > nameLengthMax) return invalid('is longer than 253 characters');
  const labels = name.split('.');
  if (isNumeric(labels.at(-1)!)) return invalid('looks like an IP address but is not in dotted decimal form');
  if (!labels.every((l) => label.test(l))) return invalid('has a character or a label that a host name cannot have');
  return { kind: 'name', name };
}

function parseIPv6(text: string): ReturnType<typeof parseHost> {
  if (text.includes('%')) return invalid('has a zone; link-local addresses of one machine mean nothing on another');
  if (!ipaddr.IPv6.isValid(text)) return invalid('is not an IPv6 address');
  // Embedded IPv4 in hexadecimal or octal (`::ffff:0x7f.1`) is accepted by lenient parsers and refused here.
  if (text.includes('.') && !/:(\d{1,3}\.){3}\d{1,3}$/.test(text)) return invalid('is not an IPv6 address');
  const address = ipaddr.IPv6.parse(text);
  if (address.isIPv4MappedAddress()) return { kind: 'ip', ip: address.toIPv4Address().toString(), family: 4 };
  return { kind: 'ip', ip: address.toRFC5952String(), family: 6 };
}

function isNumeric(lastLabel: string): boolean {
  return /^\d+$/.test(lastLabel) || /^0x[0-9a-f]*$/.test(lastLabel);
}

function invalid(reason: string): { kind: 'invalid'; reason: string } {
  return { kind: 'invalid', reason };
}

/** Name or address as text, without brackets. */
export function hostText(host: Host): string {
  return host.kind === 'name' ? host.name : host.ip;
}

/** `host:port` with brackets around IPv6 (RFC 3986 section 3.2.2). */
export function hostPortText(host: Host, port: number): string {
  return host.kind === 'ip' && host.family === 6 ? `[${host.ip}]:${port}` : `${hostText(host)}:${port}`;
}

/** Splits `host:port` or `[v6]:port`; the port must be 1 to 65535. A bare IPv6 address with a port is ambiguous and refused. */
export function parseHostPort(text: string): { host: Host; port: number } | { kind: 'invalid'; reason: string } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null) return invalid('is not host:port (an IPv6 address is written [2001:db8::1]:443)');
  const port = Number(match[3]);
  if (port < 1 || port > 65535) return invalid('has a port outside 1 to 65535');
  const host = parseHost(match[1] ?? match[2]!);
  if (host.kind === 'invalid') return invalid(`host ${host.reason}`);
  if (match[1] !== undefined && !(host.kind === 'ip' && match[1].includes(':')))
    return invalid('brackets are for IPv6 addresses only');
  return { host, port };
}
