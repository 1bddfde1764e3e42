import type { Http2Stream } from '@postern/tunnel/http2';
import type { PeerSession } from './session.ts';

/** All sessions, and the choice of an agent among them. */
export class Sessions {
  readonly #all = new Set<PeerSession>();
  readonly #byIdentity = new Map<string, Set<PeerSession>>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  get all(): ReadonlySet<PeerSession> {
    return this.#all;
  }

  of(identity: string): ReadonlySet<PeerSession> {
    return this.#byIdentity.get(identity) ?? new Set();
  }

  add(session: PeerSession): void {
    this.#all.add(session);
    const { identity } = session.info;
    let same = this.#byIdentity.get(identity);
    if (same === undefined) this.#byIdentity.set(identity, (same = new Set()));
    same.add(session);
  }

  delete(session: PeerSession): void {
    this.#all.delete(session);
    const same = this.#byIdentity.get(session.info.identity);
    same?.delete(session);
    if (same?.size === 0) this.#byIdentity.delete(session.info.identity);
  }

  /** A process said Hello again on a new session: its older ones take no new connections. */
  supersede(newer: PeerSession): void {
    for (const older of this.of(newer.info.identity)) {
      if (older !== newer && older.instance === newer.instance && older.instance !== '') older.draining = true;
    }
  }

  /**
   * A parked call of an agent chosen at random among the ready sessions of these identities; undefined when none is ready.
   * @param tried sessions that could not begin to dial
   */
  take(
    identities: Iterable<string>,
    tried: ReadonlySet<PeerSession>,
  ): { session: PeerSession; stream: Http2Stream } | undefined {
    const ready = [...new Set(identities)]
      .flatMap((identity) => [...this.of(identity)])
      .filter((session) => session.ready && !tried.has(session));
    const session = ready[Math.floor(this.#random() * ready.length)];
    if (session === undefined) return undefined;
    const [stream] = session.parked;
    session.parked.delete(stream!);
    return { session, stream: stream! };
  }

  /** Whether an agent of these identities is there at all, though it may have no call parked at this moment. */
  somebodyServes(identities: Iterable<string>): boolean {
    return [...new Set(identities)].some((identity) =>
      [...this.of(identity)].some((session) => session.role === 'agent' && !session.draining),
    );
  }
}
