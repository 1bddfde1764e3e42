import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { timingSafeEqual, createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { ListenAddress, Secret } from '@postern/core';
import { PosternError } from '@postern/core/errors';
import type { Registry } from 'prom-client';
import { translateListenError } from './listen-error.ts';

/** Answers `GET /path` (or another method where the key names one: `POST /pause`). Throwing answers 500. */
export type AdminRoute = (request: IncomingMessage, url: URL) => Promise<AdminReply> | AdminReply;
export interface AdminReply {
  readonly status?: number;
  readonly contentType?: string;
  readonly body: string;
}

export interface AdminOptions {
  readonly listen: ListenAddress;
  readonly registry: Pick<Registry, 'contentType' | 'metrics'>;
  /** Why the daemon cannot do its job now; undefined when it can. `/readyz` answers 200 or 503. */
  readonly notReady: () => string | undefined;
  /** Required where `listen` is not loopback: the endpoint shows names and can pause. */
  readonly token?: Secret;
  readonly routes?: Readonly<Record<string, AdminRoute>>;
}

export interface AdminServer {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/** Whole words: `127.0.0.1.evil.example` is a name that its owner may point anywhere. */
const loopback = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

export function isLoopback(host: string): boolean {
  return loopback.test(host);
}

/** The endpoint every daemon has: `/readyz`, `/healthz`, `/metrics` and what the daemon adds. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  if (!isLoopback(options.listen.host) && options.token === undefined) {
    throw new PosternError(
      'ADMIN_TOKEN',
      `admin address ${options.listen.host} is not loopback and has no adminTokenFile`,
      {
        hint: 'set adminTokenFile to a file with a long random token, or listen on 127.0.0.1',
        exitCode: 2,
      },
    );
  }
  // Limits: nobody sends this endpoint anything large or slow.
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8192 },
    (request, response) => void answer(options, request, response),
  );
  server.maxConnections = 100;
  await listen(server, options.listen);
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(translateListenError(error, address, 'admin')));
    server.listen({ host: address.host, port: address.port }, resolve);
  });
}

async function answer(options: AdminOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = await replyTo(options, request).catch((error: unknown): AdminReply => ({
    status: 500,
    body: `${error instanceof Error ? error.message : String(error)}\n`,
  }));
  response.writeHead(reply.status ?? 200, {
    'content-type': reply.contentType ?? 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : reply.body);
}

async function replyTo(options: AdminOptions, request: IncomingMessage): Promise<AdminReply> {
  const url = new URL(request.url ?? '/', 'http://admin');
  // A page open in the operator's browser must not reach this port: DNS rebinding sends its own name as Host.
  if (options.token === undefined && !isLoopback(hostOf(request)))
    return { status: 403, body: 'the Host header must be a loopback address\n' };
  if (url.pathname === '/healthz') return { body: 'ok\n' };
  if (url.pathname === '/readyz') {
    const reason = options.notReady();
    return reason === undefined ? { body: 'ready\n' } : { status: 503, body: `${reason}\n` };
  }
  if (options.token !== undefined && !authorised(request, options.token))
    return { status: 401, body: 'a bearer token is needed\n' };
  if (url.pathname === '/metrics')
    return { contentType: options.registry.contentType, body: await options.registry.metrics() };
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route =
    options.routes?.[`${method} ${url.pathname}`] ?? (method === 'GET' ? options.routes?.[url.pathname] : undefined);
  return route === undefined
    ? { status: 404, body: 'no such page; try /readyz, /healthz, /metrics\n' }
    : route(request, url);
}

function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? 'localhost').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function authorised(request: IncomingMessage, token: Secret): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token.reveal()}`));
}
