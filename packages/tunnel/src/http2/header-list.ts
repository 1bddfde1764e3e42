import type { HeaderField } from './hpack/index.ts';

/** The headers of a call by name. A repeated one is a list (RFC 9110 section 5.3), which gRPC's own never are. */
export type Headers = Readonly<Record<string, string>>;

const requestPseudo: ReadonlySet<string> = new Set([':method', ':scheme', ':path', ':authority']);
const responsePseudo: ReadonlySet<string> = new Set([':status']);
/** HTTP/1.1's notion of a connection has no place here (RFC 9113 section 8.2.2). */
const ofConnections: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);
/** Controls, space, capitals, colon, DEL and above (RFC 9113 section 8.2.1): a colon inside is a smuggled pseudo-header or HTTP/1 line. */
const notOfNames = /[^!-9;-@[-~]/;

/**
 * The list as a record; undefined when it is malformed (RFC 9113 sections 8.1.1 to 8.3): the stream, not the connection, is then to be ended.
 * @param kind trailers have no pseudo-headers
 */
export function readHeaders(
  fields: readonly HeaderField[],
  kind: 'request' | 'response' | 'trailers',
): Headers | undefined {
  const allowed = kind === 'request' ? requestPseudo : kind === 'response' ? responsePseudo : new Set<string>();
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  let regular = false;
  for (const [name, value] of fields) {
    if (name.startsWith(':')) {
      if (regular || !allowed.has(name) || name in headers) return undefined;
    } else {
      regular = true;
      if (name === '' || notOfNames.test(name) || ofConnections.has(name)) return undefined;
      if (name === 'te' && value !== 'trailers') return undefined;
    }
    if (/[\0\r\n]/.test(value)) return undefined;
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  if (kind === 'request' && !(':method' in headers && ':scheme' in headers && ':path' in headers)) return undefined;
  if (kind === 'response' && !(':status' in headers)) return undefined;
  return headers;
}
