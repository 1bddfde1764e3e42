import { z } from 'zod';
import { parseBytes } from './bytes.ts';
import { type Cidr, parseCidr } from './cidr.ts';
import { type Destination, parseDestination } from './destination.ts';
import { parseDuration } from './duration.ts';
import { type Host, parseHost, parseHostPort } from './host.ts';

/** The scalar fields that documents share, each parsed once into its own type and named as people know it. */

type Invalid = { readonly kind: 'invalid'; readonly reason: string };

/** A string field whose parser returns a value or `{kind: 'invalid', reason}`; the reason continues "VALUE ...". */
export function textField<T extends object>(parse: (text: string) => T | Invalid, description: string) {
  return z
    .string()
    .transform((text, context): T => {
      const parsed = parse(text);
      if (!('reason' in parsed)) return parsed;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${parsed.reason}` });
      return z.NEVER;
    })
    .describe(description);
}

/** Milliseconds from `90s`, `15m`, `24h`. Bounds are inclusive. */
export function durationField(options: { minMs?: number; maxMs?: number; description?: string } = {}) {
  const { minMs = 0, maxMs = Number.MAX_SAFE_INTEGER, description = 'A duration: 90s, 15m, 24h.' } = options;
  return z
    .string()
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
      const message =
        ms === undefined ? 'is not a duration such as 90s, 15m or 24h' : `must be between ${minMs} ms and ${maxMs} ms`;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${message}` });
      return z.NEVER;
    })
    .describe(description);
}

/** Bytes from `256MiB` or a plain number. */
export function bytesField(options: { min?: number; max?: number; description?: string } = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, description = 'A size: 64KiB, 256MiB, 1GiB.' } = options;
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const bytes = parseBytes(String(value));
      if (bytes !== undefined && bytes >= min && bytes <= max) return bytes;
      const message =
        bytes === undefined ? 'is not a size such as 64KiB or 256MiB' : `must be between ${min} and ${max} bytes`;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} ${message}` });
      return z.NEVER;
    })
    .describe(description);
}

export const destinationField = () =>
  textField<Destination>(parseDestination, 'host:port, *.suffix:port or CIDR:port; a port is a number, a range or *.');
export const cidrField = () => textField<Cidr>(parseCidr, 'A network: 10.0.0.0/8 or 2001:db8::/32.');
export const hostField = () => textField<Host>(parseHost, 'A host name or an IP address.');
export const hostPortField = () =>
  textField<{ host: Host; port: number }>(parseHostPort, 'host:port; IPv6 is written [2001:db8::1]:443.');

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Parses an address to listen on: `127.0.0.1:3128`, `[::1]:3128`, `localhost:0`; port 0 asks the system for a free one. */
export function parseListen(text: string): ListenAddress | Invalid {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65535)
    return { kind: 'invalid', reason: 'is not an address to listen on such as 127.0.0.1:8080' };
  const host = parseHost(match[1] ?? match[2]!);
  if (host.kind === 'invalid') return { kind: 'invalid', reason: `host ${host.reason}` };
  return { host: host.kind === 'ip' ? host.ip : host.name, port: Number(match[3]) };
}

export const listenField = () =>
  textField<ListenAddress>(parseListen, 'An address to listen on: 127.0.0.1:8080; port 0 takes a free one.');

/** RFC 5321's common subset. No quoting, comma or space: an identity is compared as one opaque string and must not read as two. */
export const emailPattern =
  /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

export const emailField = () =>
  z
    .string()
    .max(254)
    .regex(emailPattern, {
      error: (issue) => `${JSON.stringify(issue.input)} is not an identity such as dc1@acme.example`,
    });

/** `metadata.name`: a DNS label (RFC 1123), as in Kubernetes. */
export const nameField = () =>
  z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is not a name of lower-case letters, digits and hyphens`,
    });
