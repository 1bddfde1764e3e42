import { createPublicKey, type KeyObject } from 'node:crypto';
import { PosternError } from '@postern/core';
import { keyThumbprint, parseCredentials, spkiOf } from '@postern/tunnel/identity';
import { proofAlgorithmOf } from './trusted-key.ts';

/** A public key that was made elsewhere, with the `kid` its proofs will carry. */
export interface GivenKey {
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

/** More keys than any service account may have (Google: 10), with room. */
const keysMax = 32;

/**
 * Reads the public keys of an identity from one of three files: a PEM public key or certificate (its `kid` is the key's thumbprint), a
 * service account key file, or the list of certificates by `kid` that Google publishes for each service account.
 */
export function readPublicKeys(file: string, text: string, email: string): readonly GivenKey[] {
  if (text.includes('-----BEGIN') && !text.trimStart().startsWith('{')) {
    const publicKey = readPem(file, text);
    return [{ keyId: keyThumbprint(spkiOf(publicKey)), publicKey }];
  }
  const value = readJson(file, text);
  if ('private_key' in value) {
    const credentials = parseCredentials(file, text);
    if (credentials.email !== email) throw wrong(file, `is the key of ${credentials.email}, not of ${email}`);
    return [{ keyId: credentials.keyId, publicKey: createPublicKey(credentials.privateKey.reveal()) }];
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || entries.length > keysMax)
    throw wrong(file, `holds ${entries.length} keys; 1 to ${keysMax} are expected`);
  return entries.map(([keyId, pem]) => {
    if (typeof pem !== 'string' || keyId.length > 256) throw wrong(file, 'is not a list of PEM certificates by key id');
    return { keyId, publicKey: readPem(file, pem) };
  });
}

function readPem(file: string, pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw wrong(file, 'holds no PEM public key or certificate');
  }
  proofAlgorithmOf(key);
  return key;
}

function readJson(file: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // falls through: the parser would quote what may be a private key
  }
  throw wrong(file, 'is neither PEM nor a JSON file with keys');
}

function wrong(file: string, what: string): PosternError {
  return new PosternError('PUBLIC_KEY', `${file} ${what}`, { exitCode: 2 });
}
