import { errorMessage, PosternError } from '@postern/core';
import { type Logger, systemClock } from '@postern/daemon';
import type { Http2Stream } from '@postern/tunnel/http2';
import { decodeIssueRequest, encodeIssueResponse, WireError } from '@postern/tunnel/wire';
import type { PeerSession } from '../broker/session.ts';
import type { Issued, Issuer } from '../identity/index.ts';
import { answerUnary, readUnary, refuseCall } from './grpc-server.ts';
import type { ServerMetrics } from './metrics.ts';

/** "answered or dropped within 5 s" */
const issueMs = 5000;
/** "few at once": each costs a signature check and a signature, about 1 ms, before anything is known of the peer. */
const issuesMax = 32;

export interface IdentityServiceDeps {
  readonly issuer: Issuer;
  readonly metrics: ServerMetrics;
  readonly log: Logger;
}

/** The calls Identity.Issue and Identity.Renew. */
export class IdentityService {
  readonly #deps: IdentityServiceDeps;
  #underWay = 0;

  constructor(deps: IdentityServiceDeps) {
    this.#deps = deps;
  }

  async issue(stream: Http2Stream, peer: string): Promise<void> {
    if (this.#underWay >= issuesMax)
      return refuseCall(stream, 'RESOURCE_EXHAUSTED', 'too many proofs at once; try again');
    this.#underWay++;
    try {
      await this.#answer(stream, peer, 'issue', ({ certificateRequest, proof }) =>
        this.#deps.issuer.issue({ certificateRequest, proof, peer }),
      );
    } finally {
      this.#underWay--;
    }
  }

  /** Over a session: extends it. */
  async renew(stream: Http2Stream, session: PeerSession): Promise<void> {
    const { identity, lineage, peer } = session.info;
    const issued = await this.#answer(stream, peer, 'renew', ({ certificateRequest }) =>
      this.#deps.issuer.renew({ certificateRequest, identity, lineage, peer }),
    );
    if (issued !== undefined) session.extend(issued.notAfterMs);
  }

  async #answer(
    stream: Http2Stream,
    peer: string,
    event: 'issue' | 'renew',
    issue: (request: { certificateRequest: Buffer; proof: string }) => Promise<Issued>,
  ): Promise<Issued | undefined> {
    const { metrics, log } = this.#deps;
    const bytes = await readUnary(stream, issueMs);
    if (bytes === undefined) {
      refuseCall(stream, 'INVALID_ARGUMENT', 'expected one request of at most 16 KiB within 5 s');
      return undefined;
    }
    try {
      const issued = await issue(decodeIssueRequest(bytes));
      metrics.certificates.inc({ event, reason: '' });
      const { chainDer, notAfterMs } = issued;
      const notAfterSeconds = Math.floor(notAfterMs / 1000);
      answerUnary(
        stream,
        encodeIssueResponse({ certificateChain: chainDer, notAfterSeconds, serverTimeMs: systemClock.now() }),
      );
      return issued;
    } catch (error) {
      const code = error instanceof PosternError ? error.code : 'INTERNAL';
      metrics.certificates.inc({ event: 'refuse', reason: code });
      log.warn({ peer, code }, `certificate refused: ${errorMessage(error)}`);
      if (error instanceof WireError) refuseCall(stream, 'INVALID_ARGUMENT', 'the request could not be read');
      else if (!(error instanceof PosternError)) refuseCall(stream, 'INTERNAL', 'the server failed; its log says how');
      else refuseCall(stream, code === 'CA_UNAVAILABLE' ? 'UNAVAILABLE' : 'UNAUTHENTICATED', error.message);
      return undefined;
    }
  }
}
