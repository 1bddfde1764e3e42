/** Proving an identity as the .proto says: key pair, PKCS #10 request, self-signed JWT, Identity.Issue. */
import 'reflect-metadata';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomUUID,
  sign,
  webcrypto,
  X509Certificate,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as x509 from '@peculiar/x509';
import { type Certificate, type Endpoint, Identity, type IssueResponse, options, tls } from './protocol.ts';

/** A service account key file. */
export interface ServiceAccount {
  readonly client_email: string;
  readonly private_key: string;
  readonly private_key_id: string;
}

export function serviceAccount(file: string): ServiceAccount {
  return JSON.parse(readFileSync(file, 'utf8')) as ServiceAccount;
}

export interface Key {
  readonly keyPem: string;
  /** PKCS #10, DER. */
  readonly request: Buffer;
  /** base64url SHA-256 of the SubjectPublicKeyInfo. */
  readonly thumbprint: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export async function newKey(): Promise<Key> {
  x509.cryptoProvider.set(webcrypto as never);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=ignored',
    keys,
    signingAlgorithm: algorithm,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  return {
    keyPem: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
      .export({ format: 'pem', type: 'pkcs8' })
      .toString(),
    request: Buffer.from(request.rawData),
    thumbprint: createHash('sha256').update(spki).digest('base64url'),
  };
}

export type Claims = Readonly<Record<string, unknown>>;

/** The claims of a good proof; a test changes one to make a bad one. */
export function claimsFor(account: ServiceAccount, key: Key, serverName: string, nowMs = Date.now()): Claims {
  const iat = Math.floor(nowMs / 1000);
  return {
    iss: account.client_email,
    sub: account.client_email,
    aud: `https://${serverName}/`,
    iat,
    exp: iat + 300,
    jti: randomUUID(),
    cnf: { jkt: key.thumbprint },
  };
}

export function signProof(account: ServiceAccount, claims: Claims, header: Claims = {}): string {
  const privateKey = createPrivateKey(account.private_key);
  const rsa = createPublicKey(account.private_key).asymmetricKeyType === 'rsa';
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: rsa ? 'RS256' : 'ES256', typ: 'JWT', kid: account.private_key_id, ...header })}.${part(claims)}`;
  const signature = sign(
    'sha256',
    Buffer.from(input),
    rsa ? privateKey : { key: privateKey, dsaEncoding: 'ieee-p1363' },
  );
  return `${input}.${signature.toString('base64url')}`;
}

/** The one call a peer without a certificate may make. */
export async function issue(endpoint: Endpoint, key: Key, proof: string): Promise<Certificate> {
  const stub = new Identity(endpoint.address, tls(endpoint), options());
  try {
    const response = await new Promise<IssueResponse>((resolve, reject) =>
      stub.Issue({ certificate_request: key.request, proof }, { deadline: Date.now() + 10_000 }, (error, answer) =>
        error === null ? resolve(answer!) : reject(error),
      ),
    );
    return certificateOf(response, key);
  } finally {
    stub.close();
  }
}

export function certificateOf(response: IssueResponse, key: Key): Certificate {
  const chainPem = response.certificate_chain.map((der) => new X509Certificate(der).toString()).join('');
  return { chainPem, keyPem: key.keyPem, notAfterMs: Number(response.not_after_seconds) * 1000 };
}

/** All of it: from a credentials file to a certificate. */
export async function prove(endpoint: Endpoint, credentialsFile: string, serverName: string): Promise<Certificate> {
  const account = serviceAccount(credentialsFile);
  const key = await newKey();
  return issue(endpoint, key, signProof(account, claimsFor(account, key, serverName)));
}
