import type { Holder, Receiver, StreamMemory } from '../http2/index.ts';
import { carriedBytes } from './young-garbage.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * The share of the budget that connections may hold. The rest is for what nobody asks for: the process itself (110 to 160 MiB after bulk),
 * the slack of what is held (a slice of a read keeps the whole read: a quarter more, measured), and garbage that is not yet collected.
 */
const usableShare = 1 / 5;
/** The largest window: what 160 MiB/s need at 100 ms. */
const windowBytesMax = 16 * MiB;
/** The least window and the least mark: what even the last of thousands needs in order to go on. */
const leastBytes = 16 * KiB;
/** What a connection begins with as long as it is no matter: enough for LAN pace at once. */
const plainBytes = 64 * KiB;
/** What a new connection may begin with at most; more is earned by taking as much. */
const firstWindowBytes = MiB;
/** For a near peer: 1 MiB keeps a loopback or a LAN busy in theory; 4 MiB carry 10 % more (measured, in turns). */
const lanWindowBytes = 4 * MiB;
/** A stream reaches a window in a round trip: credit comes at each quarter. */
const windowBytesPerRttMs = (1.25 * 160 * MiB) / 1000;
/** Queued bytes above which a source pauses, at most. A quarter of a LAN window keeps batches large. */
const markBytesMax = MiB;
/** Who has carried this much is taken at his word: the kernel's buffers at both ends take 10 MiB from a reader who reads nothing. */
const provenBytes = 16 * MiB;
/** A queue that holds less is not worth counting; 5,000 idle connections cost nothing here. */
const loadedBytes = 16 * KiB;
/** A promise of less is not worth counting. */
const promisedBytesLeast = 128 * KiB;
/** At 600 MiB/s, 12 MiB arrive between two looks. */
const lookMs = 20;
/** Looks without progress after which a reader counts as stalled, a promise as not being used. */
const patience = 5;

interface Watched {
  bytes: number;
  progress: number;
  looks: number;
}

/**
 * Bounds what the whole process buffers.
 *
 * HTTP/2 lets a peer send a full receive window before anybody can stop it; what was promised cannot be taken back, and a reader who will
 * stall looks like any other in the beginning. So a window grows only with what its stream has carried, while the few who hold much
 * leave room; with many stalled readers a new stream begins small, and one that has carried more than a stalled one ever
 * could has a good share of what is left.
 */
export class MemoryBudget implements StreamMemory {
  #heldBytes = 0;
  #promisedBytes = 0;
  #stalled = 0;
  readonly #usableBytes: number;
  /** Queues that have reached their mark; stalled until they show progress. */
  readonly #holders = new Map<Holder, Watched>();
  /** Large windows in use. */
  readonly #promises = new Map<Receiver, Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(budgetBytes: number) {
    this.#usableBytes = budgetBytes * usableShare;
  }

  /** Bytes held at the last look. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What a new connection may be sent now. */
  get firstWindowBytes(): number {
    return powerBelow(Math.min(firstWindowBytes, Math.max(leastBytes, this.#allowed(0, 0))));
  }

  markBytes(takenBytes: number): number {
    const allowed = Math.floor(this.#allowed(takenBytes, 0) / 4);
    return Math.min(markBytesMax, Math.max(leastBytes, allowed));
  }

  windowBytes(receiver: Receiver): number {
    const { receivedBytes, rttMs } = receiver;
    const promise = this.#promises.get(receiver);
    const distance = rttMs === Infinity ? 0 : powerAbove(rttMs * windowBytesPerRttMs);
    const wanted = Math.min(Math.max(lanWindowBytes, distance), Math.max(firstWindowBytes, receivedBytes));
    const allowed = this.#allowed(receivedBytes, promise?.bytes ?? 0);
    let window = powerBelow(Math.min(windowBytesMax, Math.max(leastBytes, Math.min(wanted, allowed))));
    // A moment in which more is held is no reason to take half of it back: withheld credit is a stall.
    if (window === receiver.windowBytes / 2) window = receiver.windowBytes;
    this.#promise(receiver, promise, window >= promisedBytesLeast ? window : 0);
    return window;
  }

  /** @param ownBytes promised to the one who asks already */
  #allowed(carriedBytes: number, ownBytes: number): number {
    const busyBytes = this.#heldBytes + this.#promisedBytes - ownBytes;
    const leftBytes = Math.max(0, this.#usableBytes - busyBytes);
    const early = busyBytes < this.#usableBytes / 5 ? leftBytes / 3 : 0; // above what one or two fast streams hold in passing
    const proven = carriedBytes >= provenBytes ? leftBytes / 8 : 0;
    // However many stall one after the other, a good part is left: the shares are those of the harmonic series.
    const fresh = leftBytes / (32 * (1 + this.#stalled));
    const plain = leftBytes > this.#usableBytes / 4 ? plainBytes : 0;
    return Math.max(early, proven, fresh, plain);
  }

  #promise(receiver: Receiver, promise: Watched | undefined, bytes: number): void {
    this.#promisedBytes += bytes - (promise?.bytes ?? 0);
    if (bytes === 0) this.#promises.delete(receiver);
    else if (promise !== undefined) promise.bytes = bytes;
    else {
      this.#promises.set(receiver, { bytes, progress: receiver.receivedBytes, looks: 0 });
      this.#watch();
    }
  }

  load(holder: Holder): void {
    if (this.#holders.has(holder)) return;
    this.#holders.set(holder, { bytes: 0, progress: holder.takenBytes, looks: patience });
    this.#watch();
    // A connection that stalls must not be followed by another with the same promise: many are opened within one look.
    this.#look();
  }

  release(holder: Holder): void {
    const held = this.#holders.get(holder);
    if (held === undefined) return;
    this.#holders.delete(holder);
    this.#heldBytes -= held.bytes;
    if (held.looks >= patience) this.#stalled--;
  }

  forget(receiver: Receiver): void {
    const promise = this.#promises.get(receiver);
    if (promise !== undefined) this.#promise(receiver, promise, 0);
  }

  sent(bytes: number): void {
    carriedBytes(bytes);
  }

  #watch(): void {
    this.#timer ??= setInterval(() => this.#look(true), lookMs).unref();
  }

  /** @param timed whether a look's time has passed, so that no progress means something */
  #look(timed = false): void {
    let held = 0;
    let stalled = 0;
    for (const [holder, watched] of this.#holders) {
      watched.bytes = holder.heldBytes();
      if (watched.bytes < loadedBytes) {
        this.#holders.delete(holder);
        continue;
      }
      noteProgress(watched, holder.takenBytes, timed);
      held += watched.bytes;
      if (watched.looks >= patience) stalled++;
    }
    this.#heldBytes = held;
    this.#stalled = stalled;
    if (timed) this.#lookAtPromises();
    if (this.#holders.size > 0 || this.#promises.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A large window that is not being used does not count; what comes of it, when it is used after all, is counted as held. */
  #lookAtPromises(): void {
    for (const [receiver, watched] of this.#promises) {
      noteProgress(watched, receiver.receivedBytes, true);
      if (watched.looks >= patience) this.#promise(receiver, watched, 0);
    }
  }
}

/** Counts the timed looks in which nothing moved. */
function noteProgress(watched: Watched, progress: number, timed: boolean): void {
  if (progress !== watched.progress) watched.looks = 0;
  else if (timed) watched.looks++;
  watched.progress = progress;
}

function powerAbove(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}

function powerBelow(bytes: number): number {
  return 2 ** Math.floor(Math.log2(bytes));
}
