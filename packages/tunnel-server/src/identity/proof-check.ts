import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { emailPattern } from '@postern/core';
import { compactVerify } from 'jose/jws/compact/verify';
import { z } from 'zod';
import type { Identity } from './registry.ts';
import { IssueRefusal, refuseUntrusted } from './refusal.ts';
import { checkTimes } from './token-times.ts';

/** Checks a self-signed proof (tunnel.proto, IssueRequest.proof, variant a). */

export interface ProofCheck {
  /** Looks the claimed identity up. */
  readonly find: (email: string) => Identity | undefined;
  readonly audience: string;
  /** Thumbprint of the key in the certificate request. */
  readonly thumbprint: string;
  readonly nowMs: number;
}

export interface CheckedProof {
  readonly email: string;
  readonly epoch: number;
  readonly keyId: string;
  readonly jti: string;
  readonly expiresMs: number;
}

const headerSchema = z.object({ alg: z.string(), kid: z.string().min(1).max(256) });
const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string()).length(1)]),
  iat: z.number(),
  exp: z.number(),
  nbf: z.number().optional(),
  jti: z.string().min(1).max(128),
  cnf: z.object({ jkt: z.string() }),
});

export async function checkProof(token: string, check: ProofCheck): Promise<CheckedProof> {
  const parts = token.split('.');
  if (parts.length !== 3) throw malformed('is not a JWT of three parts');
  const header = headerSchema.safeParse(jsonOf(parts[0]!));
  if (!header.success) throw malformed('needs alg and kid in its header');
  const claimed = z.object({ iss: z.string().max(254).regex(emailPattern) }).safeParse(jsonOf(parts[1]!));
  if (!claimed.success) throw malformed('names no identity as its iss');
  const { kid: keyId } = header.data;
  const identity = check.find(claimed.data.iss);
  await checkSignature(token, header.data, claimed.data.iss, identity);
  const known = { identity: identity!.email, keyId };
  if (identity!.status.kind === 'revoked')
    throw new IssueRefusal('REVOKED', `the identity ${identity!.email} has been revoked`, known);
  const claims = claimsSchema.safeParse(jsonOf(parts[1]!));
  if (!claims.success)
    throw malformed(`lacks a claim: ${claims.error.issues.map((i) => i.path.join('.')).join(', ')}`, known);
  const { iss, sub, aud, jti, cnf, exp } = claims.data;
  if (sub !== iss) throw malformed('must say the same in iss and sub', known);
  if ([aud].flat()[0] !== check.audience)
    throw new IssueRefusal('AUDIENCE', `the proof is for another server: its aud must be ${check.audience}`, {
      ...known,
      why: `aud is ${JSON.stringify(aud)}`,
    });
  checkTimes(claims.data, check.nowMs, known);
  if (cnf.jkt !== check.thumbprint)
    throw new IssueRefusal('KEY_BINDING', 'the proof was made for another key than that of the request', known);
  return { email: iss, epoch: identity!.epoch, keyId, jti, expiresMs: exp * 1000 };
}

/** Checked in place of a key that is not there, so that "no such identity" takes about as long as "wrong signature". */
const decoy: KeyObject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;

/** The algorithm is the one pinned when the key was trusted; a token that names another is refused before any is tried. */
async function checkSignature(
  token: string,
  { alg, kid }: { alg: string; kid: string },
  email: string,
  identity: Identity | undefined,
): Promise<void> {
  const key = identity?.keys.find((k) => k.keyId === kid);
  const verified = await compactVerify(token, key?.publicKey ?? decoy, {
    algorithms: [key?.algorithm ?? 'ES256'],
  }).then(
    () => true,
    () => false,
  );
  const details = { identity: email, keyId: kid };
  if (identity === undefined) throw refuseUntrusted('UNKNOWN_IDENTITY', { ...details, why: 'no such identity' });
  if (key === undefined) throw refuseUntrusted('UNKNOWN_KEY', { ...details, why: 'no such key of this identity' });
  if (alg !== key.algorithm)
    throw refuseUntrusted('ALGORITHM', {
      ...details,
      why: `alg is ${JSON.stringify(alg.slice(0, 16))}, not ${key.algorithm}`,
    });
  if (!verified) throw refuseUntrusted('BAD_SIGNATURE', { ...details, why: 'the signature is wrong' });
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    throw malformed('is not a JWT');
  }
}

function malformed(what: string, details: { identity?: string; keyId?: string } = {}): IssueRefusal {
  return new IssueRefusal('MALFORMED', `the proof ${what}`, details);
}
