import { connect, type TLSSocket } from 'node:tls';
import { errorCode, errorMessage } from '@postern/core';
import { type Check, failed, passed } from './check.ts';

/** Does the tunnel server answer where agents dial? TLS only: what it lets whom do is its own business. */

/** A check is read by a person who waits; a handshake takes a few round trips. */
const dialTimeoutMs = 5000;
/** Peers speak gRPC. */
const protocol = 'h2';

export interface ServerPlace {
  readonly host: string;
  readonly port: number;
}

const name = 'server';
const next = 'look at its pod, kubectl get pods,events, and at its log; then at the Service that holds the address';

export async function serverCheck(
  { host, port }: ServerPlace,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<Check> {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const answer = await dial({ host, port }, signal);
  if (answer.kind === 'certificate') {
    const detail = `${place} speaks TLS, certificate valid until ${answer.validTo.toISOString()}`;
    if (answer.validTo.getTime() > now() && answer.validFrom.getTime() <= now()) return passed('tunnel', name, detail);
    return failed('tunnel', name, detail, {
      id: 'certificate-expired',
      cause: 'the tunnel server’s certificate is not valid now: every agent and client refuses it',
      next: 'look at the server’s log for what it says of its certificate authority; check its clock',
    });
  }
  if (answer.kind === 'unreachable')
    // The firewall drops what is not from its ranges, and this machine may have no way there: neither says anything of the server.
    return {
      path: 'tunnel',
      check: name,
      verdict: 'unknown',
      detail: `${place} cannot be reached from here: ${answer.reason}`,
      next: 'ask from one of connect.sourceRanges; or kubectl port-forward to the server, and verify --server 127.0.0.1:PORT',
    };
  if (answer.kind === 'refused')
    return failed('tunnel', name, `${place}: ${answer.reason}`, {
      id: 'server-down',
      cause: 'nothing listens at the tunnel server’s address',
      next,
    });
  return failed('tunnel', name, `${place}: ${answer.reason}`, {
    id: 'not-a-tunnel-server',
    cause: 'what answers at the tunnel server’s address does not speak TLS with HTTP/2',
    next: 'check which Service holds the address: kubectl get service --all-namespaces',
  });
}

type Answer =
  | { readonly kind: 'certificate'; readonly validFrom: Date; readonly validTo: Date }
  | { readonly kind: 'refused' | 'stranger' | 'unreachable'; readonly reason: string };

function dial({ host, port }: ServerPlace, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const aborted = AbortSignal.any([signal, AbortSignal.timeout(dialTimeoutMs)]);
    // The certificate is looked at, not trusted: nothing is sent.
    const socket = connect({ host, port, ALPNProtocols: [protocol], rejectUnauthorized: false });
    const end = (answer: Answer): void => {
      socket.destroy();
      resolve(answer);
    };
    aborted.addEventListener('abort', () => {
      if (!signal.aborted) return end({ kind: 'unreachable', reason: `no answer within ${dialTimeoutMs / 1000} s` });
      socket.destroy();
      reject(signal.reason as Error);
    });
    socket.once('secureConnect', () => end(certificate(socket)));
    socket.once('error', (error) => {
      const code = errorCode(error) ?? errorMessage(error);
      end({ kind: kindOf(code), reason: code });
    });
    socket.once('end', () => end({ kind: 'stranger', reason: 'closed before the handshake' }));
  });
}

function kindOf(code: string): 'refused' | 'unreachable' | 'stranger' {
  if (code === 'ECONNREFUSED') return 'refused';
  return ['EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'ETIMEDOUT'].includes(code) ? 'unreachable' : 'stranger';
}

function certificate(socket: TLSSocket): Answer {
  const { valid_from: from, valid_to: to } = socket.getPeerCertificate();
  if (socket.alpnProtocol !== protocol)
    return { kind: 'stranger', reason: `TLS, and ${String(socket.alpnProtocol) || 'no'} protocol` };
  return { kind: 'certificate', validFrom: new Date(from), validTo: new Date(to) };
}
