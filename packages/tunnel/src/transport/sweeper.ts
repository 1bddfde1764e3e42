/** Ends connections that have been silent too long. One timer for all: a timer a connection and chunk would cost more than the data. */

export interface Timeouts {
  /** Silence in both directions that ends a connection; undefined: none. */
  readonly idleMs: number | undefined;
  /** The same for a connection of which one direction has ended. */
  readonly halfClosedMs: number;
}

export interface Sweepable {
  readonly lastActivityMs: number;
  readonly halfClosed: boolean;
  /** Ends it, saying how long it was silent. */
  expire(silentMs: number): void;
}

/** The shortest timeout that may be configured is 1 s. */
const lookMs = 500;

export class Sweeper {
  readonly timeouts: Timeouts;
  readonly #connections = new Set<Sweepable>();
  #timer: NodeJS.Timeout | undefined;

  constructor(timeouts: Timeouts) {
    this.timeouts = timeouts;
  }

  add(connection: Sweepable): void {
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref();
  }

  delete(connection: Sweepable): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get size(): number {
    return this.#connections.size;
  }

  #look(): void {
    const nowMs = performance.now();
    const { idleMs = Infinity, halfClosedMs } = this.timeouts;
    for (const connection of this.#connections) {
      const silentMs = nowMs - connection.lastActivityMs;
      if (silentMs > (connection.halfClosed ? Math.min(idleMs, halfClosedMs) : idleMs)) connection.expire(silentMs);
    }
  }
}
