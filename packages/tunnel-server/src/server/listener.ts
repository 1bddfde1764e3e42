import type { Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { type Cidr, cidrContains, type ListenAddress, parseHost } from '@postern/core';
import { translateListenError } from '@postern/daemon';
import { Http2Session, type Http2Stream } from '@postern/tunnel/http2';
import { type MemoryBudget, tlsOptions } from '@postern/tunnel/transport';
import { Gate } from '../limits/gate.ts';

export interface ListenerOptions {
  readonly listen: ListenAddress;
  readonly budget: MemoryBudget;
  readonly certificate: { readonly certPem: string; readonly keyPem: string };
  /** PEM roots that sign client certificates. */
  readonly clientRoots: string;
  readonly sourceRanges: () => readonly Cidr[];
  /** A TLS connection is up; returns what handles its calls, or undefined to end it. */
  readonly onSession: (session: Http2Session, tls: TLSSocket, peer: Peer) => CallHandler | undefined;
}

export interface Peer {
  readonly address: string;
  readonly port: number;
}

export type CallHandler = (stream: Http2Stream) => void;

/** A stalled handshake, of TLS or of HTTP/2, costs its own socket for 5 s. */
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
  const server = createServer({ ...secure(options.certificate), handshakeTimeout: handshakeMs });
  server.maxConnections = connectionsMax;
  const gate = new Gate();
  server.on('connection', (socket: Socket) => admit(socket, options.sourceRanges(), gate));
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (tls: TLSSocket) => {
    gate.through(tls);
    tls.on('error', () => {});
    if (tls.alpnProtocol === 'h2') openSession(tls, options);
    else tls.destroy();
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

function openSession(tls: TLSSocket, options: ListenerOptions): void {
  const session = new Http2Session(tls, 'server', options.budget);
  const stalled = setTimeout(() => session.destroy(), handshakeMs);
  session.once('ready', () => clearTimeout(stalled));
  session.once('close', () => clearTimeout(stalled));
  const handler = options.onSession(session, tls, { address: tls.remoteAddress ?? '', port: tls.remotePort ?? 0 });
  if (handler === undefined) return session.destroy();
  session.on('stream', (stream) => {
    if (stream.headers?.[':method'] === 'POST') handler(stream);
    else stream.close('PROTOCOL_ERROR');
  });
}

function admit(socket: Socket, ranges: readonly Cidr[], gate: Gate): void {
  socket.on('error', () => {});
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  const host = parseHost(socket.remoteAddress ?? '');
  const inRange = ranges.length === 0 || (host.kind === 'ip' && ranges.some((range) => cidrContains(range, host.ip)));
  if (!inRange || !gate.enter(socket)) socket.destroy();
}
