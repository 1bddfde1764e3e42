import { connect, type Socket } from 'node:net';
import { errorMessage } from '@postern/core';
import type { Store } from '@postern/resources';
import { vantagePointKind } from '../kinds/private-link.ts';
import type { Reachable } from './context.ts';

/** Tries a host from a named vantage point: Ready can then mean reachable, and not only that objects exist. */

/** A link that takes longer to answer a connection is not one to call ready. */
const probeTimeoutMs = 5000;
/** A proxy's answer is a status line and a few headers. */
const answerBytesMax = 8192;

export async function probeFrom(
  store: Pick<Store, 'get'>,
  host: string,
  { vantagePoint, ports }: { readonly vantagePoint: string; readonly ports: readonly number[] },
  signal: AbortSignal,
): Promise<Reachable> {
  const point = await store.get(vantagePointKind, { namespace: '', name: vantagePoint });
  if (point === undefined) return { ok: false, detail: `there is no VantagePoint ${vantagePoint}` };
  for (const port of ports) {
    const result = await tryPort(host, port, point.spec.connectProxy, signal);
    if (!result.ok) return result;
  }
  return { ok: true, detail: '' };
}

async function tryPort(
  host: string,
  port: number,
  connectProxy: string | undefined,
  signal: AbortSignal,
): Promise<Reachable> {
  const to = `${host}:${port}`;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]);
  try {
    if (connectProxy === undefined) (await open(host, port, limited)).destroy();
    else await throughProxy(new URL(connectProxy), to, limited);
    return { ok: true, detail: '' };
  } catch (error) {
    signal.throwIfAborted();
    const late = limited.aborted ? `no answer within ${probeTimeoutMs / 1000} s` : errorMessage(error);
    return { ok: false, detail: `${to}: ${late}` };
  }
}

function open(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const end = (): void => void socket.destroy(new Error('timed out'));
    signal.addEventListener('abort', end, { once: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
    socket.once('close', () => signal.removeEventListener('abort', end));
  });
}

async function throughProxy(proxy: URL, to: string, signal: AbortSignal): Promise<void> {
  const socket = await open(proxy.hostname, Number(proxy.port || 80), signal);
  try {
    socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) {
      answer += String(chunk);
      if (answer.includes('\r\n') || answer.length > answerBytesMax) break;
    }
    const [status = ''] = answer.split('\r\n');
    if (!/^HTTP\/1\.[01] 200\b/.test(status))
      throw new Error(`the proxy answered ${status.slice(0, 100) || 'nothing'}`);
  } finally {
    socket.destroy();
  }
}
