import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ListenAddress, PosternError } from '@postern/core';
import { findHttpBackend, serveGit } from './http-backend.ts';

/** A private git host: smart HTTPS, read only, over git's own `http-backend`. */
export interface GitHostOptions {
  readonly listen: ListenAddress;
  /** The folder whose repositories are served. */
  readonly root: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface GitHost extends AsyncDisposable {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

export async function startGitHost({ listen, root, certPem, keyPem }: GitHostOptions): Promise<GitHost> {
  const backend = { program: findHttpBackend(), root };
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    if (!/^\/[^?]*(\?|$)/.test(request.url ?? '')) return void response.writeHead(400).end();
    serveGit(backend, request, response);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new PosternError('LISTEN', `cannot listen on ${listen.host}:${listen.port} (git host): ${error.message}`, {
          cause: error,
          hint: 'take another port, or 0 for a free one',
        }),
      ),
    );
    server.listen(listen, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { address: { host: address, port }, close, [Symbol.asyncDispose]: close };
}

export { findHttpBackend } from './http-backend.ts';
export { privateCertificate, type PrivateCertificate } from './certificate.ts';
