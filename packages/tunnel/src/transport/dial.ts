import { checkServerIdentity, connect as tlsConnect, type TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import { PosternError } from '@postern/core';
import { Http2Session } from '../http2/index.ts';
import type { MemoryBudget } from './budget.ts';
import { translateDialError } from './errors.ts';
import { tlsOptions } from './settings.ts';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** The name that must be in the server's certificate. */
  readonly serverName: string;
  /** PEM roots that may have signed it. */
  readonly roots: string;
}

/** The TLS identity of a session: PEM, kept in memory only. */
export interface ClientCertificate {
  readonly chainPem: string;
  readonly keyPem: string;
}

/** A TLS handshake over a slow link takes three round trips; more than 15 s is a firewall that drops. */
const handshakeMs = 15_000;

/** Opens an HTTP/2 connection to the server, with or without a client certificate. */
export async function dialServer(
  address: ServerAddress,
  budget: MemoryBudget,
  certificate: ClientCertificate | undefined,
  signal: AbortSignal,
): Promise<Http2Session> {
  signal.throwIfAborted();
  const socket = tlsConnect({
    ...tlsOptions,
    ALPNProtocols: [...tlsOptions.ALPNProtocols],
    host: address.host,
    port: address.port,
    ca: address.roots,
    ...(isIP(address.serverName) === 0 ? { servername: address.serverName } : {}),
    checkServerIdentity: (_host, peer) => checkServerIdentity(address.serverName, peer),
    ...(certificate === undefined ? {} : { cert: certificate.chainPem, key: certificate.keyPem }),
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  try {
    await handshake(socket, signal);
    const session = new Http2Session(socket, 'client', budget);
    session.authority = isIP(address.serverName) === 6 ? `[${address.serverName}]` : address.serverName;
    return await http2Ready(session, signal);
  } catch (error) {
    socket.destroy();
    throw translateDialError(error, address);
  }
}

function handshake(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => fail(new PosternError('DIAL_TIMEOUT', `no answer within ${handshakeMs / 1000} s`)),
      handshakeMs,
    );
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', fail);
    socket.once('close', () => fail(new PosternError('CLOSED', 'the server closed the connection')));
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      if (socket.alpnProtocol === 'h2') resolve();
      else
        fail(
          new PosternError(
            'ALPN',
            'the other side does not speak HTTP/2; is this a tunnel server, and no TLS-inspecting proxy between?',
          ),
        );
    });
  });
}

/**
 * Waits for the server's SETTINGS: with TLS 1.3 the client's handshake is done before the server has looked at its
 * certificate, so a refusal only shows here.
 */
function http2Ready(session: Http2Session, signal: AbortSignal): Promise<Http2Session> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => session.destroy(new PosternError('DIAL_TIMEOUT', `no HTTP/2 settings within ${handshakeMs / 1000} s`)),
      handshakeMs,
    );
    const onAbort = (): void => session.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    session.once('close', () => {
      done();
      reject(session.error ?? new PosternError('CLOSED', 'the server closed the connection during the handshake'));
    });
    session.once('ready', () => {
      done();
      resolve(session);
    });
  });
}
