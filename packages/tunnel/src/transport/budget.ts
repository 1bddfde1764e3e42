import type { Http2Session } from 'node:http2';

/** Something that holds bytes on their way: what it has queued, and what its paused source has already received. */
export interface Holder {
  heldBytes(): number;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * The share of the budget that connections may hold. The rest is for what nobody asks for: the process itself (110 to 160 MiB after bulk),
 * the slack of what is held (a slice of a read keeps the whole read: a quarter more, measured), and garbage that is not yet collected.
 */
const usableShare = 1 / 5;
/** The largest window: what 160 MiB/s need at 50 ms. */
const windowBytesMax = 16 * MiB;
const windowBytesMin = 16 * KiB;
/** For a near peer: 1 MiB keeps a loopback or a LAN busy in theory; 4 MiB carry 15 % more for 8 % less CPU (measured, in turns). */
const lanWindowBytes = 4 * MiB;
/** What a new connection may be sent when many are stalled already: a fast one among 200 reaches 0.3 to 0.4 of its pace (measured). */
const crowdWindowBytes = 128 * KiB;
/** node:http2 credits a window when half of it is used, so it must be twice the bandwidth-delay product. */
const windowBytesPerRttMs = (2 * 160 * MiB) / 1000;
/** Routes change; a ping costs 17 bytes. The least round trip counts: a busy event loop is not distance. */
const rttLookMs = 10_000;
/** A session's first looks come quickly: a start is busy, and one late answer would look like distance for ten seconds. */
const firstLooks = 20;
const firstLookMs = 200;
/** Queued bytes above which a source pauses: a quarter of a LAN window keeps batches large. */
const markBytesMax = MiB;
const markBytesMin = 16 * KiB;
/** A flow that holds less than this is not worth counting; 5,000 idle connections cost nothing here. */
const loadedBytes = 16 * KiB;
/** At 600 MiB/s, 12 MiB arrive between two looks. */
const lookMs = 20;

/**
 * Bounds what the whole process buffers.
 *
 * HTTP/2 lets a peer send a full receive window before anybody can stop it, and node:http2 has one window size for all streams
 * of a session. So the window is a promise to be made with care: large while little is held (one fast stream over a WAN),
 * smaller the more stalled streams hold already. SETTINGS_INITIAL_WINDOW_SIZE changes the windows of running streams too
 * (RFC 9113 section 6.9.2), so a shrinking promise also stops those that have not used it up.
 */
export class MemoryBudget {
  /** Bytes queued towards a slow reader above which its source must pause. */
  markBytes = markBytesMax;
  /** The per-stream receive window that may be advertised; a near peer is given less (`govern`). */
  windowBytes = windowBytesMax;
  #heldBytes = 0;
  readonly #usableBytes: number;
  readonly #holders = new Set<Holder>();
  readonly #sessions = new Map<Http2Session, { rttMs: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(budgetBytes: number) {
    this.#usableBytes = budgetBytes * usableShare;
    this.#adapt();
  }

  /** Bytes held at the last look. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A holder that has reached its mark; looked at until it holds next to nothing. */
  load(holder: Holder): void {
    if (this.#holders.has(holder)) return;
    this.#holders.add(holder);
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref();
    // A connection that stalls must not be followed by another with the same promise: many are opened within one look.
    this.#look();
  }

  release(holder: Holder): void {
    this.#holders.delete(holder);
  }

  /** Keeps a session's advertised window at what its distance needs and the budget allows, until it closes. */
  govern(session: Http2Session): void {
    const path = { rttMs: Infinity };
    this.#sessions.set(session, path);
    let looks = 0;
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      if (session.closed || session.destroyed) return;
      session.ping((error: Error | null, durationMs: number) => {
        if (error !== null) return;
        path.rttMs = Math.min(path.rttMs, durationMs);
        // One answer is not yet a distance.
        if (looks >= 3) this.#advertise(session);
        timer = setTimeout(look, ++looks < firstLooks ? firstLookMs : rttLookMs).unref();
      });
    };
    look();
    session.on('localSettings', () => this.#advertise(session));
    session.once('close', () => {
      clearTimeout(timer);
      this.#sessions.delete(session);
    });
  }

  #look(): void {
    let held = 0;
    for (const holder of this.#holders) {
      const bytes = holder.heldBytes();
      if (bytes < loadedBytes) this.#holders.delete(holder);
      else held += bytes;
    }
    this.#heldBytes = held;
    this.#adapt();
    if (this.#holders.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /**
   * A stalled connection holds a window and a mark, of the size that was advertised when it stalled; shrinking takes nothing back. So: while
   * little is held, a window may be a third of what is left, enough for a fast stream over a WAN; then each takes a modest
   * share, and less and less when little is left. The sum stays below the budget however many stall one after the other.
   */
  #adapt(): void {
    const left = Math.max(0, this.#usableBytes - this.#heldBytes);
    const early = this.#heldBytes < this.#usableBytes / 5 ? left / 3 : 0; // above what one fast stream holds in passing
    const crowd = Math.min(crowdWindowBytes, left / 128);
    const window = powerBelow(Math.min(windowBytesMax, Math.max(windowBytesMin, early, crowd)));
    this.markBytes = Math.min(markBytesMax, Math.max(markBytesMin, window / 4));
    // Growing waits until it is worth a SETTINGS frame; shrinking does not wait.
    if (window >= this.windowBytes && window < this.windowBytes * 4 && window !== windowBytesMax) return;
    if (window === this.windowBytes) return;
    this.windowBytes = window;
    for (const session of this.#sessions.keys()) this.#advertise(session);
  }

  #advertise(session: Http2Session): void {
    // One SETTINGS frame in flight: Node ends a session with too many unacknowledged ones.
    if (session.closed || session.destroyed || session.pendingSettingsAck) return;
    const { rttMs } = this.#sessions.get(session) ?? { rttMs: Infinity };
    const wanted =
      rttMs === Infinity ? lanWindowBytes : Math.max(lanWindowBytes, powerAbove(rttMs * windowBytesPerRttMs));
    const initialWindowSize = Math.min(wanted, this.windowBytes);
    if (session.localSettings.initialWindowSize !== initialWindowSize) session.settings({ initialWindowSize });
  }
}

/** What a session starts with, before its distance is known. */
export function firstWindowBytes(budget: MemoryBudget): number {
  return Math.min(lanWindowBytes, budget.windowBytes);
}

function powerAbove(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}

function powerBelow(bytes: number): number {
  return 2 ** Math.floor(Math.log2(bytes));
}
