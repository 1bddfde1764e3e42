import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type Diagnostic, ConfigError, emailField, loadDocument, Secret } from '@postern/core';
import { readSecretFile } from '@postern/daemon';
import { z } from 'zod';

/** A service account key: what lets a peer prove its identity. Made by `postern tunnel identity create`, or by Google. */
export interface Credentials {
  readonly email: string;
  /** `kid` of the proofs. */
  readonly keyId: string;
  readonly algorithm: ProofAlgorithm;
  readonly privateKey: Secret<KeyObject>;
  readonly projectId: string | undefined;
}

export type ProofAlgorithm = 'RS256' | 'ES256';

/** The shape of a Google service account key file. Google adds fields now and then, so unknown ones pass. */
const credentialsSchema = z.looseObject({
  type: z.literal('service_account'),
  project_id: z.string().optional(),
  private_key_id: z.string().min(1).max(256),
  private_key: z.string().min(1),
  client_email: emailField(),
});

/** Larger than any key file; bounds what a wrong path can cost. */
const fileBytesMax = 64 * 1024;

/** Reads a credentials file. Refuses one that other users can read; says everything else that is wrong with its place. */
export function loadCredentials(file: string): Credentials {
  const text = readSecretFile(file, 'credentials file').reveal();
  return parseCredentials(file, text);
}

/** The same from text, for those that do not keep it in a file. */
export function parseCredentials(file: string, text: string): Credentials {
  if (text.length > fileBytesMax)
    throw wrong(file, '', `is larger than ${fileBytesMax} bytes: not a service account key`);
  checkJson(file, text);
  const value = loadDocument(file, text, credentialsSchema);
  const privateKey = readPrivateKey(file, value.private_key);
  return {
    email: value.client_email,
    keyId: value.private_key_id,
    algorithm: algorithmOf(file, privateKey),
    privateKey: new Secret(privateKey),
    projectId: value.project_id,
  };
}

/** The parser's own message would quote the text around the mistake, which may be the key. */
function checkJson(file: string, text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const place = /line (\d+) column (\d+)/.exec(error instanceof Error ? error.message : '');
    throw wrong(
      file,
      '',
      'is not JSON: a service account key file is expected',
      Number(place?.[1] ?? 1),
      Number(place?.[2] ?? 1),
    );
  }
}

function readPrivateKey(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // Neither the text nor OpenSSL's account of it belongs in a log.
    throw wrong(file, 'private_key', 'is not a PEM private key without a passphrase');
  }
}

function algorithmOf(file: string, key: KeyObject): ProofAlgorithm {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    if ((details.modulusLength ?? 0) >= 2048) return 'RS256';
    throw wrong(file, 'private_key', `is an RSA key of ${details.modulusLength} bits; at least 2048 are needed`);
  }
  if (key.asymmetricKeyType === 'ec' && details.namedCurve === 'prime256v1') return 'ES256';
  throw wrong(file, 'private_key', 'must be an RSA key (2048 bits or more) or an EC key on P-256');
}

function wrong(file: string, path: string, message: string, line = 1, col = 1): ConfigError {
  const diagnostic: Diagnostic = { severity: 'error', file, line, col, path, message };
  return new ConfigError([diagnostic]);
}
