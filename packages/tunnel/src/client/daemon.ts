import type { Server } from 'node:net';
import { ConfigError, errorMessage, formatDuration, type ListenAddress } from '@postern/core';
import { aborted, type Logger, readConfig, systemClock, translateListenError, watchFiles } from '@postern/daemon';
import { type ClientConfig, clientSchema } from '../config/index.ts';
import { createPeer, linkStatus, type Peer } from '../peer/daemon.ts';
import { connectionMetrics } from '../transport/metrics.ts';
import { createForward } from './forward.ts';
import { createHttpProxy } from './http-proxy.ts';
import { Proxy } from './proxy.ts';
import { createSocksProxy } from './socks5.ts';

/** A pod's connections are hundreds; this is for a runaway loop. */
const connectionsMax = 20_000;
/** How often draining looks whether all is done. */
const drainLookMs = 20;

/** Runs a client until the signal is aborted, then drains. */
export async function runClient(configFile: string, signal: AbortSignal, log: Logger): Promise<void> {
  const config = readConfig(configFile, clientSchema);
  const peer = createPeer(configFile, config, 'client', log, () => {});
  const metrics = connectionMetrics(peer.registry, () => peer.sweeper.size);
  const proxy = new Proxy({
    link: peer.link,
    budget: peer.budget,
    sweeper: peer.sweeper,
    log,
    dialTimeoutMs: config.dialTimeout,
    onOutcome: (via, outcome, openMs, carried) => {
      if (carried === undefined) {
        metrics.total.inc({ via, outcome });
        return;
      }
      metrics.total.inc({ via, outcome });
      metrics.openSeconds.observe(openMs / 1000);
      metrics.bytes.inc({ direction: 'to_server' }, carried.bytesFromSocket);
      metrics.bytes.inc({ direction: 'from_server' }, carried.bytesToSocket);
    },
  });
  const admin = await peer.startAdmin(() => notReady(peer), {
    '/status': () => ({
      contentType: 'application/json',
      body: `${JSON.stringify({ kind: 'TunnelClient', identity: peer.identity, connections: proxy.connections, link: linkStatus(peer.link) })}\n`,
    }),
  });
  const running = new AbortController();
  const linked = peer.link.run(running.signal);
  const servers = await listenAll(config, proxy).catch(async (error: unknown) => {
    running.abort();
    peer.link.destroy('stopped');
    await admin.close();
    throw error;
  });
  watchFiles([configFile], () => reportChange(configFile, config, log), signal);
  const where = { admin: text(admin.address), ...addresses(servers), identity: peer.identity };
  log.info(where, 'listening');
  void peer.link.firstReady().then(() => log.info(where, 'ready'));
  await aborted(signal);
  await drain(config.drainTimeout, servers, proxy, peer, log);
  running.abort();
  await Promise.all([linked, admin.close()]);
  log.info('stopped');
}

interface Listening {
  readonly what: 'http' | 'socks5' | 'forward';
  readonly server: Server;
  readonly address: ListenAddress;
}

async function listenAll(config: ClientConfig, proxy: Proxy): Promise<Listening[]> {
  const wanted: Array<{ what: Listening['what']; listen: ListenAddress; server: Server }> = [
    ...(config.proxy?.http === undefined
      ? []
      : [{ what: 'http' as const, listen: config.proxy.http, server: createHttpProxy(proxy) }]),
    ...(config.proxy?.socks5 === undefined
      ? []
      : [{ what: 'socks5' as const, listen: config.proxy.socks5, server: createSocksProxy(proxy) }]),
    ...config.forwards.map(({ listen, to }) => ({
      what: 'forward' as const,
      listen,
      server: createForward(proxy, to),
    })),
  ];
  const listening: Listening[] = [];
  try {
    for (const { what, listen, server } of wanted) {
      server.maxConnections = connectionsMax;
      await new Promise<void>((resolve, reject) => {
        server.once('error', (error) => reject(translateListenError(error, listen, what)));
        server.listen({ host: listen.host, port: listen.port, backlog: 511 }, resolve);
      });
      const { address, port } = server.address() as { address: string; port: number };
      listening.push({ what, server, address: { host: address, port } });
    }
    return listening;
  } catch (error) {
    for (const { server } of listening) server.close();
    throw error;
  }
}

/** The fields of the `ready` line: where the proxies listen, also where port 0 was asked for. */
function addresses(servers: readonly Listening[]): object {
  const of = (what: Listening['what']): string[] => servers.filter((s) => s.what === what).map((s) => text(s.address));
  const [http] = of('http');
  const [socks5] = of('socks5');
  return {
    ...(http === undefined ? {} : { http }),
    ...(socks5 === undefined ? {} : { socks5 }),
    forwards: of('forward'),
  };
}

function text({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function notReady(peer: Peer): string | undefined {
  const { state } = peer.link;
  if (state.kind === 'ready') return undefined;
  return state.kind === 'offline' ? state.reason : 'stopping';
}

/** Listeners cannot move under running callers: a change is checked and announced, and needs a restart. */
function reportChange(file: string, config: ClientConfig, log: Logger): void {
  try {
    const next = readConfig(file, clientSchema);
    const changed = (Object.keys(next) as Array<keyof ClientConfig>).filter(
      (key) => JSON.stringify(next[key]) !== JSON.stringify(config[key]),
    );
    if (changed.length > 0) log.warn({ keys: changed }, 'configuration changed; these keys need a restart');
    else log.info('configuration reloaded, nothing changed');
  } catch (error) {
    log.error(
      { problems: error instanceof ConfigError ? error.diagnostics.length : 1 },
      `configuration not reloaded, the old one stays: ${errorMessage(error)}`,
    );
  }
}

async function drain(
  withinMs: number,
  servers: readonly Listening[],
  proxy: Proxy,
  peer: Peer,
  log: Logger,
): Promise<void> {
  log.info({ connections: proxy.connections, within: formatDuration(withinMs) }, 'draining');
  for (const { server } of servers) server.close();
  const deadlineMs = performance.now() + withinMs;
  while (proxy.connections > 0 && performance.now() < deadlineMs) await systemClock.sleep(drainLookMs);
  proxy.end('ABORTED', 'the client stopped');
  for (const session of peer.link.sessions) session.drain(0);
  await systemClock.sleep(drainLookMs);
  peer.link.destroy('stopped');
}
