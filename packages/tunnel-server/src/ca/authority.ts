import type { KeyObject } from 'node:crypto';
import type { Secret } from '@postern/core';

/**
 * Who signs certificates. The embedded authority keeps its root in the data directory; one that calls a cloud's certificate
 * service implements the same three methods. `packages/tunnel-server/src/ca/authority.test.ts` says what all of them must give.
 */
export interface CertificateAuthority {
  /** What peers verify the server against, and the server its peers. One certificate or several (a change of root overlaps). */
  rootsPem(): string;
  /** A certificate for the server's own name (a DNS name or an IP address), with a new key that stays in memory. */
  issueServer(name: string): Promise<ServerCertificate>;
  /** A certificate for an identity that has proved itself: what it says is decided here and by nobody else. */
  issuePeer(request: PeerCertificateRequest): Promise<PeerCertificate>;
}

export interface ServerCertificate {
  /** The leaf and its intermediates. */
  readonly certPem: string;
  readonly keyPem: Secret;
  readonly notAfterMs: number;
}

export interface PeerCertificateRequest {
  readonly email: string;
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface PeerCertificate {
  /** The peer's own certificate first, then intermediates without the root. */
  readonly chainDer: readonly Buffer[];
  /** As `X509Certificate.serialNumber` prints it: upper-case hexadecimal. */
  readonly serial: string;
  /** What the certificate says: whole seconds, at most what was asked for. */
  readonly notAfterMs: number;
}
