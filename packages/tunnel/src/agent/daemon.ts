import { hostname, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { ConfigError, errorMessage, formatDuration } from '@postern/core';
import { aborted, type Logger, readConfig, systemClock, watchFiles } from '@postern/daemon';
import { type AgentConfig, agentSchema } from '../config/index.ts';
import type { LinkSession } from '../link/index.ts';
import { createPeer, linkStatus, type Peer } from '../peer/daemon.ts';
import { connectionMetrics } from '../transport/metrics.ts';
import { Acceptor } from './acceptor.ts';
import { type AgentSwitch, readSwitch, writeSwitch } from './state-file.ts';

/** Where the switch of this agent is kept. */
export function switchFile(configFile: string, config: Pick<AgentConfig, 'stateFile'>): string {
  return resolve(dirname(configFile), config.stateFile ?? `${resolve(configFile)}.state`);
}

/** How long the Pause message may take to leave before the sessions are cut. */
const pauseGraceMs = 100;

/** Runs an agent until the signal is aborted, then drains. */
export async function runAgent(configFile: string, signal: AbortSignal, log: Logger): Promise<void> {
  await new Agent(configFile, readConfig(configFile, agentSchema), log).run(signal);
}

class Agent {
  #config: AgentConfig;
  #switch: AgentSwitch;
  readonly #file: string;
  readonly #stateFile: string;
  readonly #log: Logger;
  readonly #peer: Peer;
  readonly #acceptors = new Map<LinkSession, Acceptor>();
  readonly #metrics: ReturnType<typeof connectionMetrics>;
  /** The running link's; aborted by a pause and replaced by a resume. */
  #running = new AbortController();
  #linked: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(file: string, config: AgentConfig, log: Logger) {
    this.#file = file;
    this.#config = config;
    this.#log = log;
    this.#stateFile = switchFile(file, config);
    this.#switch = readSwitch(this.#stateFile);
    this.#peer = createPeer(file, config, 'agent', log, (session) => this.#onSession(session));
    this.#metrics = connectionMetrics(this.#peer.registry, () => this.#connections);
  }

  get #connections(): number {
    return [...this.#acceptors.values()].reduce((sum, acceptor) => sum + acceptor.connections, 0);
  }

  async run(signal: AbortSignal): Promise<void> {
    const admin = await this.#peer.startAdmin(() => this.#notReady(), {
      '/status': () => ({ contentType: 'application/json', body: `${JSON.stringify(this.#status())}\n` }),
      'POST /pause': () =>
        this.#order({ kind: 'paused', since: new Date().toISOString(), reason: 'paused at the admin endpoint' }),
      'POST /resume': () => this.#order({ kind: 'running' }),
      'POST /stop': () => {
        setImmediate(() => this.#stop.abort());
        return { body: 'stopping\n' };
      },
    });
    const over = AbortSignal.any([signal, this.#stop.signal]);
    watchFiles([this.#file], () => this.#reload(), over);
    watchFiles([this.#stateFile], () => this.#obey(), over);
    const where = { admin: `${admin.address.host}:${admin.address.port}`, identity: this.#peer.identity };
    this.#log.info({ ...where, allow: this.#config.allow.length }, 'listening');
    if (this.#switch.kind === 'paused') {
      const { since, reason } = this.#switch;
      this.#log.warn({ since, reason }, 'paused; `postern tunnel agent resume` ends the pause');
      this.#log.info({ ...where, paused: true }, 'ready'); // to obey: it serves nothing
    } else {
      this.#connect();
      void this.#peer.link.firstReady().then(() => this.#log.info(where, 'ready'));
    }
    await aborted(over);
    await this.#drain();
    this.#running.abort();
    await admin.close();
    this.#log.info('stopped');
  }

  #connect(): void {
    this.#running = new AbortController();
    const { signal } = this.#running;
    // After the one before has ended: a quick pause and resume must not leave two of them.
    this.#linked = this.#linked.then(() => this.#peer.link.run(signal));
  }

  #onSession(session: LinkSession): void {
    const acceptor = new Acceptor(session, {
      dialOptions: () => ({
        allow: this.#config.allow,
        resolver: this.#config.resolver ?? {},
        dialTimeoutMs: this.#config.dialTimeout,
      }),
      budget: this.#peer.budget,
      sweeper: this.#peer.sweeper,
      log: this.#log,
      onOutcome: (outcome, carried) => {
        this.#metrics.total.inc({ via: 'agent', outcome });
        if (carried === undefined) return;
        this.#metrics.bytes.inc({ direction: 'to_server' }, carried.bytesFromSocket);
        this.#metrics.bytes.inc({ direction: 'from_server' }, carried.bytesToSocket);
      },
    });
    // A newer session takes over: the older ones give back their parked calls and keep their connections.
    for (const older of this.#acceptors.values()) older.unpark();
    this.#acceptors.set(session, acceptor);
    void session.closed.then(() => this.#acceptors.delete(session));
    acceptor.fill();
  }

  #order(state: AgentSwitch) {
    writeSwitch(this.#stateFile, state);
    this.#obey();
    return { body: `${this.#switch.kind}\n` };
  }

  /** Does what the switch file says now. */
  #obey(): void {
    let next: AgentSwitch;
    try {
      next = readSwitch(this.#stateFile);
    } catch (error) {
      this.#log.error(errorMessage(error));
      return;
    }
    if (next.kind === this.#switch.kind) return;
    this.#switch = next;
    if (next.kind === 'paused') this.#pause(next.reason);
    else {
      this.#log.info('resumed');
      this.#connect();
    }
  }

  /** Every connection ends now, and the server is told why. */
  #pause(reason: string): void {
    this.#log.warn({ reason, connections: this.#connections }, 'paused');
    this.#running.abort();
    for (const acceptor of this.#acceptors.values()) {
      acceptor.unpark();
      acceptor.end('SESSION_ENDED', 'the customer paused the agent');
    }
    for (const session of this.#peer.link.sessions) session.pause(reason);
    setTimeout(() => this.#peer.link.destroy('paused'), pauseGraceMs);
  }

  #reload(): void {
    try {
      const next = readConfig(this.#file, agentSchema);
      const fixed = [
        'server',
        'serverName',
        'serverCA',
        'credentials',
        'admin',
        'memoryBudget',
        'idleTimeout',
        'halfClosedTimeout',
      ] as const;
      const changed = fixed.filter((key) => JSON.stringify(next[key]) !== JSON.stringify(this.#config[key]));
      this.#config = next;
      if (changed.length > 0)
        this.#log.warn({ keys: changed }, 'configuration reloaded, but these keys need a restart');
      else this.#log.info({ allow: next.allow.length }, 'configuration reloaded');
    } catch (error) {
      this.#log.error(
        { problems: error instanceof ConfigError ? error.diagnostics.length : 1 },
        `configuration not reloaded, the old one stays: ${errorMessage(error)}`,
      );
    }
  }

  async #drain(): Promise<void> {
    const withinMs = this.#config.drainTimeout;
    this.#log.info({ connections: this.#connections, within: formatDuration(withinMs) }, 'draining');
    for (const acceptor of this.#acceptors.values()) acceptor.unpark();
    const sessions = this.#peer.link.sessions;
    for (const session of sessions) session.drain(withinMs);
    const late = new AbortController();
    await Promise.race([
      Promise.all(sessions.map((session) => session.closed)),
      systemClock.sleep(withinMs, late.signal).catch(() => {}),
    ]);
    late.abort();
    for (const acceptor of this.#acceptors.values()) acceptor.end('SESSION_ENDED', 'the agent stopped');
    this.#peer.link.destroy('stopped');
  }

  #notReady(): string | undefined {
    if (this.#switch.kind === 'paused') return `paused: ${this.#switch.reason}`;
    const { state } = this.#peer.link;
    if (state.kind === 'ready') return undefined;
    return state.kind === 'offline' ? state.reason : 'stopping';
  }

  #status(): object {
    return {
      kind: 'TunnelAgent',
      identity: this.#peer.identity,
      switch: this.#switch,
      connections: this.#connections,
      link: linkStatus(this.#peer.link),
    };
  }
}

/** Who flips the switch, for the audit log. */
export function pauseReason(): string {
  let user = 'an unknown user';
  try {
    user = userInfo().username;
  } catch {
    // a container's uid without a passwd entry
  }
  return `paused by ${user} on ${hostname()}`;
}
