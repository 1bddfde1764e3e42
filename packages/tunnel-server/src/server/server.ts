import { createHash, randomUUID } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { ConfigError, errorMessage, formatDuration, hostText, loadDocument } from '@postern/core';
import {
  aborted,
  type AdminServer,
  type Logger,
  readConfig,
  readSecretFile,
  readText,
  startAdmin,
  systemClock,
  watchFiles,
} from '@postern/daemon';
import { type ServerConfig, serverSchema } from '@postern/tunnel/config';
import type { Http2Session, Http2Stream } from '@postern/tunnel/http2';
import { type CompiledPolicy, compilePolicy, policySchema } from '@postern/tunnel/policy';
import { collectProcessMetrics, MemoryBudget, Sweeper } from '@postern/tunnel/transport';
import { grpcPaths } from '@postern/tunnel/wire';
import { Registry } from 'prom-client';
import { type Audit, openAudit } from '../audit/index.ts';
import { Broker } from '../broker/broker.ts';
import { PeerSession, type SessionEnd } from '../broker/session.ts';
import { type CertificateAuthority, openEmbeddedCa, type ServerCertificate } from '../ca/index.ts';
import { createIssuer, type Identities, type Issuer, openIdentities } from '../identity/index.ts';
import { auditedEvents } from './audited-events.ts';
import { refuseCall } from './grpc-server.ts';
import { IdentityService } from './identity-service.ts';
import { type CallHandler, type Listener, type Peer, startListener } from './listener.ts';
import { type ServerMetrics, serverMetrics } from './metrics.ts';
import { peerIdentity } from './peer-identity.ts';
import { connectionStatus, type ServerStatus, sessionStatus } from './status.ts';

/** How often the server looks whether its own certificate is to be renewed. */
const certificateLookMs = 3_600_000;
const dayMs = 86_400_000;
/** A peer without a certificate gets one and leaves. */
const anonymousMs = 15_000;
/** How often draining looks whether all is done. */
const drainLookMs = 20;

/** Runs the broker until the signal is aborted, then drains. */
export async function runServer(configFile: string, signal: AbortSignal, log: Logger): Promise<void> {
  const config = readConfig(configFile, serverSchema);
  const at = (path: string): string => resolve(dirname(configFile), path);
  const policy = readPolicy(at(config.policyFile));
  const token =
    config.adminTokenFile === undefined
      ? undefined
      : readSecretFile(at(config.adminTokenFile), 'admin token file').map((text) => text.trim());
  const dataDir = at(config.dataDir);
  const ca = openEmbeddedCa({ dataDir, clock: systemClock });
  const identities = openIdentities({ dataDir, clock: systemClock });
  const audit = openAudit({ dataDir, retentionMs: config.audit.retention, clock: systemClock, log });
  const serverName = hostText(config.serverName);
  const certificates = { lifetimeMs: config.certificates.lifetime };
  const issuer = createIssuer({
    serverName,
    ca,
    identities,
    clock: systemClock,
    lifetimeMs: () => certificates.lifetimeMs,
    audit: (event) => audit.append(event),
  });
  const server = new TunnelServer({
    configFile,
    config,
    policy,
    ca,
    identities,
    audit,
    issuer,
    certificates,
    serverName,
    log,
  });
  try {
    await server.run(signal, token);
  } finally {
    await audit.close();
    identities.close();
  }
}

function readPolicy(file: string): CompiledPolicy & { readonly digest: string } {
  const text = readText(file, 'policy file');
  const compiled = compilePolicy(loadDocument(file, text, policySchema));
  return { ...compiled, digest: createHash('sha256').update(text).digest('hex') };
}

interface Parts {
  readonly configFile: string;
  readonly config: ServerConfig;
  readonly policy: ReturnType<typeof readPolicy>;
  readonly ca: CertificateAuthority;
  readonly identities: Identities;
  readonly audit: Audit;
  readonly issuer: Issuer;
  /** What a reload changes of issuing. */
  readonly certificates: { lifetimeMs: number };
  readonly serverName: string;
  readonly log: Logger;
}

/** The parts of a running server, joined. */
class TunnelServer {
  readonly #parts: Parts;
  #config: ServerConfig;
  #policy: ReturnType<typeof readPolicy>;
  readonly #registry = new Registry();
  readonly #budget: MemoryBudget;
  readonly #broker: Broker;
  readonly #metrics: ServerMetrics;
  readonly #identityService: IdentityService;
  #certificate: ServerCertificate | undefined;
  #listener: Listener | undefined;
  #draining = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#policy = parts.policy;
    this.#budget = new MemoryBudget(parts.config.memoryBudget);
    collectProcessMetrics(this.#registry);
    const sweeper = new Sweeper({ idleMs: parts.config.idleTimeout, halfClosedMs: parts.config.halfClosedTimeout });
    this.#broker = new Broker({
      sweeper,
      random: Math.random,
      policy: () => this.#policy,
      openTimeoutMs: () => this.#config.dialTimeout + 1000, // the agent's own timeout speaks first: it knows more
      events: auditedEvents(parts.audit, () => this.#metrics),
    });
    this.#metrics = serverMetrics(this.#registry, this.#broker, this.#budget, () => parts.audit.head());
    this.#identityService = new IdentityService({
      issuer: parts.issuer,
      metrics: this.#metrics,
      log: parts.log,
    });
  }

  async run(signal: AbortSignal, token: Parameters<typeof startAdmin>[0]['token']): Promise<void> {
    const { ca, serverName, identities, log, configFile } = this.#parts;
    this.#certificate = await ca.issueServer(serverName);
    const admin = await startAdmin({
      listen: this.#config.admin,
      registry: this.#registry,
      notReady: () => this.#notReady(),
      routes: { '/status': () => ({ contentType: 'application/json', body: `${JSON.stringify(this.#status())}\n` }) },
      ...(token === undefined ? {} : { token }),
    });
    const over = new AbortController();
    try {
      this.#listener = await startListener({
        listen: this.#config.listen,
        budget: this.#budget,
        certificate: pems(this.#certificate),
        clientRoots: ca.rootsPem(),
        sourceRanges: () => this.#config.sourceRanges,
        onSession: (session, tls, peer) => this.#onSession(session, tls, peer),
      });
      identities.watch(
        (change) => change.kind === 'revoked' && this.#revoked(change.email),
        over.signal,
        (error) => log.error(`revocations cannot be seen: ${errorMessage(error)}`),
      );
      watchFiles([configFile, this.#policyFile], (file) => this.#reload(file), over.signal);
      const renewal = setInterval(() => void this.#renewCertificate(), certificateLookMs);
      over.signal.addEventListener('abort', () => clearInterval(renewal));
      log.info(
        {
          listen: text(this.#listener.address),
          admin: text(admin.address),
          serverName,
          rules: this.#policy.policy.rules.length,
        },
        'ready',
      );
      await aborted(signal);
      await this.#drain(admin);
    } finally {
      over.abort();
      await admin.close();
    }
    log.info('stopped');
  }

  get #policyFile(): string {
    return resolve(dirname(this.#parts.configFile), this.#config.policyFile);
  }

  #notReady(): string | undefined {
    if (this.#draining) return 'draining';
    return this.#listener === undefined ? 'starting' : this.#parts.audit.failure();
  }

  /** Who is it, and what may it call? */
  #onSession(http2: Http2Session, tls: TLSSocket, peer: Peer): CallHandler | undefined {
    const who = peerIdentity(tls, systemClock.now());
    const peerText = text({ host: peer.address, port: peer.port });
    if (this.#draining) return undefined;
    if (who.kind === 'none') return this.#anonymous(http2, peerText);
    if (who.kind === 'refused') return this.#refused(peerText, who.reason);
    const certificate = this.#parts.issuer.certificate(who.serial);
    if (certificate?.email !== who.email)
      return this.#refused(peerText, 'the certificate counts no longer: its identity is revoked or unknown', who.email);
    const session = new PeerSession(
      http2,
      {
        id: randomUUID(),
        identity: who.email,
        peer: peerText,
        serial: who.serial,
        lineage: certificate.lineage,
        sinceMs: systemClock.now(),
      },
      who.notAfterMs,
      { now: () => systemClock.now(), onEnd: (ended, reason) => this.#sessionEnded(ended, reason) },
    );
    this.#broker.sessions.add(session);
    this.#parts.audit.append({
      event: 'session.open',
      identity: who.email,
      peer: peerText,
      session: session.info.id,
      serial: who.serial,
    });
    this.#metrics.sessions.inc({ event: 'open', reason: '' });
    return (stream) => this.#call(session, stream);
  }

  #refused(peer: string, reason: string, identity?: string): undefined {
    this.#parts.audit.append({
      event: 'session.refuse',
      peer,
      reason,
      ...(identity === undefined ? {} : { identity }),
    });
    this.#metrics.sessions.inc({ event: 'refuse', reason: 'certificate' });
  }

  /** No certificate: Issue is the only call, and soon. */
  #anonymous(http2: Http2Session, peer: string): CallHandler {
    const timer = setTimeout(() => http2.destroy(), anonymousMs);
    http2.once('close', () => clearTimeout(timer));
    return (stream) => {
      if (stream.headers?.[':path'] === grpcPaths.issue) void this.#identityService.issue(stream, peer);
      else refuseCall(stream, 'UNAUTHENTICATED', 'this call needs a client certificate; Identity.Issue gives one');
    };
  }

  #call(session: PeerSession, stream: Http2Stream): void {
    const headers = stream.headers!;
    const path = headers[':path']!;
    switch (path) {
      case grpcPaths.connect:
        return this.#draining
          ? refuseCall(stream, 'UNAVAILABLE', 'the server drains')
          : this.#broker.connect(session, stream, headers['postern-target'] ?? '');
      case grpcPaths.accept:
        return this.#broker.accept(session, stream);
      case grpcPaths.register:
        return this.#broker.register(session, stream);
      case grpcPaths.renew:
        return void this.#identityService.renew(stream, session);
      case grpcPaths.issue:
        return void this.#identityService.issue(stream, session.info.peer);
      default:
        return refuseCall(stream, 'UNIMPLEMENTED', `there is no call ${path.slice(0, 100)}`);
    }
  }

  #sessionEnded(session: PeerSession, reason: SessionEnd): void {
    this.#broker.sessions.delete(session);
    const { id, identity, peer, sinceMs } = session.info;
    this.#metrics.sessions.inc({ event: 'close', reason });
    this.#parts.audit.append({
      event: 'session.close',
      identity,
      peer,
      session: id,
      reason,
      ms: systemClock.now() - sinceMs,
      ...(session.role === undefined
        ? {}
        : { role: session.role, instance: session.instance, version: session.version }),
    });
  }

  #revoked(email: string): void {
    this.#parts.log.warn({ identity: email, sessions: this.#broker.sessions.of(email).size }, 'identity revoked');
    this.#broker.revoke(email);
  }

  #reload(file: string | undefined): void {
    const { log, audit, configFile } = this.#parts;
    try {
      const config = readConfig(configFile, serverSchema);
      const fixed = [
        'listen',
        'admin',
        'serverName',
        'dataDir',
        'memoryBudget',
        'idleTimeout',
        'halfClosedTimeout',
      ] as const;
      const changed = fixed.filter((key) => JSON.stringify(config[key]) !== JSON.stringify(this.#config[key]));
      if (changed.length > 0) log.warn({ keys: changed }, 'these keys of the configuration need a restart');
      const policy = readPolicy(resolve(dirname(configFile), config.policyFile));
      const same = policy.digest === this.#policy.digest;
      this.#config = config;
      this.#parts.certificates.lifetimeMs = config.certificates.lifetime;
      audit.setRetention(config.audit.retention);
      this.#policy = policy;
      if (file === configFile && same) return log.info('configuration reloaded');
      audit.append({
        event: 'policy.reload',
        outcome: 'loaded',
        rules: policy.policy.rules.length,
        digest: policy.digest,
      });
      log.info({ rules: policy.policy.rules.length }, 'policy reloaded');
    } catch (error) {
      audit.append({ event: 'policy.reload', outcome: 'refused', reason: errorMessage(error).slice(0, 1000) });
      log.error(
        { problems: error instanceof ConfigError ? error.diagnostics.length : 1 },
        `not reloaded, the old configuration stays: ${errorMessage(error)}`,
      );
    }
  }

  /** The server's own certificate is renewed long before its end, for handshakes from then on. */
  async #renewCertificate(): Promise<void> {
    if (this.#certificate!.notAfterMs - systemClock.now() > 7 * dayMs) return;
    try {
      this.#certificate = await this.#parts.ca.issueServer(this.#parts.serverName);
      this.#listener!.setCertificate(pems(this.#certificate));
    } catch (error) {
      this.#parts.log.error(`the server's certificate was not renewed: ${errorMessage(error)}`);
    }
  }

  async #drain(_admin: AdminServer): Promise<void> {
    const withinMs = this.#config.drainTimeout;
    this.#draining = true;
    this.#parts.log.info({ connections: this.#broker.connections.size, within: formatDuration(withinMs) }, 'draining');
    this.#listener!.close();
    this.#broker.drain(withinMs);
    const deadlineMs = performance.now() + withinMs;
    while (this.#broker.connections.size > 0 && performance.now() < deadlineMs) await systemClock.sleep(drainLookMs);
    for (const session of this.#broker.sessions.all) session.end('server-stopped');
  }

  #status(): ServerStatus {
    return {
      kind: 'TunnelServer',
      serverName: this.#parts.serverName,
      listen: this.#listener === undefined ? '' : text(this.#listener.address),
      certificateExpires: this.#certificate === undefined ? '' : new Date(this.#certificate.notAfterMs).toISOString(),
      sessions: sessionStatus(this.#broker),
      connections: connectionStatus(this.#broker),
      connectionsTotal: this.#broker.connections.size,
      audit: this.#parts.audit.head(),
    };
  }
}

function pems(certificate: ServerCertificate): { certPem: string; keyPem: string } {
  return { certPem: certificate.certPem, keyPem: certificate.keyPem.reveal() };
}

function text({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
