import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { emailPattern } from '@postern/core';

export type PeerIdentity =
  | { readonly kind: 'none' }
  | { readonly kind: 'identity'; readonly email: string; readonly serial: string; readonly notAfterMs: number }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Who is at the other end, from the leaf certificate whose key the handshake proved. The subject alternative name must be
 * exactly one e-mail: what could be read as two identities is none (CVE-2026-35414 was a comma).
 */
export function peerIdentity(tls: TLSSocket, nowMs: number): PeerIdentity {
  const leaf: X509Certificate | undefined = tls.getPeerX509Certificate();
  if (leaf === undefined) return { kind: 'none' };
  if (!tls.authorized)
    return { kind: 'refused', reason: `certificate not accepted: ${String(tls.authorizationError)}` };
  // OpenSSL has looked at the times already; again here, because nothing else stands between an expired certificate and a session.
  const notAfterMs = Date.parse(leaf.validTo);
  if (!(Date.parse(leaf.validFrom) <= nowMs && nowMs < notAfterMs))
    return { kind: 'refused', reason: 'certificate expired or not yet valid' };
  const email = /^email:([^,\s"]+)$/.exec(leaf.subjectAltName ?? '')?.[1];
  if (email === undefined || !emailPattern.test(email))
    return { kind: 'refused', reason: 'certificate does not name exactly one identity' };
  return { kind: 'identity', email, serial: leaf.serialNumber, notAfterMs };
}
