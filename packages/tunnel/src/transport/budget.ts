import type { Http2Session } from 'node:http2';

/** Something that holds bytes on their way: what it has queued, and what its paused source has already received. */
export interface Holder {
  heldBytes(): number;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** What a Node process of ours needs besides what it holds: 90 to 125 MiB at rest, and garbage that waits for the collector. */
const baseBytes = 150 * MiB;
/** Twice the bandwidth-delay product of 160 MiB/s at 50 ms: node:http2 credits a window when half of it is used. */
const windowBytesMax = 16 * MiB;
const windowBytesMin = 16 * KiB;
/** Queued bytes above which a source pauses: 1 MiB keeps batches large, more buys nothing (measured). */
const markBytesMax = MiB;
const markBytesMin = 32 * KiB;
/** A flow that holds less than this is not worth counting; 5,000 idle connections cost nothing here. */
export const loadedBytes = 64 * KiB;
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
  /** The per-stream receive window to advertise. */
  windowBytes = windowBytesMax;
  #heldBytes = 0;
  readonly #usableBytes: number;
  readonly #holders = new Set<Holder>();
  readonly #sessions = new Set<Http2Session>();
  #timer: NodeJS.Timeout | undefined;

  constructor(budgetBytes: number) {
    this.#usableBytes = Math.max(budgetBytes - baseBytes, budgetBytes / 4);
    this.#adapt();
  }

  /** Bytes held at the last look. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A holder with more than `loadedBytes`; looked at until it is released. */
  load(holder: Holder): void {
    this.#holders.add(holder);
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref();
  }

  release(holder: Holder): void {
    this.#holders.delete(holder);
  }

  /** Keeps a session's advertised window at `windowBytes` until it closes. */
  govern(session: Http2Session): void {
    this.#sessions.add(session);
    session.on('localSettings', () => this.#advertise(session));
    session.once('close', () => this.#sessions.delete(session));
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
   * A new stall may take half of what is left of the first half; when that is used up, the second half is shared out
   * among the stalled. So the sum stays below the budget however many stall one after the other.
   */
  #adapt(): void {
    const left = Math.max(0, this.#usableBytes / 2 - this.#heldBytes) / 2;
    const share = this.#usableBytes / 8 / Math.max(1, this.#holders.size);
    const window = powerBelow(Math.min(windowBytesMax, Math.max(windowBytesMin, left, Math.min(share, 256 * KiB))));
    this.markBytes = Math.min(markBytesMax, Math.max(markBytesMin, window / 2));
    // Growing waits until it is worth a SETTINGS frame; shrinking does not wait.
    if (window >= this.windowBytes && window < this.windowBytes * 4 && window !== windowBytesMax) return;
    if (window === this.windowBytes) return;
    this.windowBytes = window;
    for (const session of this.#sessions) this.#advertise(session);
  }

  #advertise(session: Http2Session): void {
    // One SETTINGS frame in flight: Node ends a session with too many unacknowledged ones.
    if (session.closed || session.destroyed || session.pendingSettingsAck) return;
    if (session.localSettings.initialWindowSize !== this.windowBytes)
      session.settings({ initialWindowSize: this.windowBytes });
  }
}

function powerBelow(bytes: number): number {
  return 2 ** Math.floor(Math.log2(bytes));
}
