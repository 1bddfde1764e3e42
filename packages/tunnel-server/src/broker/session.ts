import type { Http2Session, Http2Stream } from '@postern/tunnel/http2';
import { ControlStream } from '@postern/tunnel/transport';
import { decodePeerMessage, encodeServerMessage, type PeerMessage } from '@postern/tunnel/wire';
import { beginResponse } from '../server/grpc-server.ts';

/** setTimeout's own limit; longer waits are made of several. */
const timerMsMax = 2 ** 31 - 1;

/** How many Accept calls an agent keeps parked: a burst of that many connections needs no round trip (10 KiB each). */
export const parkedAccepts = 128;

/** Why a session ended, for the audit log. */
export type SessionEnd =
  | 'closed'
  | 'expired'
  | 'revoked'
  | 'paused'
  | 'drained'
  | 'dead'
  | 'server-stopped'
  | 'refused';

export interface SessionInfo {
  readonly id: string;
  readonly identity: string;
  /** ip:port of the peer. */
  readonly peer: string;
  readonly serial: string;
  readonly lineage: string;
  readonly sinceMs: number;
}

/** Anything that ends with its session. */
export interface Endable {
  sessionEnded(session: PeerSession, reason: SessionEnd): void;
}

/**
 * One authorised session. Its identity comes from the verified leaf of its TLS connection and from nowhere else.
 *
 * It is authorised until the end of the newest certificate issued over it; then it ends, and all it carries with it.
 */
export class PeerSession {
  readonly info: SessionInfo;
  readonly http2: Http2Session;
  /** Set by Hello; before it the peer is just a caller. */
  role: 'agent' | 'client' | undefined;
  instance = '';
  version = '';
  /** No new connections: a newer session of the same process is there, or the peer said so. */
  draining = false;
  authorisedUntilMs: number;
  readonly parked = new Set<Http2Stream>();
  readonly connections = new Set<Endable>();
  #control: ControlStream<PeerMessage> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: SessionEnd | undefined;
  readonly #onEnd: (session: PeerSession, reason: SessionEnd) => void;
  readonly #now: () => number;

  constructor(
    http2: Http2Session,
    info: SessionInfo,
    authorisedUntilMs: number,
    deps: { now: () => number; onEnd: (session: PeerSession, reason: SessionEnd) => void },
  ) {
    this.http2 = http2;
    this.info = info;
    this.authorisedUntilMs = authorisedUntilMs;
    this.#now = deps.now;
    this.#onEnd = deps.onEnd;
    http2.once('close', () => this.end(this.draining ? 'drained' : 'closed'));
    this.#arm();
  }

  get ready(): boolean {
    return this.role === 'agent' && !this.draining && this.#ended === undefined && this.parked.size > 0;
  }

  /** A certificate was issued over this session. */
  extend(untilMs: number): void {
    this.authorisedUntilMs = Math.max(this.authorisedUntilMs, untilMs);
    this.#arm();
  }

  /** The Register call. */
  register(stream: Http2Stream, onMessage: (message: PeerMessage) => void): void {
    beginResponse(stream);
    this.#control = new ControlStream<PeerMessage>(stream, {
      decode: decodePeerMessage,
      ping: (id) => encodeServerMessage({ kind: 'ping', id }),
      onDead: () => this.end('dead'),
      onMessage: (message) => {
        if (message.kind === 'ping') this.#control!.send(encodeServerMessage({ kind: 'pong', id: message.id }));
        else if (message.kind === 'pong') this.#control!.alive();
        else onMessage(message);
      },
    });
    stream.once('end', () => stream.end());
  }

  welcome(): void {
    this.#control?.send(encodeServerMessage({ kind: 'welcome', session: this.info.id, parkedAccepts }));
  }

  /** Asks the peer to go elsewhere and to finish within the time. */
  sendDrain(withinMs: number): void {
    this.#control?.send(encodeServerMessage({ kind: 'drain', withinMs }));
  }

  /** Ends the session and everything on it, now. */
  end(reason: SessionEnd): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    clearTimeout(this.#timer);
    this.#onEnd(this, reason);
    for (const connection of this.connections) connection.sessionEnded(this, reason);
    this.connections.clear();
    this.parked.clear();
    if (!this.http2.destroyed) this.http2.destroy();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const leftMs = this.authorisedUntilMs - this.#now();
    this.#timer = setTimeout(
      () => (this.authorisedUntilMs <= this.#now() ? this.end('expired') : this.#arm()),
      Math.min(Math.max(0, leftMs), timerMsMax),
    );
    this.#timer.unref();
  }
}
