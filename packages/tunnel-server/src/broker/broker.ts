import { randomUUID } from 'node:crypto';
import { hostPortText, parseHostPort } from '@postern/core';
import type { Http2Stream } from '@postern/tunnel/http2';
import { type CompiledPolicy, decide, type Grant } from '@postern/tunnel/policy';
import type { Sweeper } from '@postern/tunnel/transport';
import type { PeerMessage } from '@postern/tunnel/wire';
import { refuseCall } from '../server/grpc-server.ts';
import { type Choice, Connection, type ConnectionOutcome } from './connection.ts';
import type { PeerSession } from './session.ts';
import { Sessions } from './sessions.ts';

/** An agent whose parked calls are all taken parks new ones within a round trip. */
const parkWaitMs = 1000;

export interface BrokerDeps {
  readonly sweeper: Sweeper;
  readonly random: () => number;
  /** Asked at every open, so that a reloaded policy counts at once for new connections. */
  readonly policy: () => CompiledPolicy;
  readonly openTimeoutMs: () => number;
  readonly events: BrokerEvents;
}

/** What happens, for audit and metrics. */
export interface BrokerEvents {
  connectionOpen(connection: Connection, outcome: ConnectionOutcome): void;
  connectionRefuse(connection: Connection, outcome: ConnectionOutcome): void;
  connectionClose(connection: Connection, outcome: ConnectionOutcome): void;
  agentPause(session: PeerSession, reason: string): void;
  agentResume(session: PeerSession): void;
}

/** Joins the calls of clients with the parked calls of agents, as the policy allows. */
export class Broker {
  readonly sessions: Sessions;
  readonly connections = new Set<Connection>();
  readonly #deps: BrokerDeps;
  readonly #pausedAgents = new Set<string>();
  #waiting = new Set<() => void>();

  constructor(deps: BrokerDeps) {
    this.#deps = deps;
    this.sessions = new Sessions(deps.random);
  }

  /** Tunnel.Connect */
  connect(session: PeerSession, stream: Http2Stream, target: string): void {
    const parsed = parseHostPort(target);
    if ('reason' in parsed) return refuseCall(stream, 'INVALID_ARGUMENT', `postern-target ${parsed.reason}`);
    session.role ??= 'client';
    const { host, port } = parsed;
    const canonical = hostPortText(host, port);
    const grants = decide(this.#deps.policy(), { client: session.info.identity, host, port });
    const connection = new Connection(
      { id: randomUUID(), client: session, stream, target: canonical },
      this.#connectionDeps(grants),
    );
    this.connections.add(connection);
    if (grants.length === 0)
      connection.refuse('DENIED', `no rule allows ${session.info.identity} to reach ${canonical}`);
    else connection.begin();
  }

  #connectionDeps(grants: readonly Grant[]) {
    const { sweeper, openTimeoutMs, events } = this.#deps;
    const over = (connection: Connection): void => void this.connections.delete(connection);
    return {
      sweeper,
      openTimeoutMs,
      choose: (tried: ReadonlySet<PeerSession>) => this.#choose(grants, tried),
      onOpen: (connection: Connection, outcome: ConnectionOutcome) => events.connectionOpen(connection, outcome),
      onRefuse: (connection: Connection, outcome: ConnectionOutcome) => {
        over(connection);
        events.connectionRefuse(connection, outcome);
      },
      onClose: (connection: Connection, outcome: ConnectionOutcome) => {
        over(connection);
        events.connectionClose(connection, outcome);
      },
    };
  }

  async #choose(grants: readonly Grant[], tried: ReadonlySet<PeerSession>): Promise<Choice | undefined> {
    const identities = grants.flatMap((grant) => grant.agents);
    const deadlineMs = performance.now() + parkWaitMs;
    for (;;) {
      const taken = this.sessions.take(identities, tried);
      if (taken !== undefined)
        return { ...taken, rule: grants.find((grant) => grant.agents.includes(taken.session.info.identity))!.rule };
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 || !this.sessions.somebodyServes(identities)) return undefined;
      await this.#parkedSoon(leftMs);
    }
  }

  #parkedSoon(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  /** Tunnel.Accept: parks the call. */
  accept(session: PeerSession, stream: Http2Stream): void {
    if (session.role !== 'agent') return refuseCall(stream, 'PERMISSION_DENIED', 'call Register as an agent first');
    session.parked.add(stream);
    stream.once('close', () => session.parked.delete(stream));
    const waiting = this.#waiting;
    if (waiting.size === 0) return;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Tunnel.Register */
  register(session: PeerSession, stream: Http2Stream): void {
    session.register(stream, (message) => this.#onPeerMessage(session, message));
  }

  #onPeerMessage(session: PeerSession, message: PeerMessage): void {
    if (message.kind === 'hello') {
      session.role = message.role === 'agent' ? 'agent' : 'client';
      session.instance = message.instance.slice(0, 64);
      session.version = message.version.slice(0, 64);
      this.sessions.supersede(session);
      session.welcome();
      if (this.#pausedAgents.delete(`${session.info.identity} ${session.instance}`))
        this.#deps.events.agentResume(session);
    } else if (message.kind === 'drain') session.draining = true;
    else if (message.kind === 'pause') {
      // Bounded: one entry a process that paused, and pausing needs a session.
      if (this.#pausedAgents.size < 10_000) this.#pausedAgents.add(`${session.info.identity} ${session.instance}`);
      this.#deps.events.agentPause(session, message.reason.slice(0, 256));
      session.end('paused');
    }
  }

  /** Ends everything of an identity, now: it was revoked. */
  revoke(identity: string): void {
    // Ending deletes from this very set; a Set's iterator bears that.
    for (const session of this.sessions.of(identity)) session.end('revoked');
  }

  /** Tells every peer to go elsewhere. */
  drain(withinMs: number): void {
    for (const session of this.sessions.all) session.sendDrain(withinMs);
  }
}
