import type { KeyObject } from 'node:crypto';
import { PosternError } from '@postern/core';
import type { ProofAlgorithm } from '@postern/tunnel/identity';

/** The one algorithm that proofs of this key may use: pinned when the key is trusted, never taken from a token. */
export function proofAlgorithmOf(publicKey: KeyObject): ProofAlgorithm {
  const { modulusLength = 0, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.type === 'public') {
    if (publicKey.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 8192) return 'RS256';
    if (publicKey.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256';
  }
  throw new PosternError('KEY_TYPE', 'the key must be RSA of 2048 to 8192 bits, or EC on P-256', { exitCode: 2 });
}
