import { generateKeyPair, type KeyObject, randomBytes, randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret } from '@postern/core';

/** A key pair for an identity, and the credentials file that holds its private half. */
export interface NewCredentials {
  readonly keyId: string;
  readonly publicKey: KeyObject;
  /** The file's text, in the shape of a Google service account key. */
  readonly json: Secret;
}

/** RSA 2048 because that is what Google's own key files hold: one code path, and any library for them reads ours. */
export async function newCredentials(email: string): Promise<NewCredentials> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const keyId = randomBytes(20).toString('hex');
  const value = {
    type: 'service_account',
    project_id: 'postern',
    private_key_id: keyId,
    private_key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    client_email: email,
    client_id: String(randomInt(1e14, 2 ** 47)),
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: 'https://oauth2.googleapis.com/token',
    universe_domain: 'googleapis.com',
  };
  return { keyId, publicKey, json: new Secret(`${JSON.stringify(value, null, 2)}\n`) };
}
