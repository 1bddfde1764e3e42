import { randomUUID } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { type Host, hostText, PosternError } from '@postern/core';
import {
  type AdminRoute,
  type AdminServer,
  type Logger,
  readSecretFile,
  readText,
  startAdmin,
  systemClock,
} from '@postern/daemon';
import { Gauge, Registry } from 'prom-client';
import { Link, type LinkSession } from '../link/index.ts';
import { MemoryBudget, type ServerAddress, Sweeper } from '../transport/index.ts';
import { fileIdentity } from './identity-source.ts';
import { collectProcessMetrics } from '../transport/metrics.ts';

/** The version that peers tell the server, for `status`. */
export const softwareVersion = '0.1.0';

/** What agent.yaml and client.yaml have in common. */
export interface PeerConfig {
  readonly server: { readonly host: Host; readonly port: number };
  readonly serverName?: Host | undefined;
  readonly serverCA: string;
  readonly credentials: string;
  readonly admin: { readonly host: string; readonly port: number };
  readonly adminTokenFile?: string | undefined;
  readonly memoryBudget: number;
  readonly idleTimeout?: number | undefined;
  readonly halfClosedTimeout: number;
}

/** The common parts of a running agent or client. */
export interface Peer {
  readonly identity: string;
  readonly budget: MemoryBudget;
  readonly sweeper: Sweeper;
  readonly registry: Registry;
  readonly link: Link;
  startAdmin(notReady: () => string | undefined, routes: Readonly<Record<string, AdminRoute>>): Promise<AdminServer>;
}

/** Builds them; everything that can be wrong with files is found here, before anything listens. */
export function createPeer(
  configFile: string,
  config: PeerConfig,
  role: 'agent' | 'client',
  log: Logger,
  onSession: (session: LinkSession) => void,
): Peer {
  const at = (path: string): string => resolve(dirname(configFile), path);
  const source = fileIdentity(at(config.credentials), systemClock);
  const roots = readText(at(config.serverCA), 'server CA');
  if (!roots.includes('-----BEGIN CERTIFICATE-----')) {
    throw new PosternError('SERVER_CA', `server CA ${at(config.serverCA)} holds no PEM certificate`, {
      hint: 'copy ca.pem from the server, as `postern tunnel init` wrote it',
      exitCode: 2,
    });
  }
  const token =
    config.adminTokenFile === undefined ? undefined : readSecretFile(at(config.adminTokenFile), 'admin token file');
  const host = hostText(config.server.host);
  const server: ServerAddress = {
    host,
    port: config.server.port,
    serverName: config.serverName === undefined ? host : hostText(config.serverName),
    roots,
  };
  const budget = new MemoryBudget(config.memoryBudget);
  const registry = new Registry();
  collectProcessMetrics(registry);
  const link = new Link(
    { server, source, budget, hello: { role, instance: randomUUID(), version: softwareVersion } },
    { clock: systemClock, log, random: Math.random, onSession },
  );
  linkMetrics(registry, link, budget);
  return {
    identity: source.email,
    budget,
    sweeper: new Sweeper({ idleMs: config.idleTimeout, halfClosedMs: config.halfClosedTimeout }),
    registry,
    link,
    startAdmin: (notReady, routes) =>
      startAdmin({
        listen: config.admin,
        registry,
        notReady,
        routes,
        ...(token === undefined ? {} : { token: token.map((text) => text.trim()) }),
      }),
  };
}

function linkMetrics(registry: Registry, link: Link, budget: MemoryBudget): void {
  const registers = [registry];
  new Gauge({
    name: 'postern_tunnel_connected',
    help: '1 while a session with the server is ready.',
    registers,
    collect() {
      this.set(link.state.kind === 'ready' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'postern_tunnel_certificate_expiry_seconds',
    help: 'End of the newest certificate, seconds since 1970 by this clock.',
    registers,
    collect() {
      const certificate = link.certificate;
      if (certificate !== undefined) this.set((certificate.issuedAtMs + certificate.lifetimeMs) / 1000);
    },
  });
  new Gauge({
    name: 'postern_tunnel_held_bytes',
    help: 'Bytes buffered for slow readers.',
    registers,
    collect() {
      this.set(budget.heldBytes);
    },
  });
  new Gauge({
    name: 'postern_tunnel_window_bytes',
    help: 'Receive window that a new connection begins with.',
    registers,
    collect() {
      this.set(budget.firstWindowBytes);
    },
  });
}

/** What `GET /status` says of the link. */
export function linkStatus(link: Link): object {
  const certificate = link.certificate;
  return {
    state: link.state.kind,
    ...(link.state.kind === 'offline' ? { reason: link.state.reason } : {}),
    ...(certificate === undefined
      ? {}
      : { certificateExpires: new Date(certificate.issuedAtMs + certificate.lifetimeMs).toISOString() }),
    sessions: link.sessions.map((session) => ({
      id: session.id,
      state: session.state,
      connections: session.connections,
    })),
  };
}
