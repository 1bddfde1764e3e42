import type { Readable } from 'node:stream';
import { hostPortText, type Host, PosternError } from '@postern/core';
import type { Link, LinkSession } from '../link/index.ts';
import { callHeaders, grpcErrorOf, TunnelStream } from '../transport/index.ts';
import { type FrameSink, grpcPaths, type ResetCode } from '../wire/index.ts';

/** A reconnecting client is worth a short wait; a caller that waits longer would rather know. */
const readyWaitMs = 2000;
/** The agent's own dial timeout should speak first: it knows more. */
const graceMs = 2000;

/** Why a connection was not opened: what travels to the caller of the proxy. */
export class OpenError extends PosternError {
  override readonly name = 'OpenError';
  readonly reset: ResetCode;
  /** Under which the server's audit log knows it; empty when the server was never asked. */
  readonly connectionId: string;
  constructor(reset: ResetCode, message: string, connectionId: string) {
    super(reset, message);
    this.reset = reset;
    this.connectionId = connectionId;
  }
}

export interface Opened {
  readonly tunnel: TunnelStream;
  readonly session: LinkSession;
  readonly connectionId: string;
  readonly resolvedAddress: string;
}

export interface OpenOptions {
  readonly link: Pick<Link, 'state' | 'whenReady'>;
  readonly dialTimeoutMs: number;
}

/** Opens a connection to a destination through the tunnel; resolves only after the agent is connected. */
export async function openTunnel(
  host: Host,
  port: number,
  { link, dialTimeoutMs }: OpenOptions,
  flow: { source?: Readable; onRelief: () => void },
  signal: AbortSignal,
): Promise<Opened> {
  const session = await link.whenReady(Math.min(readyWaitMs, dialTimeoutMs));
  if (session === undefined)
    throw new OpenError(
      'NO_AGENT',
      `this client is not connected to the tunnel server: ${link.state.kind === 'offline' ? link.state.reason : 'it is stopping'}`,
      '',
    );
  return new Promise<Opened>((resolve, reject) => {
    const stream = session.http2.request([
      ...callHeaders(grpcPaths.connect),
      ['postern-target', hostPortText(host, port)],
    ]);
    let connectionId = '';
    let status: Error | undefined;
    session.connections++;
    stream.once('close', () => {
      session.connections--;
      session.closeIfIdle();
    });
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (code: ResetCode, message: string): void => {
      settle();
      reject(new OpenError(code, message, connectionId));
      // In band rather than by RST_STREAM: HTTP/2 servers end a session that resets too many (CVE-2023-44487).
      tunnel.reset('ABORTED', message);
    };
    const onAbort = (): void => fail('ABORTED', 'the caller went away');
    const timer = setTimeout(
      () => fail('DIAL_TIMEOUT', `no answer within ${dialTimeoutMs + graceMs} ms`),
      dialTimeoutMs + graceMs,
    );
    signal.addEventListener('abort', onAbort, { once: true });
    stream.once('response', (headers) => {
      connectionId = headers['postern-connection-id'] ?? '';
      status ??= grpcErrorOf(headers);
    });
    stream.once('trailers', (headers) => (status ??= grpcErrorOf(headers)));
    const opening: FrameSink = {
      data: () => fail('INTERNAL', 'the agent sent data before Opened'),
      fin: () => fail('INTERNAL', 'the agent sent fin before Opened'),
      reset: (code, message) =>
        fail(code === 'ABORTED' && status !== undefined ? statusCode(status) : code, status?.message ?? message),
      opened: (resolvedAddress) => {
        settle();
        tunnel.detach();
        resolve({ tunnel, session, connectionId, resolvedAddress });
      },
    };
    const tunnel = new TunnelStream(stream, { source: flow.source, onRelief: flow.onRelief, sink: opening });
  });
}

/** The server ended the call itself: a limit, a drain, a lost right. */
function statusCode(error: Error): ResetCode {
  const code = error instanceof PosternError ? error.code : '';
  if (code === 'PERMISSION_DENIED' || code === 'UNAUTHENTICATED') return 'DENIED';
  if (code === 'RESOURCE_EXHAUSTED') return 'LIMIT';
  return code === 'UNAVAILABLE' ? 'NO_AGENT' : 'INTERNAL';
}
