/** The listening end: reads a request with its limits, hands it on, writes the answer or hangs up. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '@postern/core';
import { control } from '../control/api.ts';
import type { World } from '../world/world.ts';
import { answer } from './answer.ts';
import type { WireReply } from './protocol.ts';

/** The largest real request is a policy or a change batch of a thousand records; four times that. */
const bodyBytesMax = 4 * 1024 * 1024;

export interface Listening {
  readonly address: ListenAddress;
  readonly url: string;
  close(): Promise<void>;
}

export async function listen(world: World, address: ListenAddress, afterCall: () => void): Promise<Listening> {
  let url = '';
  const server = createServer(
    { requestTimeout: 60_000, headersTimeout: 10_000, maxHeaderSize: 64 * 1024, keepAliveTimeout: 60_000 },
    (request, response) => {
      serve(world, request, response, url)
        .catch((error: unknown) => {
          if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
          response.end(`${error instanceof Error ? error.message : String(error)}\n`);
        })
        .finally(afterCall);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port }, resolve);
  });
  const bound = server.address() as AddressInfo;
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  url = `http://${host}:${bound.port}`;
  return { address: { host: bound.address, port: bound.port }, url, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function serve(world: World, request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
  const body = await readBody(request);
  if (body === undefined)
    return write(response, {
      status: 413,
      headers: { connection: 'close' },
      body: `a body has at most ${bodyBytesMax} bytes\n`,
    });
  const wire = {
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', url),
    headers: request.headers,
    body,
  };
  if (wire.url.pathname.startsWith('/_postern')) return write(response, control(world, wire));
  const answered = await answer(world, wire, url);
  if (answered.kind === 'drop') request.socket.destroy();
  else write(response, answered.reply);
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function write(response: ServerResponse, reply: WireReply): void {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) });
  response.end(reply.body);
}
