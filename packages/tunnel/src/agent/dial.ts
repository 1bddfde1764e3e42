import { connect, type Socket } from 'node:net';
import {
  type Destination,
  errorCode,
  errorMessage,
  type Host,
  hostPortText,
  parseHost,
  PosternError,
} from '@postern/core';
import { checkAddress, checkName } from '../policy/index.ts';
import type { ResetCode } from '../wire/index.ts';
import { type ResolverConfig, resolveHost } from './resolve.ts';

export interface DialOptions {
  readonly allow: readonly Destination[];
  readonly resolver: ResolverConfig;
  readonly dialTimeoutMs: number;
}

/** A dial that did not succeed, with the code that travels to the client. */
export class DialError extends PosternError {
  override readonly name = 'DialError';
  readonly reset: ResetCode;
  constructor(reset: ResetCode, message: string, cause?: unknown) {
    super(reset, message, cause === undefined ? {} : { cause });
    this.reset = reset;
  }
}

/** Connect errors of the operating system and what they mean to the caller (contract section 5). */
const resetOf: Readonly<Record<string, ResetCode>> = {
  ECONNREFUSED: 'REFUSED',
  ECONNRESET: 'REFUSED',
  EHOSTUNREACH: 'UNREACHABLE',
  ENETUNREACH: 'UNREACHABLE',
  EADDRNOTAVAIL: 'UNREACHABLE',
  EACCES: 'UNREACHABLE',
  EPERM: 'UNREACHABLE',
  EINVAL: 'UNREACHABLE',
  ETIMEDOUT: 'DIAL_TIMEOUT',
  NAME_UNKNOWN: 'NAME_UNKNOWN',
  EMFILE: 'LIMIT',
  ENFILE: 'LIMIT',
};

export interface Dialled {
  readonly socket: Socket;
  /** ip:port */
  readonly resolvedAddress: string;
}

/**
 * Connects to a destination if the customer's own list allows it: the name is checked, resolved once, every address is checked, and
 * one of the checked addresses is dialled, by number. The addresses are tried in turn within one timeout.
 */
export async function dial(host: Host, port: number, options: DialOptions, signal: AbortSignal): Promise<Dialled> {
  const target = hostPortText(host, port);
  if (!checkName(options.allow, host, port))
    throw new DialError('DENIED_BY_AGENT', `the agent's own list does not allow ${target}`);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.dialTimeoutMs)]);
  try {
    const addresses = await within(deadline, resolveHost(host, options.resolver, options.dialTimeoutMs));
    const allowed = addresses.filter((ip) => checkAddress(options.allow, host, port, ip));
    if (allowed.length === 0)
      throw new DialError(
        'DENIED_BY_AGENT',
        `${target} resolves to ${addresses.join(', ')}, which the agent's own list does not allow`,
      );
    return await firstOf(allowed, port, deadline);
  } catch (error) {
    if (error instanceof DialError) throw error;
    if (signal.aborted) throw new DialError('ABORTED', 'the caller went away', error);
    if (deadline.aborted)
      throw new DialError('DIAL_TIMEOUT', `${target} did not answer within ${options.dialTimeoutMs} ms`, error);
    throw new DialError(resetOf[errorCode(error) ?? ''] ?? 'UNREACHABLE', `${target}: ${errorMessage(error)}`, error);
  }
}

async function firstOf(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Dialled> {
  let last: unknown;
  for (const ip of addresses) {
    try {
      const socket = await connectTo(ip, port, signal);
      return { socket, resolvedAddress: hostPortText(ipHost(ip), port) };
    } catch (error) {
      last = error;
      if (signal.aborted) break;
    }
  }
  throw last;
}

function ipHost(ip: string): Host {
  const host = parseHost(ip);
  if (host.kind !== 'ip') throw new DialError('INTERNAL', `${ip} is not an address`);
  return host;
}

function connectTo(ip: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Paused: nothing may be read before the carrier listens.
    const socket = connect({
      host: ip,
      port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    });
    const done = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
    };
    const onError = (error: Error): void => {
      done();
      reject(error);
    };
    const onAbort = (): void => {
      done();
      socket.on('error', () => {});
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => {
      done();
      socket.pause();
      resolve(socket);
    });
  });
}

function within<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
