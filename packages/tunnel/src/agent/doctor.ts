import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { dirname, resolve } from 'node:path';
import {
  type Destination,
  destinationText,
  errorMessage,
  formatDuration,
  type Host,
  hostText,
  PosternError,
} from '@postern/core';
import { readText, systemClock } from '@postern/daemon';
import type { AgentConfig } from '../config/index.ts';
import { issueCertificate } from '../link/index.ts';
import { fileIdentity } from '../peer/identity-source.ts';
import { MemoryBudget, type ServerAddress, translateDialError } from '../transport/index.ts';
import { dial, type DialOptions } from './dial.ts';

/** One line of the pre-flight. */
export interface Check {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string;
}

/** Above this a proof's times are doubted soon; the server's own leeway is 60 s. */
const skewWarnMs = 30_000;
/** A person waits for this command. */
const stepMs = 10_000;

/**
 * The agent's pre-flight: everything that must work before an agent can, in the order in which it would fail, without disturbing a
 * running one. A step that cannot succeed because an earlier one failed is not tried.
 */
export async function* examine(configFile: string, config: AgentConfig, signal: AbortSignal): AsyncGenerator<Check> {
  const at = (path: string): string => resolve(dirname(configFile), path);
  const host = hostText(config.server.host);
  const server: ServerAddress = {
    host,
    port: config.server.port,
    serverName: config.serverName === undefined ? host : hostText(config.serverName),
    roots: readText(at(config.serverCA), 'server CA'),
  };
  const source = fileIdentity(at(config.credentials), systemClock);
  yield { check: 'files', verdict: 'ok', detail: `identity ${source.email}` };
  let reachable = true;
  for (const step of [() => resolves(config.server.host), () => connects(server)]) {
    if (!reachable) break;
    const check = await step();
    reachable = check.verdict === 'ok';
    yield check;
  }
  if (reachable) yield* proves(server, source, signal);
  else
    yield {
      check: 'server',
      verdict: 'skipped',
      detail: 'TLS, clock and credentials were not tried: the server cannot be reached',
    };
  for (const destination of config.allow)
    yield await reaches(
      destination,
      { allow: config.allow, resolver: config.resolver ?? {}, dialTimeoutMs: Math.min(stepMs, config.dialTimeout) },
      signal,
    );
}

async function resolves(host: Host): Promise<Check> {
  if (host.kind === 'ip') return { check: 'dns', verdict: 'ok', detail: `${host.ip} is an address` };
  try {
    const addresses = await lookup(host.name, { all: true });
    return {
      check: 'dns',
      verdict: 'ok',
      detail: `${host.name} is ${addresses.map(({ address }) => address).join(', ')}`,
    };
  } catch (error) {
    return failed('dns', translateDialError(error, { host: host.name, port: 0 }));
  }
}

function connects(server: ServerAddress): Promise<Check> {
  return new Promise((settle) => {
    const socket = connect({ host: server.host, port: server.port, timeout: stepMs });
    const done = (check: Check): void => {
      socket.destroy();
      settle(check);
    };
    const refuse = (error: unknown): void => done(failed('egress', translateDialError(error, server)));
    socket.once('connect', () =>
      done({ check: 'egress', verdict: 'ok', detail: `TCP to ${server.host}:${server.port} is open` }),
    );
    socket.once('timeout', () => refuse(new PosternError('DIAL_TIMEOUT', 'no answer')));
    socket.once('error', refuse);
  });
}

/** Asks for a certificate as a starting agent would: that is TLS, clock and credentials in one. */
async function* proves(
  server: ServerAddress,
  source: ReturnType<typeof fileIdentity>,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  try {
    const certificate = await issueCertificate(source, server, new MemoryBudget(64 * 2 ** 20), systemClock, signal);
    yield { check: 'tls', verdict: 'ok', detail: `${server.serverName} is vouched for by serverCA` };
    const offMs = Math.abs(certificate.clockSkewMs);
    const way = certificate.clockSkewMs > 0 ? 'ahead of' : 'behind';
    if (offMs > skewWarnMs)
      yield {
        check: 'clock',
        verdict: 'warning',
        detail: `this clock is ${formatDuration(offMs)} ${way} the server's`,
        next: 'set it (NTP)',
      };
    else
      yield {
        check: 'clock',
        verdict: 'ok',
        detail: `within ${formatDuration(Math.max(1000, Math.ceil(offMs / 1000) * 1000))} of the server's`,
      };
    yield {
      check: 'credentials',
      verdict: 'ok',
      detail: `accepted; certificates live ${formatDuration(Math.round(certificate.lifetimeMs / 1000) * 1000)}`,
    };
  } catch (error) {
    const tls =
      error instanceof PosternError &&
      ['SERVER_CA', 'SERVER_NAME', 'CLOCK', 'ALPN', 'UNREACHABLE'].includes(error.code);
    yield failed(tls ? 'tls' : 'credentials', error);
  }
}

async function reaches(destination: Destination, options: DialOptions, signal: AbortSignal): Promise<Check> {
  const check = `allow ${destinationText(destination)}`;
  if (destination.host.kind !== 'exact' || destination.portFrom !== destination.portTo)
    return { check, verdict: 'skipped', detail: 'stands for many destinations' };
  try {
    const { socket, resolvedAddress } = await dial(destination.host.host, destination.portFrom, options, signal);
    socket.destroy();
    return { check, verdict: 'ok', detail: `connected to ${resolvedAddress}` };
  } catch (error) {
    const named = destination.host.host.kind === 'name';
    return {
      ...failed(check, error),
      next: named ? 'is egress to it permitted, and does its name resolve here?' : 'is egress to it permitted?',
    };
  }
}

function failed(check: string, error: unknown): Check {
  const hint = error instanceof PosternError ? error.hint : undefined;
  return { check, verdict: 'failed', detail: errorMessage(error), ...(hint === undefined ? {} : { next: hint }) };
}
