import type { Http2Stream } from '@postern/tunnel/http2';
import { FrameDecoder, type FrameSink, type ResetCode, resetFrame } from '@postern/tunnel/wire';

/** Opened is an address; with data before it refused, nothing else can come early. */
const earlyBytesMax = 8 * 1024;

export interface LegEvents {
  /** Payload was read. */
  data(): unknown;
  opened(address: string): void;
  fin(): void;
  reset(code: ResetCode, message: string): void;
  /** The peer's call or session ended, or talked garbage. */
  lost(code: ResetCode, message: string): void;
  /** Whether what was just read belongs to the other leg: true once the connection is open. */
  forwards(): boolean;
  activity(): void;
}

/**
 * One side of a connection at the broker: reads a peer's frames as they pass and hands the very bytes to the other leg.
 * The decoder only looks (it counts, and sees Opened, Fin and Reset); nothing is assembled or copied.
 */
export class Leg implements FrameSink {
  readonly stream: Http2Stream;
  readonly #events: LegEvents;
  readonly #decoder = new FrameDecoder(this);
  #other: Leg | undefined;
  #over = false;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  bytes = 0;

  constructor(stream: Http2Stream, events: LegEvents) {
    this.stream = stream;
    this.#events = events;
    stream.once('end', () => this.#lost('ended its call before the connection did'));
    stream.once('close', () => this.#lost('is gone'));
  }

  /** Joins two legs; each then writes into the other. */
  static join(a: Leg, b: Leg): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.#other = to;
      to.stream.onRelief = () => from.stream.resume();
      from.stream.carry();
    }
  }

  /** Begins to read. */
  start(): void {
    this.stream.onData = (chunk) => this.#read(chunk);
  }

  #read(chunk: Buffer): void {
    if (this.#over) return;
    this.#events.activity();
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      this.#over = true;
      this.#events.lost(
        'INTERNAL',
        `a peer broke the protocol: ${error instanceof Error ? error.message : String(error)}`,
      );
      this.stream.close('PROTOCOL_ERROR');
      return;
    }
    if (this.#over) return;
    if (this.#other === undefined || !this.#events.forwards()) this.#keep(chunk);
    else this.#forward(chunk);
  }

  /** Opened may come in pieces: what was read of it before it was whole belongs to the other leg too. */
  #keep(chunk: Buffer): void {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes <= earlyBytesMax) return;
    this.#over = true;
    this.#events.lost('INTERNAL', 'a peer sent too much before Opened');
    this.stream.close('ENHANCE_YOUR_CALM');
  }

  #forward(chunk: Buffer): void {
    const { stream } = this.#other!;
    for (const part of this.#early) stream.push(part);
    this.#early = [];
    if (!stream.push(chunk)) this.stream.pause();
  }

  data(slice: Buffer): void {
    this.bytes += slice.length;
    this.#events.data();
  }

  opened(address: string): void {
    this.#events.opened(address);
  }

  fin(): void {
    this.#events.fin();
  }

  reset(code: ResetCode, message: string): void {
    this.#events.reset(code, message);
  }

  #lost(how: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.lost('ABORTED', `the peer ${how}`);
  }

  /** Ends the call with status OK after everything forwarded so far. */
  end(): void {
    this.#over = true;
    this.stream.end();
    this.#linger();
  }

  /**
   * Ends the call at once. The peer is told why by a Reset where it can read one: between two messages and with nothing queued. Else
   * RST_STREAM, which also throws away what is queued: after a revocation not a byte more may pass.
   */
  endWithReset(code: ResetCode, message: string): void {
    this.#over = true;
    const clear = this.stream.queuedBytes === 0 && (this.#other === undefined || this.#other.#decoder.atBoundary);
    if (!clear || !this.stream.headersSent) return this.stream.close('CANCEL');
    this.stream.end(resetFrame(code, message));
    this.#linger();
  }

  /**
   * What the peer still sends is read and dropped, so that its writes finish and it can end its half. No timer cuts the call: what was
   * sent may lie unread at a slow reader for hours, and RST_STREAM would take it away. The session's end bounds what is left.
   */
  #linger(): void {
    this.stream.resume();
  }
}
