import { PosternError } from '@postern/core';

/** Why a proof or a request was not accepted: the `reason` of `certificate.refuse` records and of the metric. */
export type RefusalCode =
  | 'TOO_LARGE'
  | 'MALFORMED'
  | 'ALGORITHM'
  | 'UNKNOWN_IDENTITY'
  | 'UNKNOWN_KEY'
  | 'BAD_SIGNATURE'
  | 'REVOKED'
  | 'AUDIENCE'
  | 'TOKEN_EXPIRED'
  | 'CLOCK_SKEW'
  | 'TOKEN_LIFETIME'
  | 'KEY_BINDING'
  | 'REPLAYED'
  | 'TOO_MANY_PROOFS'
  | 'KEY_TYPE'
  | 'REQUEST_SIGNATURE';

/**
 * A certificate was refused. `message` is for the peer; `details.why` and `details.identity` are for the audit log.
 *
 * Whoever has not shown a good signature learns one sentence, the same for an identity that does not exist, a key that is not
 * trusted and a signature that is wrong: it is no list of the customers. Whoever has, is told what to mend.
 */
export class IssueRefusal extends PosternError {
  override readonly name = 'IssueRefusal';
  declare readonly code: RefusalCode;
  constructor(
    code: RefusalCode,
    message: string,
    details: { readonly identity?: string; readonly keyId?: string; readonly why?: string } = {},
  ) {
    super(code, message, { details });
  }
}

const untrusted = 'the proof of identity is not accepted: no key that the server trusts made it';

/** A refusal before the signature was found good. */
export function refuseUntrusted(
  code: 'ALGORITHM' | 'UNKNOWN_IDENTITY' | 'UNKNOWN_KEY' | 'BAD_SIGNATURE',
  details: { readonly identity?: string; readonly keyId?: string; readonly why: string },
): IssueRefusal {
  return new IssueRefusal(code, untrusted, details);
}
