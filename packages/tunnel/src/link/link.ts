import { backoffMs, type Clock, errorMessage, formatDuration, PosternError } from '@postern/core';
import type { Logger } from '@postern/daemon';
import { dialServer, type MemoryBudget, type ServerAddress } from '../transport/index.ts';
import { type IdentitySource, issueCertificate, type IssuedCertificate, renewCertificate } from './certificate.ts';
import { type Hello, LinkSession } from './session.ts';

/** The first retry comes soon, because most outages are restarts; 15 s keeps hundreds of peers bearable for a server that comes back. */
const reconnect = { minMs: 200, maxMs: 15_000 };
/** A certificate that is nearly over is not worth a session. */
const usableShare = 0.1;
/** "at two thirds of the lifetime" */
const renewShare = 2 / 3;
/** A clock this far off breaks proofs soon; worth a warning while it still works. */
const skewWarnMs = 30_000;

/**
 * - `offline`: not connected; `reason` says why, and a retry is scheduled
 * - `ready`: `session` takes new connections
 * - `stopped`: ended by its owner
 */
export type LinkState =
  | { readonly kind: 'offline'; readonly reason: string }
  | { readonly kind: 'ready'; readonly session: LinkSession }
  | { readonly kind: 'stopped' };

export interface LinkOptions {
  readonly server: ServerAddress;
  readonly source: IdentitySource;
  readonly hello: Hello;
  readonly budget: MemoryBudget;
}

export interface LinkDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** A session is welcome: an agent parks its Accept calls now. */
  readonly onSession: (session: LinkSession) => void;
}

/** Keeps one peer connected: proves its identity, holds a session, renews it without dropping a connection, comes back after a loss. */
export class Link {
  state: LinkState = { kind: 'offline', reason: 'not connected yet' };
  readonly #options: LinkOptions;
  readonly #deps: LinkDeps;
  readonly #sessions = new Set<LinkSession>();
  #certificate: IssuedCertificate | undefined;
  #waiters: Array<() => void> = [];

  constructor(options: LinkOptions, deps: LinkDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get sessions(): readonly LinkSession[] {
    return [...this.#sessions];
  }

  get certificate(): IssuedCertificate | undefined {
    return this.#certificate;
  }

  /** Connects, and reconnects until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const session = await this.#open(signal);
        attempt = 0;
        this.#deps.log.info({ session: session.id, server: this.#serverText }, 'connected');
        const reason = await this.#live(session, signal);
        if (signal.aborted) break;
        this.#deps.log.warn({ reason }, 'disconnected');
        this.#setState({ kind: 'offline', reason });
      } catch (error) {
        if (signal.aborted) break;
        this.#failed(error);
      }
      const waitMs = backoffMs(attempt, reconnect, this.#deps.random());
      await this.#deps.clock.sleep(waitMs, signal).catch(() => {});
    }
    this.#setState({ kind: 'stopped' });
  }

  /** Resolves when the first session is ready; never, when none ever is. */
  async firstReady(): Promise<void> {
    while (this.state.kind !== 'ready') await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Waits until a session is ready, at most `ms`. */
  async whenReady(ms: number): Promise<LinkSession | undefined> {
    const deadlineMs = performance.now() + ms;
    while (this.state.kind === 'offline') {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return undefined;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.state.kind === 'ready' ? this.state.session : undefined;
  }

  /** Ends every session and what they carry, now. */
  destroy(reason: string): void {
    for (const session of this.#sessions) session.destroy(reason);
  }

  get #serverText(): string {
    return `${this.#options.server.host}:${this.#options.server.port}`;
  }

  async #open(signal: AbortSignal): Promise<LinkSession> {
    this.#certificate = this.#usable() ?? (await this.#issue(signal));
    return this.#connect(this.#certificate, signal);
  }

  #usable(): IssuedCertificate | undefined {
    const certificate = this.#certificate;
    if (certificate === undefined) return undefined;
    const leftMs = certificate.issuedAtMs + certificate.lifetimeMs - this.#deps.clock.now();
    return leftMs > certificate.lifetimeMs * usableShare ? certificate : undefined;
  }

  async #issue(signal: AbortSignal): Promise<IssuedCertificate> {
    const { source, server, budget } = this.#options;
    const certificate = await issueCertificate(source, server, budget, this.#deps.clock, signal);
    this.#deps.log.info(
      { identity: source.email, lifetime: formatDuration(certificate.lifetimeMs) },
      'certificate issued',
    );
    if (Math.abs(certificate.clockSkewMs) > skewWarnMs) {
      this.#deps.log.warn(
        { offMs: certificate.clockSkewMs },
        'the clock of this machine differs from the server: set it (NTP)',
      );
    }
    return certificate;
  }

  /** A session with this certificate, registered and announced. */
  async #connect(certificate: IssuedCertificate, signal: AbortSignal): Promise<LinkSession> {
    let session: LinkSession | undefined;
    try {
      const http2 = await dialServer(this.#options.server, this.#options.budget, certificate, signal);
      session = new LinkSession(http2, certificate);
      await this.#register(session);
    } catch (error) {
      session?.destroy('registration failed');
      // A server that answers and does not take this certificate (revoked, another CA) is asked for a new one; one that is
      // merely away is not: hundreds of peers that all want certificates are no help to a server that comes back.
      if (!(error instanceof PosternError && error.code === 'UNREACHABLE')) this.#certificate = undefined;
      throw error;
    }
    this.#setState({ kind: 'ready', session });
    this.#deps.onSession(session);
    return session;
  }

  async #register(session: LinkSession): Promise<void> {
    this.#sessions.add(session);
    void session.closed.then(() => this.#sessions.delete(session));
    await session.register(this.#options.hello, () => this.#onDrain(session));
  }

  /** The server asked this session to go elsewhere: no new connections, the running ones may end. */
  #onDrain(session: LinkSession): void {
    this.#deps.log.info({ session: session.id }, 'the server drains');
    session.drain(0);
    this.#drained?.();
  }
  #drained: (() => void) | undefined;

  /** Until the current session is lost or drained; renews meanwhile. Returns why it ended. */
  async #live(first: LinkSession, signal: AbortSignal): Promise<string> {
    let session = first;
    for (;;) {
      const over = new AbortController();
      const onAbort = (): void => over.abort();
      signal.addEventListener('abort', onAbort);
      const drained = new Promise<string>((resolve) => (this.#drained = () => resolve('the server drains')));
      const stopped = new Promise<string>((resolve) => over.signal.addEventListener('abort', () => resolve('stopped')));
      const renewed = this.#renewInTime(session, over.signal);
      const outcome = await Promise.race([session.closed, drained, stopped, renewed]);
      over.abort();
      signal.removeEventListener('abort', onAbort);
      if (typeof outcome === 'string') return outcome;
      session.drain(0);
      session = outcome;
    }
  }

  /** At two thirds of the lifetime: a new certificate over every session that lives, and a new session with it. */
  async #renewInTime(session: LinkSession, signal: AbortSignal): Promise<LinkSession> {
    const { clock, log, random } = this.#deps;
    const { issuedAtMs, lifetimeMs } = session.certificate;
    // Jitter of a tenth, earlier: replicas started together do not renew together.
    const dueMs = issuedAtMs + lifetimeMs * renewShare * (1 - random() / 10);
    const never = new Promise<never>(() => {});
    await clock.sleep(Math.max(0, dueMs - clock.now()), signal).catch(() => never);
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#renew(session, signal);
      } catch (error) {
        if (signal.aborted) return never;
        log.warn({ reason: errorMessage(error) }, 'certificate not renewed; trying again');
        const waitMs = Math.min(backoffMs(attempt, reconnect, random()), lifetimeMs / 12);
        await clock.sleep(waitMs, signal).catch(() => never);
      }
    }
  }

  async #renew(current: LinkSession, signal: AbortSignal): Promise<LinkSession> {
    const key = await this.#options.source.newKey();
    // Each session is authorised only by what was issued over itself, so the draining ones ask too. Newest first: it gives the certificate.
    const others = this.sessions.filter((session) => session !== current && session.state !== 'closed');
    this.#certificate = await renewCertificate(current.http2, key, this.#deps.clock);
    await Promise.all(
      others.map((session) =>
        renewCertificate(session.http2, key, this.#deps.clock).catch((error: unknown) =>
          this.#deps.log.warn(
            { session: session.id, reason: errorMessage(error) },
            'a draining session was not renewed',
          ),
        ),
      ),
    );
    this.#deps.log.info(
      { identity: this.#options.source.email, lifetime: formatDuration(this.#certificate.lifetimeMs) },
      'certificate renewed',
    );
    return this.#connect(this.#certificate, signal);
  }

  #failed(error: unknown): void {
    const reason =
      error instanceof PosternError && error.hint !== undefined
        ? `${error.message} (${error.hint})`
        : errorMessage(error);
    // The same reason again is not news.
    const repeated = this.state.kind === 'offline' && this.state.reason === reason;
    this.#deps.log[repeated ? 'debug' : 'error'](
      { server: this.#serverText, code: error instanceof PosternError ? error.code : undefined },
      `cannot connect: ${reason}`,
    );
    this.#setState({ kind: 'offline', reason });
  }

  #setState(state: LinkState): void {
    this.state = state;
    if (state.kind === 'offline') return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
