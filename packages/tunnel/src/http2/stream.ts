import { EventEmitter } from 'node:events';
import { type ErrorName, flag, frameType, windowBytesMax } from './codes.ts';
import { frameHeader, rstStreamFrame, windowUpdateFrame } from './frames.ts';
import type { Headers } from './header-list.ts';
import type { HeaderField } from './hpack/index.ts';
import { type Holder, type Receiver, type StreamMemory, thrifty } from './memory.ts';
import { type Messages, SendQueue } from './send-queue.ts';

/** The session as its streams see it. */
export interface StreamHost {
  readonly memory: StreamMemory;
  readonly rttMs: number;
  /** Queues a frame that is not subject to flow control, in order. */
  control(frame: Buffer): void;
  headers(streamId: number, fields: Iterable<HeaderField>, endStream: boolean): Buffer;
  /** The stream has something to send. */
  ready(stream: Http2Stream, bytes: number): void;
  /** Writes what may go, now. */
  flush(): void;
  streamClosed(stream: Http2Stream): void;
}

/** A Buffer costs 100 bytes and more, also around a single one. */
const earlyPiecesMax = 32;

interface StreamEvents {
  /** At a client: the server's headers, and the trailers behind its data. */
  response: [Headers];
  trailers: [Headers];
  /** The peer has ended its half. */
  end: [];
  /** Over, both ways. */
  close: [];
}

/**
 * One call (RFC 9113 section 5): a queue towards the peer, and what comes from it, told to `onData` as it arrives.
 *
 * `pause` does not stop what is under way, it withholds credit: at most a window more arrives. The window is ours to size for each stream:
 * small until `carry`, and then as the process's memory allows.
 */
export class Http2Stream extends EventEmitter<StreamEvents> implements Holder, Receiver {
  readonly id: number;
  /** The request's at a server; the response's at a client, once it is there. */
  headers: Headers | undefined;
  headersSent = false;
  /** Sent behind the last data by `end`. */
  trailers: readonly HeaderField[] | undefined;
  closed = false;
  /** Why it was cut; undefined when both halves ended by themselves, or with the session. */
  error: ErrorName | undefined;
  /** A reader that was told to pause may go on. */
  onRelief: (() => void) | undefined;
  /** Where what is sent comes from; what it has received while paused counts as held. */
  source: { readonly readableLength: number } | undefined;
  receivedBytes = 0;
  takenBytes = 0;
  windowBytes: number;
  /** What the peer may take of us; changed by its WINDOW_UPDATE and SETTINGS. */
  sendWindow: number;
  readonly #host: StreamHost;
  readonly #queue = new SendQueue();
  /** What the peer may still send. */
  #receiveWindow: number;
  #onData: ((slice: Buffer) => void) | undefined;
  #early: Buffer[] = [];
  #paused = false;
  /** Read, but not yet credited: while paused, and below a quarter of the window. */
  #owed = 0;
  #carries = false;
  #remoteEnded = false;
  #ending = false;
  #localEnded = false;
  #full = false;

  constructor(id: number, host: StreamHost, windows: { send: number; receive: number }) {
    super();
    this.id = id;
    this.#host = host;
    this.sendWindow = windows.send;
    this.windowBytes = windows.receive;
    this.#receiveWindow = windows.receive;
  }

  get rttMs(): number {
    return this.#host.rttMs;
  }

  /** Whether more may be written. */
  get writable(): boolean {
    return !this.closed && !this.#ending;
  }

  get remoteEnded(): boolean {
    return this.#remoteEnded;
  }

  /** Bytes that wait to be sent. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  heldBytes(): number {
    return this.#queue.bytes + (this.source?.readableLength ?? 0);
  }

  // ---- receiving

  /** Who is told of data from here on; what came while nobody was is told first. */
  set onData(tell: (slice: Buffer) => void) {
    this.#onData = tell;
    const early = this.#early;
    this.#early = [];
    for (const slice of early) tell(slice);
    if (early.length > 0) this.#credit();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#credit();
  }

  /** This stream is one that carries: it is given a window worth the name, which then follows what it does and what memory allows. */
  carry(): void {
    this.#carries = true;
    this.#credit(0);
  }

  /** A frame of so many bytes is coming. False: more than was allowed. */
  takeWindow(bytes: number, toleratedBytes: number): boolean {
    this.#receiveWindow -= bytes;
    return this.#receiveWindow + toleratedBytes >= 0;
  }

  receive(slice: Buffer): void {
    this.receivedBytes += slice.length;
    this.#owed += slice.length;
    if (this.#onData === undefined) this.#keep(thrifty(slice));
    else {
      this.#onData(slice);
      this.#credit();
    }
  }

  /** At most a window, and not in more pieces than are worth their overhead. */
  #keep(slice: Buffer): void {
    this.#early.push(slice);
    if (this.#early.length >= earlyPiecesMax) this.#early = [thrifty(Buffer.concat(this.#early))];
  }

  receivePadding(bytes: number): void {
    this.#owed += bytes;
    this.#credit();
  }

  receiveEnd(): void {
    if (this.#remoteEnded || this.closed) return;
    this.#remoteEnded = true;
    this.emit('end');
    this.#closeIfDone();
  }

  /** Gives the peer what was read, and what the window may grow by; a window that is to shrink is given less. */
  #credit(leastBytes = this.windowBytes / 4): void {
    const read = this.#paused || this.#onData === undefined ? 0 : this.#owed;
    if (this.closed || this.#remoteEnded || read < leastBytes) return;
    let bytes = read;
    if (this.#carries) {
      const wanted = Math.min(this.#host.memory.windowBytes(this), windowBytesMax);
      const change = Math.max(wanted - this.windowBytes, -bytes);
      this.windowBytes += change;
      bytes += change;
    }
    this.#owed -= read;
    if (bytes <= 0) return;
    this.#receiveWindow += bytes;
    this.#host.control(windowUpdateFrame(this.id, bytes));
  }

  // ---- sending

  /** Data is gathered into messages, one a turn, from here on. */
  set messages(messages: Messages) {
    this.#queue.messages = messages;
  }

  /** Sends a server's headers. With `endStream` nothing follows. */
  respond(fields: Iterable<HeaderField>, endStream = false): void {
    if (this.closed || this.headersSent) return;
    this.headersSent = true;
    this.#host.control(this.#host.headers(this.id, fields, endStream));
    if (!endStream) return;
    this.#ending = true;
    this.#localEnded = true;
    this.#closeIfDone();
  }

  /** Queues data. False: the source must pause until `onRelief`. */
  push(chunk: Buffer): boolean {
    if (!this.writable) return true;
    this.#queue.push(chunk);
    this.#host.ready(this, chunk.length);
    if (!this.#full && this.#queue.bytes > this.#host.memory.markBytes(this.takenBytes)) {
      this.#full = true;
      this.#host.memory.load(this);
    }
    return !this.#full;
  }

  /** Queues bytes as they are, behind all data. */
  write(bytes: Buffer): void {
    if (!this.writable) return;
    this.#queue.seal();
    this.#queue.push(bytes, true);
    this.#host.ready(this, bytes.length);
  }

  /** Sends what may go at once, for the last words of a session that is about to be destroyed. */
  flush(): void {
    this.#host.flush();
  }

  /** Ends our half behind all that is queued. */
  end(last?: Buffer): void {
    if (last !== undefined) this.write(last);
    if (!this.writable) return;
    this.#ending = true;
    this.#host.ready(this, 0);
  }

  /** Cuts the call: what is queued is thrown away. */
  close(code: ErrorName): void {
    if (this.closed) return;
    this.#host.control(rstStreamFrame(this.id, code));
    this.finish(code);
  }

  /** Frames that may go now, at most `limit` bytes of data; returns how many. */
  takeFrames(into: Buffer[], limit: number, frameBytesMax: number): number {
    this.#queue.seal();
    const bytes = Math.max(0, Math.min(limit, this.sendWindow, this.#queue.bytes));
    for (let left = bytes; left > 0; left -= frameBytesMax) {
      const payload = Math.min(left, frameBytesMax);
      into.push(frameHeader(payload, frameType.data, 0, this.id));
      this.#queue.take(payload, into);
    }
    this.sendWindow -= bytes;
    this.takenBytes += bytes;
    if (this.#ending && !this.#localEnded && this.#queue.bytes === 0) this.#endHalf(into);
    if (this.#full && this.#queue.bytes <= this.#host.memory.markBytes(this.takenBytes) / 2) {
      this.#full = false;
      this.onRelief?.();
    }
    return bytes;
  }

  /** Whether `takeFrames` would give anything. */
  get sendable(): boolean {
    if (this.closed) return false;
    if (this.#queue.bytes > 0) return this.sendWindow > 0;
    return this.#ending && !this.#localEnded;
  }

  #endHalf(into: Buffer[]): void {
    this.#localEnded = true;
    if (this.trailers === undefined) into.push(frameHeader(0, frameType.data, flag.endStream, this.id));
    else into.push(this.#host.headers(this.id, this.trailers, true));
    this.#closeIfDone();
  }

  /** The peer may take more; or less, by its SETTINGS. */
  creditSend(bytes: number): void {
    this.sendWindow += bytes;
    if (this.sendable) this.#host.ready(this, 0);
  }

  // ---- ending

  #closeIfDone(): void {
    if (this.#remoteEnded && this.#localEnded) this.finish(undefined);
  }

  /** It is over: by a reset, by both ends, or with its session. */
  finish(error: ErrorName | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.error = error;
    this.#queue.clear();
    this.#early = [];
    this.#host.memory.release(this);
    this.#host.memory.forget(this);
    this.#host.streamClosed(this);
    // Not now: whoever ends it is often in the middle of something that listeners would disturb.
    process.nextTick(() => this.emit('close'));
  }
}
