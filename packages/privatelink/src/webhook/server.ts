import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '@postern/core';
import { translateListenError } from '@postern/daemon';
import { validatePath } from './configuration.ts';
import { type AdmissionRequest, answer, type Verdict } from './review.ts';

/** The HTTPS side of the webhook: the API server's questions in, answers out; and the kubelet's two. */

/** etcd takes objects of 1.5 MiB; a review holds two. */
const bodyBytesMax = 8 * 2 ** 20;
const requestTimeoutMs = 10_000;
const connectionsMax = 500;

export interface WebhookServer {
  readonly address: ListenAddress;
  /** The certificate for connections from now on; those that are there stay. */
  use(certificate: { readonly certPem: string; readonly keyPem: { reveal(): string } }): void;
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly listen: ListenAddress;
  readonly certPem: string;
  readonly keyPem: { reveal(): string };
  readonly judge: (request: AdmissionRequest) => Promise<Verdict>;
  readonly notReady: () => string | undefined;
}

export async function startServer(options: ServerOptions): Promise<WebhookServer> {
  const settings = {
    cert: options.certPem,
    key: options.keyPem.reveal(),
    minVersion: 'TLSv1.2',
    requestTimeout: requestTimeoutMs,
    headersTimeout: 5_000,
  } as const;
  const server: Server = createServer(settings, (request, response) => void reply(options, request, response));
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(translateListenError(error, options.listen, 'webhook')));
    server.listen({ host: options.listen.host, port: options.listen.port }, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    use: ({ certPem, keyPem }) =>
      server.setSecureContext({ cert: certPem, key: keyPem.reveal(), minVersion: 'TLSv1.2' }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 1000).unref();
      }),
  };
}

async function reply(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, body: string, type = 'text/plain'): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(body);
  };
  const path = (request.url ?? '/').split('?')[0];
  try {
    if (path === '/healthz') return send(200, 'ok\n');
    if (path === '/readyz') {
      const reason = options.notReady();
      return reason === undefined ? send(200, 'ready\n') : send(503, `${reason}\n`);
    }
    if (path !== validatePath || request.method !== 'POST') return send(404, 'no such page\n');
    const text = await readBody(request);
    if (text === undefined) return send(413, 'the review is too large\n');
    const review = readReview(text);
    if (review === undefined) return send(400, 'not an AdmissionReview of admission.k8s.io/v1\n');
    return send(200, JSON.stringify(answer(review.uid, await options.judge(review))), 'application/json');
  } catch (error) {
    // The API server takes this for no answer, and refuses: an unclear question lets nobody in.
    if (!response.headersSent) send(500, `${error instanceof Error ? error.message : String(error)}\n`);
    else response.destroy();
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += (part as Buffer).length;
    if (bytes > bodyBytesMax) return undefined;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString();
}

function readReview(text: string): AdmissionRequest | undefined {
  try {
    const review = JSON.parse(text) as { apiVersion?: string; kind?: string; request?: Partial<AdmissionRequest> };
    if (review.apiVersion !== 'admission.k8s.io/v1' || review.kind !== 'AdmissionReview') return undefined;
    const { uid, operation, kind } = review.request ?? {};
    if (typeof uid !== 'string' || typeof operation !== 'string' || typeof kind?.kind !== 'string') return undefined;
    return review.request as AdmissionRequest;
  } catch {
    return undefined;
  }
}
