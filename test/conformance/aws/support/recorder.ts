/** A proxy that keeps what passes: the answers are looked at later, by a model the simulator has no part in. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Recorded {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** Of query protocols: the action. */
  readonly action: string;
  readonly status: number;
  readonly body: string;
}

export interface Recorder {
  readonly url: string;
  readonly recorded: Recorded[];
  close(): Promise<void>;
}

export async function record(target: string): Promise<Recorder> {
  const recorded: Recorded[] = [];
  const server = createServer((request, response) => void relay(target, request, response, recorded));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    recorded,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function relay(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  recorded: Recorded[],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const sent = Buffer.concat(chunks).toString();
  const {
    host: _host,
    connection: _connection,
    'content-length': _length,
    'transfer-encoding': _encoding,
    expect: _expect,
    ...headers
  } = request.headers;
  const method = request.method ?? 'GET';
  const answer = await fetch(`${target}${request.url ?? '/'}`, {
    method,
    headers: headers as Record<string, string>,
    ...(sent === '' ? {} : { body: sent }),
  });
  const body = await answer.text();
  recorded.push({
    service: /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '',
    method,
    path: (request.url ?? '/').split('?')[0]!,
    action:
      new URLSearchParams(sent).get('Action') ??
      String(request.headers['x-amz-target'] ?? '')
        .split('.')
        .at(-1)!,
    status: answer.status,
    body,
  });
  const type = answer.headers.get('content-type');
  response.writeHead(answer.status, {
    'x-amzn-requestid': answer.headers.get('x-amzn-requestid') ?? '',
    ...(type === null ? {} : { 'content-type': type }),
  });
  response.end(body);
}
