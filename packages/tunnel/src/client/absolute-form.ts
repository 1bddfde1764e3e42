import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { parseHostPort } from '@postern/core';
import { OpenError } from './open.ts';
import type { Proxy } from './proxy.ts';
import { refusalLine, refusals } from './refusal.ts';
import { TunnelDuplex } from './tunnel-duplex.ts';

/** Fields that end at a proxy: RFC 9110 section 7.6.1, and the proxy's own. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
]);

/** `GET http://host/path HTTP/1.1`: one tunnel a request, closed with the response. */
export async function forwardRequest(proxy: Proxy, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedMs = performance.now();
  const target = targetOf(request.url ?? '');
  if (typeof target === 'string')
    return void response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' }).end(`BAD_REQUEST ${target}\n`);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const duplex = new TunnelDuplex();
  try {
    const { tunnel, connectionId } = await proxy.open(
      target.host,
      target.port,
      { source: request, onRelief: duplex.onRelief },
      gone.signal,
    );
    const openMs = performance.now() - startedMs;
    proxy.options.onOutcome('http', 'carried', openMs);
    response.setHeader('postern-connection-id', connectionId);
    await exchange(request, response, target.url, duplex.attach(tunnel), gone.signal);
  } catch (error) {
    const refusal =
      error instanceof OpenError
        ? error
        : new OpenError(
            'ABORTED',
            `the destination broke off: ${error instanceof Error ? error.message : String(error)}`,
            '',
          );
    if (error instanceof OpenError) proxy.options.onOutcome('http', refusal.reset, performance.now() - startedMs);
    duplex.destroy();
    if (response.headersSent) response.destroy();
    else
      response
        .writeHead(refusals[refusal.reset].http, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
        .end(refusalLine(refusal));
  }
}

function targetOf(text: string) {
  if (!URL.canParse(text)) return 'this is a forward proxy: expected an absolute http:// URL, or CONNECT host:port';
  const url = new URL(text);
  if (url.protocol !== 'http:') return `cannot forward ${url.protocol}// requests; use CONNECT`;
  // The text between // and / and not URL's own reading of it, which would silently mend what policy must refuse.
  const authority = /^http:\/\/([^/?#]*)/i.exec(text)![1]!.replace(/^[^@]*@/, '');
  const parsed = parseHostPort(/:\d+$/.test(authority) ? authority : `${authority}:80`);
  return 'reason' in parsed ? `the target ${JSON.stringify(authority)} ${parsed.reason}` : { ...parsed, url };
}

async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  duplex: TunnelDuplex,
  signal: AbortSignal,
): Promise<void> {
  const onward = httpRequest({
    method: request.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    headers: endToEnd(request.rawHeaders, url),
    createConnection: () => duplex,
    setDefaultHeaders: false,
    signal,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    onward.once('response', resolve);
    onward.once('error', reject);
    onward.on('information', ({ statusCode }) => statusCode === 100 && response.writeContinue());
  });
  const sent = pipeline(request, onward);
  sent.catch(() => {}); // an answer may come before the whole request was read (413); what counts is the answer
  const answer = await answered;
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', pairs(answer.rawHeaders));
  await pipeline(answer, response);
  duplex.end();
}

/** Raw header list without what ends here; order, case and repetition kept. */
function pairs(raw: readonly string[]): string[] {
  const named = new Set(
    raw.flatMap((name, i) =>
      i % 2 === 0 && name.toLowerCase() === 'connection' ? raw[i + 1]!.toLowerCase().split(/\s*,\s*/) : [],
    ),
  );
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!hopByHop.has(name) && !named.has(name)) kept.push(raw[i]!, raw[i + 1]!);
  }
  return kept;
}

function endToEnd(raw: readonly string[], url: URL): string[] {
  const kept = pairs(raw);
  const host = kept.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  if (host >= 0) kept.splice(host, 2); // RFC 9112 section 3.2.2: the target replaces Host
  kept.unshift('Host', url.host);
  if (raw.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'transfer-encoding'))
    kept.push('Transfer-Encoding', 'chunked');
  kept.push('Connection', 'close');
  return kept;
}
