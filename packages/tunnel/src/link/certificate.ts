import { X509Certificate } from 'node:crypto';
import type { Clock } from '@postern/core';
import type { Http2Session } from '../http2/index.ts';
import {
  callUnary,
  type ClientCertificate,
  dialServer,
  type MemoryBudget,
  type ServerAddress,
} from '../transport/index.ts';
import { decodeIssueResponse, encodeIssueRequest, grpcPaths } from '../wire/index.ts';

/** Where a peer's keys and proofs come from: a service account key file, or a workload's metadata server. */
export interface IdentitySource {
  readonly email: string;
  /** A fresh key pair in memory, and the PKCS #10 request for it. */
  newKey(): Promise<PeerKey>;
  /** The JWT that binds this key to the identity (tunnel.proto, IssueRequest.proof). */
  proof(key: PeerKey, serverName: string): Promise<string>;
}

export interface PeerKey {
  readonly keyPem: string;
  readonly publicKeySpki: Buffer;
  readonly request: Buffer;
}

/** A certificate with its key, and its times by this machine's clock. */
export interface IssuedCertificate extends ClientCertificate {
  readonly issuedAtMs: number;
  readonly lifetimeMs: number;
  /** How far this machine's clock is ahead of the server's, milliseconds. */
  readonly clockSkewMs: number;
}

/** Issue answers within 5 s or never; a little more for the way. */
const issueTimeoutMs = 10_000;

/** First certificate: over a connection of its own, without a client certificate. */
export async function issueCertificate(
  source: IdentitySource,
  server: ServerAddress,
  budget: MemoryBudget,
  clock: Clock,
  signal: AbortSignal,
): Promise<IssuedCertificate> {
  const key = await source.newKey();
  const proof = await source.proof(key, server.serverName);
  const session = await dialServer(server, budget, undefined, signal);
  try {
    return await call(session, grpcPaths.issue, key, proof, clock);
  } finally {
    session.destroy();
  }
}

/** The next certificate, over a session that the last one authorised; extends that session. */
export function renewCertificate(session: Http2Session, key: PeerKey, clock: Clock): Promise<IssuedCertificate> {
  return call(session, grpcPaths.renew, key, '', clock);
}

async function call(
  session: Http2Session,
  path: string,
  key: PeerKey,
  proof: string,
  clock: Clock,
): Promise<IssuedCertificate> {
  const request = encodeIssueRequest({ certificateRequest: key.request, proof });
  const response = decodeIssueResponse(await callUnary(session, path, request, issueTimeoutMs));
  const chainPem = response.certificateChain.map((der) => new X509Certificate(der).toString()).join('');
  const issuedAtMs = clock.now();
  return {
    chainPem,
    keyPem: key.keyPem,
    issuedAtMs,
    // By the server's clock, so that a wrong clock here neither renews too late nor at once.
    lifetimeMs: Math.max(0, response.notAfterSeconds * 1000 - response.serverTimeMs),
    clockSkewMs: issuedAtMs - response.serverTimeMs,
  };
}
