import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { type Clock, PosternError, Secret } from '@postern/core';
import { readSecretFile } from '@postern/daemon';
import { createFile, ensurePrivateDirectory } from '../files.ts';
import type { CertificateAuthority, PeerCertificate, PeerCertificateRequest, ServerCertificate } from './authority.ts';
import { type Issuer, peerCertificate, pemOf, rootCertificate, serverCertificate } from './certificate.ts';

const dayMs = 86_400_000;

/** Long, because changing a root means visiting every customer. */
const rootLifetimeMs = 3650 * dayMs;
/** The server's certificate is made anew at each start and before it ends; peers' clocks may be far off. */
const serverLifetimeMs = 90 * dayMs;
/**
 * How far the root and the server's certificate reach into the past: a peer whose clock is hours behind must still reach Issue,
 * to be told there what is wrong, instead of dying on "certificate is not yet valid".
 */
const backdatedMs = dayMs;

/** Private key and certificate in one file, so that there is never one without the other. */
const rootFile = 'ca-root.pem';

export interface EmbeddedCaOptions {
  readonly dataDir: string;
  readonly clock: Clock;
}

/** The authority in the data directory; made at the first call, never overwritten. */
export function openEmbeddedCa({ dataDir, clock }: EmbeddedCaOptions): CertificateAuthority {
  ensurePrivateDirectory(dataDir);
  const file = join(dataDir, rootFile);
  // Two processes may get here at once: one link wins, both read the same file.
  if (!existsSync(file)) createFile(file, newRoot(clock.now()).reveal());
  const { issuer, certificate } = readRoot(file);
  if (certificate.validToDate.getTime() <= clock.now())
    throw new PosternError('CA_EXPIRED', `the root certificate in ${file} ended on ${certificate.validTo}`, {
      hint: 'make a new data directory with `postern tunnel init` and give its ca.pem to every peer',
    });
  const root = certificate.toString();
  return {
    rootsPem: () => root,
    issueServer: (name) => Promise.resolve(issueServer(issuer, certificate, name, clock.now())),
    issuePeer: (request) => Promise.resolve(issuePeer(issuer, certificate, request)),
  };
}

function issueServer(issuer: Issuer, root: X509Certificate, name: string, nowMs: number): ServerCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notAfterMs = wholeSeconds(Math.min(nowMs + serverLifetimeMs, root.validToDate.getTime()));
  const certificate = serverCertificate(issuer, name, { publicKey, notBeforeMs: nowMs - backdatedMs, notAfterMs });
  return {
    certPem: pemOf(certificate.der),
    keyPem: new Secret(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()),
    notAfterMs,
  };
}

function issuePeer(issuer: Issuer, root: X509Certificate, request: PeerCertificateRequest): PeerCertificate {
  const notAfterMs = wholeSeconds(Math.min(request.notAfterMs, root.validToDate.getTime()));
  const certificate = peerCertificate(issuer, request.email, { ...request, notAfterMs });
  return { chainDer: [certificate.der], serial: certificate.serial, notAfterMs };
}

function newRoot(nowMs: number): Secret {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { key: privateKey, publicKey, commonName: 'Postern tunnel root' };
  const root = rootCertificate(issuer, nowMs - backdatedMs, nowMs + rootLifetimeMs);
  return new Secret(`${privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()}${pemOf(root.der)}`);
}

function readRoot(file: string): { issuer: Issuer; certificate: X509Certificate } {
  const text = readSecretFile(file, 'root key of the embedded CA').reveal();
  try {
    const key = createPrivateKey(text);
    const certificate = new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE-----')));
    if (!certificate.checkPrivateKey(key)) throw new Error('the key is not the key of the certificate');
    const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '';
    return { issuer: { key, publicKey: createPublicKey(key), commonName }, certificate };
  } catch (cause) {
    throw new PosternError('CA_DAMAGED', `${file} does not hold a private key and its certificate`, {
      hint: 'restore it from a backup; a new root would cut off every peer that trusts the old one',
      cause,
      exitCode: 2,
    });
  }
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
