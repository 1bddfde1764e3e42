import { webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import 'reflect-metadata'; // @peculiar/x509 wants it loaded first
import * as x509 from '@peculiar/x509';
import { Secret } from '@postern/core';

/**
 * The webhook's certificate and the root that signed it. The root signs one certificate and its key is thrown away: nothing that
 * could sign another is ever kept.
 */

export interface Generation {
  readonly certPem: string;
  readonly keyPem: Secret;
  readonly caPem: string;
  readonly notAfterMs: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Tolerates an API server whose clock lags. */
const backdateMs = 3_600_000;

export async function newGeneration(names: readonly string[], nowMs: number, lifetimeMs: number): Promise<Generation> {
  x509.cryptoProvider.set(webcrypto as never);
  const notBefore = new Date(nowMs - backdateMs);
  const notAfter = new Date(Math.ceil((nowMs + lifetimeMs) / 1000) * 1000);
  const rootKeys = await keyPair();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    // The time tells generations apart where both are trusted.
    name: `CN=Postern webhook root ${nowMs}`,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys: rootKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const keys = await keyPair();
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: 'CN=Postern webhook',
    issuer: root.subject,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certPem: `${leaf.toString('pem')}\n`,
    keyPem: new Secret(
      `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
    ),
    caPem: `${root.toString('pem')}\n`,
    notAfterMs: notAfter.getTime(),
  };
}

/** The roots of a bundle that have not ended, the newest first, without repeats. */
export function liveRoots(bundlePem: string, nowMs: number): string[] {
  const blocks = bundlePem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  const certificates = blocks.flatMap((pem) => {
    try {
      const certificate = new X509Certificate(pem);
      return certificate.validToDate.getTime() > nowMs ? [certificate] : [];
    } catch {
      return []; // somebody wrote something else there; ours is put beside it
    }
  });
  const byPrint = new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate]));
  return [...byPrint.values()]
    .toSorted((a, b) => b.validToDate.getTime() - a.validToDate.getTime())
    .map((certificate) => certificate.toString());
}

/** When a certificate ends, and for whom it is; undefined for what is none. */
export function readCertificate(pem: string): { notAfterMs: number; covers: (name: string) => boolean } | undefined {
  try {
    const certificate = new X509Certificate(pem);
    return {
      notAfterMs: certificate.validToDate.getTime(),
      covers: (name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
    };
  } catch {
    return undefined;
  }
}

function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40; // positive, and of a fixed length
  return Buffer.from(bytes).toString('hex');
}

async function keyPair(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}
