import { createHash, type KeyObject } from 'node:crypto';

/** A public key as DER SubjectPublicKeyInfo: what certificates carry and what `cnf.jkt` hashes. */
export function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' });
}

/** base64url SHA-256 of a DER SubjectPublicKeyInfo: the protocol's name of a key (not the RFC 7638 JWK thumbprint). */
export function keyThumbprint(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('base64url');
}
