import { errorCode, errorMessage, PosternError } from '@postern/core';
import type { ServerAddress } from './dial.ts';

/** Errors of sockets, TLS and HTTP/2 on the way to the server, as one sentence and a next step. The only place that reads foreign codes. */

const sentences: Readonly<Record<string, readonly [code: string, message: string, hint: string]>> = {
  ECONNREFUSED: ['UNREACHABLE', 'refused the connection', 'is the server running, and is this its port?'],
  ENOTFOUND: ['UNREACHABLE', 'has a name that does not resolve', "check `server`, and this machine's DNS"],
  EAI_AGAIN: ['UNREACHABLE', 'has a name that could not be looked up', "check this machine's DNS"],
  EHOSTUNREACH: ['UNREACHABLE', 'cannot be reached: no route', 'is egress to it permitted?'],
  ENETUNREACH: ['UNREACHABLE', 'cannot be reached: no network', 'is egress to it permitted?'],
  ETIMEDOUT: ['UNREACHABLE', 'did not answer', 'is egress to it permitted?'],
  DIAL_TIMEOUT: ['UNREACHABLE', 'did not answer in time', 'is egress to it permitted?'],
  SELF_SIGNED_CERT_IN_CHAIN: [
    'SERVER_CA',
    'has a certificate that `serverCA` does not vouch for',
    'is serverCA the ca.pem of this server, and is no TLS-inspecting proxy between?',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    'SERVER_CA',
    'has a certificate that `serverCA` does not vouch for',
    'is serverCA the ca.pem of this server, and is no TLS-inspecting proxy between?',
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'SERVER_CA',
    'has a certificate that `serverCA` does not vouch for',
    'is serverCA the ca.pem of this server, and is no TLS-inspecting proxy between?',
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'SERVER_CA',
    'has a certificate that `serverCA` does not vouch for',
    'is serverCA the ca.pem of this server?',
  ],
  CERT_SIGNATURE_FAILURE: [
    'SERVER_CA',
    'has a certificate that `serverCA` does not vouch for',
    'is serverCA the ca.pem of this server?',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'SERVER_NAME',
    'has a certificate for another name',
    'set `serverName` to the serverName of server.yaml',
  ],
  CERT_NOT_YET_VALID: [
    'CLOCK',
    'has a certificate that is not valid yet by the clock of this machine',
    'the clock of this machine is slow: set it (NTP)',
  ],
  CERT_HAS_EXPIRED: [
    'CLOCK',
    'has a certificate that has expired by the clock of this machine',
    'is the clock of this machine right? Otherwise restart the server, which renews it',
  ],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [
    'CERTIFICATE_REFUSED',
    'wants a client certificate',
    'this is a defect; please report it',
  ],
};

export function translateDialError(error: unknown, { host, port }: Pick<ServerAddress, 'host' | 'port'>): PosternError {
  const server = `the server ${host}:${port}`;
  const known = sentences[errorCode(error) ?? ''];
  if (known !== undefined) return new PosternError(known[0], `${server} ${known[1]}`, { hint: known[2], cause: error });
  if (error instanceof PosternError)
    return new PosternError(error.code, `${server}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  return new PosternError('SERVER_CONNECTION', `${server}: ${errorMessage(error)}`, { cause: error });
}
