import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { parseHostPort } from '@postern/core';
import { forwardRequest } from './absolute-form.ts';
import type { OpenError } from './open.ts';
import type { Proxy } from './proxy.ts';
import { refusalLine, refusals } from './refusal.ts';

/** The HTTP forward proxy: CONNECT (RFC 9110 section 9.3.6) and absolute-form `http://` requests (RFC 9112 section 3.2.2). */
export function createHttpProxy(proxy: Proxy): Server {
  const server = createServer({
    // Slow headers hold a socket, not memory; 30 s is generous for a neighbour in the same pod.
    headersTimeout: 30_000,
    requestTimeout: 0, // an upload may take hours
    maxHeaderSize: 32 * 1024,
    noDelay: true,
    keepAliveTimeout: 60_000,
    insecureHTTPParser: false,
  });
  server.on(
    'connect',
    (request: IncomingMessage, socket: Socket, head: Buffer) => void onConnect(proxy, request, socket, head),
  );
  server.on('request', (request, response) => void forwardRequest(proxy, request, response));
  server.on(
    'upgrade',
    (request: IncomingMessage, socket: Socket, head: Buffer) => void onUpgrade(proxy, request, socket, head),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    socket.end(answer(400, `BAD_REQUEST ${error.message}\n`));
  });
  return server;
}

async function onConnect(proxy: Proxy, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
  const target = parseHostPort(request.url ?? '');
  if ('reason' in target)
    return void socket.end(answer(400, `BAD_REQUEST the target ${JSON.stringify(request.url)} ${target.reason}\n`));
  await proxy.serve('connect', socket, target.host, target.port, {
    head,
    accept: ({ connectionId }) =>
      void socket.write(`HTTP/1.1 200 Connection established\r\npostern-connection-id: ${connectionId}\r\n\r\n`),
    refuse: (error) => refuse(socket, error),
  });
}

/** `GET http://host/socket HTTP/1.1` with `Upgrade: websocket`: the head is rewritten to origin form, the rest is carried as it is. */
async function onUpgrade(proxy: Proxy, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
  const url = URL.canParse(request.url ?? '') ? new URL(request.url!) : undefined;
  const target =
    url?.protocol === 'http:' ? parseHostPort(`${url.hostname}:${url.port === '' ? 80 : url.port}`) : undefined;
  if (url === undefined || target === undefined || 'reason' in target)
    return void socket.end(answer(400, 'BAD_REQUEST expected an absolute http:// URL\n'));
  const lines = [`${request.method} ${url.pathname}${url.search} HTTP/1.1`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    if (!/^proxy-/i.test(request.rawHeaders[i]!)) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  }
  await proxy.serve('http', socket, target.host, target.port, {
    head: Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]),
    accept: () => {},
    refuse: (error) => refuse(socket, error),
  });
}

function refuse(socket: Socket, error: OpenError): void {
  socket.end(answer(refusals[error.reset].http, refusalLine(error)));
}

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

function answer(status: number, body: string): string {
  return `HTTP/1.1 ${status} ${phrases[status]}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
