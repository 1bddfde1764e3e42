import { randomUUID } from 'node:crypto';
import type { Clock } from '@postern/core';
import { SignJWT } from 'jose/jwt/sign';
import { keyThumbprint } from '../pki/spki.ts';
import type { Credentials } from './credentials.ts';

/** What a proof is made for. */
export interface ProofRequest {
  /** The name in the server's certificate: a proof for one server is worth nothing at another. */
  readonly serverName: string;
  /** DER SubjectPublicKeyInfo of the key to be certified: a stolen proof certifies no other key. */
  readonly publicKeySpki: Uint8Array;
}

/**
 * Where proofs of identity come from: a key file today; a workload's metadata server (whose tokens carry the key in their audience)
 * is another implementation.
 */
export interface ProofSource {
  /** The identity, where it is known before the server says so. */
  readonly email: string | undefined;
  proof(request: ProofRequest, signal?: AbortSignal): Promise<string>;
}

/** The most the protocol allows: it is also how far the peer's clock may lag behind the server's. */
export const proofLifetimeSeconds = 300;

/** The audience of a proof for the server of this name (or address; IPv6 goes in brackets). */
export function proofAudience(serverName: string): string {
  return `https://${serverName.includes(':') ? `[${serverName}]` : serverName}/`;
}

/** A JWT as tunnel.proto describes it, variant (a). `now` is milliseconds since 1970. */
export async function signProof(
  credentials: Credentials,
  request: ProofRequest & { readonly now: number },
): Promise<string> {
  const issuedAt = Math.floor(request.now / 1000);
  return new SignJWT({ cnf: { jkt: keyThumbprint(request.publicKeySpki) } })
    .setProtectedHeader({ alg: credentials.algorithm, kid: credentials.keyId, typ: 'JWT' })
    .setIssuer(credentials.email)
    .setSubject(credentials.email)
    .setAudience(proofAudience(request.serverName))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + proofLifetimeSeconds)
    .setJti(randomUUID())
    .sign(credentials.privateKey.reveal());
}

/** Proofs signed with a service account key file. */
export function serviceAccountProofs(credentials: Credentials, clock: Clock): ProofSource {
  return {
    email: credentials.email,
    proof: (request) => signProof(credentials, { ...request, now: clock.now() }),
  };
}
