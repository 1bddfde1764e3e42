import type { CheckedProof, ProofCheck } from './proof-check.ts';
import { IssueRefusal } from './refusal.ts';

/**
 * Verifies tokens that a cloud signed for its workloads (tunnel.proto, IssueRequest.proof, variant b): fetches the issuer's keys,
 * checks signature, issuer, `email_verified` and when it was made. End, audience, replay and the identity are checked here.
 */
export interface WorkloadTokens {
  /** The `iss` whose tokens it verifies. */
  readonly issuer: string;
  verify(token: string): Promise<{ email: string; audience: string; keyId: string; id: string; expiresMs: number }>;
}

/** The audience that binds such a token to a server and to the key of the request. */
export function workloadAudience(audience: string, thumbprint: string): string {
  return `${audience}?key=${thumbprint}`;
}

/** Undefined when the token is not one of these, or nobody verifies them here. */
export async function checkWorkloadToken(
  token: string,
  check: ProofCheck,
  tokens: WorkloadTokens | undefined,
): Promise<CheckedProof | undefined> {
  if (tokens === undefined || issuerOf(token) !== tokens.issuer) return undefined;
  const verified = await tokens.verify(token);
  const known = { identity: verified.email, keyId: verified.keyId };
  if (verified.audience !== workloadAudience(check.audience, check.thumbprint))
    throw new IssueRefusal('KEY_BINDING', 'the token was made for another server or another key', known);
  const identity = check.find(verified.email);
  if (identity === undefined)
    throw new IssueRefusal('UNKNOWN_IDENTITY', 'the server does not know this identity', known);
  if (identity.status.kind === 'revoked')
    throw new IssueRefusal('REVOKED', `the identity ${verified.email} has been revoked`, known);
  if (verified.expiresMs <= check.nowMs) throw new IssueRefusal('TOKEN_EXPIRED', 'the token has expired', known);
  return { ...known, email: verified.email, epoch: identity.epoch, jti: verified.id, expiresMs: verified.expiresMs };
}

function issuerOf(token: string): unknown {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : undefined;
  } catch {
    return undefined;
  }
}
