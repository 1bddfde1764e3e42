import { randomUUID } from 'node:crypto';
import { type Clock, errorMessage, PosternError } from '@postern/core';
import { proofAudience } from '@postern/tunnel/identity';
import type { AuditEvent } from '../audit/event.ts';
import type { CertificateAuthority } from '../ca/authority.ts';
import { checkRequest } from './certificate-request.ts';
import { checkProof } from './proof-check.ts';
import { IssueRefusal } from './refusal.ts';
import type { Identities, IssuedCertificate } from './registry.ts';
import { checkWorkloadToken, type WorkloadTokens } from './workload-token.ts';

/** A certificate, and what the session that was given it needs to know. */
export interface Issued {
  /** The peer's own first, then intermediates without the root. */
  readonly chainDer: readonly Buffer[];
  readonly notAfterMs: number;
  readonly identity: string;
  readonly serial: string;
  /** Ties together the certificates that were renewed from one proof: a session is extended only within its own. */
  readonly lineage: string;
  /** `kid` of the key that the first proof was made with. */
  readonly keyId: string;
}

export interface IssueRequest {
  readonly certificateRequest: Buffer;
  readonly proof: string;
  /** ip:port, for the audit log. */
  readonly peer: string;
}

export interface RenewRequest {
  readonly certificateRequest: Buffer;
  /** From the verified leaf of the session, and from nowhere else. */
  readonly identity: string;
  /** `certificate(serial).lineage` of that leaf. */
  readonly lineage: string;
  readonly peer?: string;
}

export interface Issuer {
  issue(request: IssueRequest): Promise<Issued>;
  renew(request: RenewRequest): Promise<Issued>;
  /** What is known of a certificate by its serial; undefined when it no longer counts (its identity was revoked) or never did. */
  certificate(serial: string): IssuedCertificate | undefined;
}

export interface IssuerOptions {
  readonly identities: Identities;
  readonly ca: CertificateAuthority;
  readonly clock: Clock;
  readonly serverName: string;
  /** Asked at each issue: a reloaded configuration counts for the next certificate. */
  readonly lifetimeMs: () => number;
  /** Where `certificate.*` events go; the issuer writes them itself, also those of refusals. */
  readonly audit: (event: AuditEvent) => void;
  /** Tokens signed by a cloud for its workloads; without it they are refused as unknown identities. */
  readonly workloadTokens?: WorkloadTokens;
}

/** Request and proof together. Nothing larger is looked at. */
export const issueBytesMax = 16 * 1024;
/** A peer whose clock is a little behind must not find its own certificate "not yet valid". */
const backdatedMs = 5 * 60_000;
/** As long as a proof could be accepted after its end. */
const proofKeptMs = 60_000;

export function createIssuer(options: IssuerOptions): Issuer {
  const { identities, clock, audit } = options;
  const audience = proofAudience(options.serverName);

  async function issue({ certificateRequest, proof }: IssueRequest): Promise<Issued> {
    if (certificateRequest.length + proof.length > issueBytesMax)
      throw new IssueRefusal('TOO_LARGE', `request and proof together may have ${issueBytesMax} bytes`);
    const { publicKey, thumbprint } = checkRequest(certificateRequest);
    const check = { find: (email: string) => identities.get(email), audience, thumbprint, nowMs: clock.now() };
    const checked =
      (await checkWorkloadToken(proof, check, options.workloadTokens)) ?? (await checkProof(proof, check));
    const use = identities.useProof(checked.email, checked.jti, checked.expiresMs + proofKeptMs);
    const known = { identity: checked.email, keyId: checked.keyId };
    if (use === 'replayed') throw new IssueRefusal('REPLAYED', 'the proof was used before; make a new one', known);
    if (use === 'too many')
      throw new IssueRefusal('TOO_MANY_PROOFS', 'too many proofs of this identity in a short time', known);
    return sign({ ...checked, publicKey, lineage: randomUUID() });
  }

  async function renew({ certificateRequest, identity: email, lineage }: RenewRequest): Promise<Issued> {
    if (certificateRequest.length > issueBytesMax)
      throw new IssueRefusal('TOO_LARGE', `a request may have ${issueBytesMax} bytes`, { identity: email });
    // Of this epoch: a session from before a revocation must not outlive it by way of an identity created anew.
    const last = identities.lineage(email, lineage);
    if (last === undefined)
      throw new IssueRefusal('REVOKED', `the identity ${email} has been revoked`, { identity: email });
    const { publicKey } = checkRequest(certificateRequest);
    return sign({ email, epoch: last.epoch, keyId: last.keyId, publicKey, lineage });
  }

  async function sign(grant: Grant): Promise<Issued> {
    const nowMs = clock.now();
    const { email, publicKey, lineage, keyId, epoch } = grant;
    const certificate = await options.ca
      .issuePeer({ email, publicKey, notBeforeMs: nowMs - backdatedMs, notAfterMs: nowMs + options.lifetimeMs() })
      .catch((cause: unknown) => {
        throw new PosternError('CA_UNAVAILABLE', 'the certificate authority does not answer: try again later', {
          cause,
          details: { identity: email, why: errorMessage(cause) },
        });
      });
    const { serial, notAfterMs, chainDer } = certificate;
    // The epoch is that of the check: an identity revoked while the authority signed gets a certificate that never counts.
    identities.recordCertificate({ serial, email, epoch, keyId, lineage, issuedMs: nowMs, notAfterMs });
    return { chainDer, notAfterMs, identity: email, serial, lineage, keyId };
  }

  async function audited(
    event: 'certificate.issue' | 'certificate.renew',
    peer: string | undefined,
    work: Promise<Issued>,
  ): Promise<Issued> {
    const from = peer === undefined ? {} : { peer };
    try {
      const issued = await work;
      const { identity, serial, lineage, keyId, notAfterMs } = issued;
      audit({ event, identity, ...from, serial, lineage, keyId, notAfter: new Date(notAfterMs).toISOString() });
      return issued;
    } catch (error) {
      audit({ event: 'certificate.refuse', ...from, ...refusalFields(error) });
      throw forPeer(error);
    }
  }

  return {
    issue: (request) => audited('certificate.issue', request.peer, issue(request)),
    renew: (request) => audited('certificate.renew', request.peer, renew(request)),
    certificate: (serial) => known(() => identities.certificate(serial)),
  };
}

interface Grant {
  readonly email: string;
  readonly epoch: number;
  readonly keyId: string;
  readonly publicKey: Parameters<CertificateAuthority['issuePeer']>[0]['publicKey'];
  readonly lineage: string;
}

/** What is not the peer's fault (a full disk, a locked database) is told as such, without the paths and details of this machine. */
function forPeer(error: unknown): unknown {
  if (error instanceof IssueRefusal || (error instanceof PosternError && error.code === 'CA_UNAVAILABLE')) return error;
  return new PosternError('CA_UNAVAILABLE', 'the server cannot issue certificates now: try again later', {
    cause: error,
  });
}

/** A database that cannot be read must cost the session that asks and not the server: nothing counts that is not known to. */
function known<T>(ask: () => T | undefined): T | undefined {
  try {
    return ask();
  } catch (error) {
    process.emitWarning(errorMessage(error), 'IdentityWarning');
    return undefined;
  }
}

function refusalFields(error: unknown): { reason: string; message: string; identity?: string; keyId?: string } {
  if (!(error instanceof PosternError)) return { reason: 'INTERNAL', message: errorMessage(error) };
  const { identity, keyId, why } = error.details;
  return {
    reason: error.code,
    message: typeof why === 'string' ? why : error.message,
    ...(typeof identity === 'string' ? { identity } : {}),
    ...(typeof keyId === 'string' ? { keyId } : {}),
  };
}
