/** The thumbprint AWS wants of an OIDC issuer: of the last certificate in the chain of the host that serves its keys. */
import { request } from 'node:https';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { PosternError, UsageError, errorCode } from '@postern/core';

export interface Thumbprint {
  /** SHA-1, 40 hexadecimal digits, lower case. */
  readonly thumbprint: string;
  /** False where the certificate is from a public CA. */
  readonly needed: boolean;
  readonly host: string;
  readonly subject: string;
  readonly issuer: string;
  readonly validTo: string;
}

/** An issuer that takes longer is down. */
const timeoutMs = 15_000;

/** A discovery document is a page; more is something else. */
const documentBytesMax = 1 << 20;

export async function thumbprint(url: string): Promise<Thumbprint> {
  let issuer: URL;
  try {
    issuer = new URL(url.includes('://') ? url : `https://${url}`);
  } catch {
    throw new UsageError(`${JSON.stringify(url)} is no URL`);
  }
  if (issuer.protocol !== 'https:') throw new UsageError(`an OIDC issuer is https; ${url} is not`);
  const keys = new URL(await keysUrl(new URL(`${issuer.href.replace(/\/$/, '')}/.well-known/openid-configuration`)));
  const chain = await chainOf(keys);
  const last = chain.certificates.at(-1)!;
  return {
    thumbprint: last.fingerprint.replaceAll(':', '').toLowerCase(),
    needed: !chain.publiclyTrusted,
    host: keys.host,
    subject: name(last.subject),
    issuer: name(last.issuer),
    validTo: last.valid_to,
  };
}

function name(fields: { readonly CN?: string | string[]; readonly O?: string | string[] }): string {
  return String(fields.CN ?? fields.O ?? 'unnamed');
}

/** Read without trusting the certificate: it is what is asked about. Nothing but the host of `jwks_uri` is used. */
function keysUrl(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { rejectUnauthorized: false, timeout: timeoutMs }, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > documentBytesMax) sent.destroy(new Error('the discovery document is too large'));
        parts.push(part);
      });
      answer.on('end', () => {
        try {
          const { jwks_uri: keys } = JSON.parse(Buffer.concat(parts).toString()) as { jwks_uri?: unknown };
          if (typeof keys === 'string' && keys.startsWith('https://')) return resolve(keys);
        } catch {
          // said below
        }
        reject(
          new PosternError('OIDC', `${url.href} (HTTP ${answer.statusCode}) is no discovery document with a jwks_uri`),
        );
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', (error) =>
      reject(
        error instanceof PosternError
          ? error
          : new PosternError('OIDC', `${url.host} cannot be reached (${errorCode(error) ?? error.message})`, {
              cause: error,
            }),
      ),
    );
    sent.end();
  });
}

function chainOf(url: URL): Promise<{ certificates: DetailedPeerCertificate[]; publiclyTrusted: boolean }> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host,
        port: url.port === '' ? 443 : Number(url.port),
        ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
        rejectUnauthorized: false,
        timeout: timeoutMs,
      },
      () => {
        const certificates: DetailedPeerCertificate[] = [];
        const seen = new Set<string>();
        for (
          let one: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
          one !== undefined && one.fingerprint256 !== undefined && !seen.has(one.fingerprint256);
          one = one.issuerCertificate
        ) {
          seen.add(one.fingerprint256);
          certificates.push(one);
        }
        const publiclyTrusted = socket.authorized;
        socket.destroy();
        if (certificates.length === 0) reject(new PosternError('OIDC', `${url.host} showed no certificate`));
        else resolve({ certificates, publiclyTrusted });
      },
    );
    socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
    socket.on('error', (error) =>
      reject(
        new PosternError('OIDC', `${url.host} cannot be reached (${errorCode(error) ?? error.message})`, {
          cause: error,
        }),
      ),
    );
  });
}
