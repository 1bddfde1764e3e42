import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Cidr, cidrContains, type ListenAddress, parseHost } from '@postern/core';
import { translateListenError } from '@postern/daemon';
import { endWhenDead, http2Options, type MemoryBudget, tlsOptions, tuneSession } from '@postern/tunnel/transport';
import { Gate } from '../limits/gate.ts';

export interface ListenerOptions {
  readonly listen: ListenAddress;
  readonly budget: MemoryBudget;
  readonly certificate: { readonly certPem: string; readonly keyPem: string };
  /** PEM roots that sign client certificates. */
  readonly clientRoots: string;
  readonly sourceRanges: () => readonly Cidr[];
  /** A TLS connection is up; returns what handles its calls, or undefined to end it. */
  readonly onSession: (session: ServerHttp2Session, tls: TLSSocket, peer: Peer) => CallHandler | undefined;
}

export interface Peer {
  readonly address: string;
  readonly port: number;
}

export type CallHandler = (stream: ServerHttp2Stream, path: string, headers: Readonly<Record<string, unknown>>) => void;

/** A stalled handshake costs its own socket for 5 s. */
const handshakeMs = 5000;
/** Open sockets in all: agents and clients are tens; this is for floods. */
const connectionsMax = 10_000;

export interface Listener {
  readonly address: ListenAddress;
  /** The same port with a renewed certificate, for handshakes from now on. */
  setCertificate(certificate: { readonly certPem: string; readonly keyPem: string }): void;
  /** Takes no new connections. */
  close(): void;
}

/** The one TCP port: TLS 1.3, HTTP/2, client certificates asked for and checked here, not by OpenSSL, because Issue needs none. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const secure = (certificate: ListenerOptions['certificate']) => ({
    ...tlsOptions,
    ALPNProtocols: [...tlsOptions.ALPNProtocols],
    cert: certificate.certPem,
    key: certificate.keyPem,
    ca: options.clientRoots,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const server: Http2SecureServer = createSecureServer({
    ...http2Options(options.budget),
    ...secure(options.certificate),
    handshakeTimeout: handshakeMs,
    unknownProtocolTimeout: handshakeMs,
  });
  server.maxConnections = connectionsMax;
  const gate = new Gate();
  server.on('connection', (socket: Socket) => admit(socket, options.sourceRanges(), gate));
  server.on('secureConnection', (socket) => gate.through(socket));
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('unknownProtocol', (socket: Socket) => socket.destroy());
  server.on('sessionError', () => {}); // the session's own close says it
  const handlers = new WeakMap<ServerHttp2Session, CallHandler>();
  server.on('session', (session: ServerHttp2Session) => {
    session.on('error', () => {});
    const tls = session.socket as TLSSocket;
    const peer = { address: tls.remoteAddress ?? '', port: tls.remotePort ?? 0 };
    const handler = options.onSession(session, tls, peer);
    if (handler === undefined) return session.destroy();
    handlers.set(session, handler);
    tuneSession(session, options.budget);
    endWhenDead(session, tls);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    const handler = stream.session === undefined ? undefined : handlers.get(stream.session as ServerHttp2Session);
    if (handler === undefined || headers[':method'] !== 'POST') return stream.close();
    handler(stream, headers[':path'] ?? '', headers);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(translateListenError(error, options.listen, 'listen')));
    server.listen({ host: options.listen.host, port: options.listen.port, backlog: 511 }, resolve);
  });
  const address = server.address() as { address: string; port: number };
  return {
    address: { host: address.address, port: address.port },
    setCertificate: (certificate) => server.setSecureContext(secure(certificate)),
    close: () => void server.close(),
  };
}

function admit(socket: Socket, ranges: readonly Cidr[], gate: Gate): void {
  socket.on('error', () => {});
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  const host = parseHost(socket.remoteAddress ?? '');
  const inRange = ranges.length === 0 || (host.kind === 'ip' && ranges.some((range) => cidrContains(range, host.ip)));
  if (!inRange || !gate.enter(socket)) socket.destroy();
}
