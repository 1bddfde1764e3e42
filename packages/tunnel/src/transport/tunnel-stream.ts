import type { Readable } from 'node:stream';
import type { Http2Stream } from '../http2/index.ts';
import {
  dataHeader,
  finFrame,
  FrameDecoder,
  framePayloadBytesMax,
  type FrameSink,
  openedFrame,
  type ResetCode,
  resetFrame,
} from '../wire/index.ts';

/** One event-loop turn's data is one `Frame`. */
const messages = { header: dataHeader, bytesMax: framePayloadBytesMax };

/**
 * One proxied connection as an agent or a client sees it: frames over the call they made.
 *
 * The sink may be exchanged (first for the opening, then for carrying). After `reset` or both fins nothing more
 * comes. Ending the call early would cut data (a gRPC call is over both ways once the server's trailers are sent), so half-close
 * and reset travel in band and the call ends after them.
 */
export class TunnelStream {
  #sink: FrameSink | undefined;
  #held: Array<(sink: FrameSink) => void> = [];
  readonly stream: Http2Stream;
  readonly #decoder: FrameDecoder;
  #sentFin = false;
  #receivedFin = false;
  #over = false;

  /** @param source where the data to send comes from; resumed by `onRelief` when `data` returned false */
  constructor(stream: Http2Stream, options: { source?: Readable | undefined; onRelief: () => void; sink: FrameSink }) {
    this.stream = stream;
    this.#sink = options.sink;
    stream.messages = messages;
    stream.source = options.source;
    stream.onRelief = options.onRelief;
    this.#decoder = new FrameDecoder({
      data: (slice) => this.#over || this.#tell((sink) => sink.data(slice)),
      opened: (address) => this.#over || this.#tell((sink) => sink.opened(address)),
      fin: () => this.#onFin(),
      reset: (code, message) => this.#lost(code, message),
    });
    stream.onData = (chunk) => this.#read(chunk);
    stream.once('end', () => this.#receivedFin || this.#lost('ABORTED', 'the call ended before the connection did'));
    stream.once('close', () => this.#lost('ABORTED', 'the session was lost'));
  }

  /** Who is told from here on; what came while nobody was is told first. */
  set sink(sink: FrameSink) {
    this.#sink = sink;
    const held = this.#held;
    this.#held = [];
    for (const tell of held) tell(sink);
  }

  /**
   * Between two sinks: pauses, and keeps what the chunk at hand still holds. A host that speaks first (SSH, SMTP) may have its
   * greeting in the same chunk as Opened.
   */
  detach(): void {
    this.#sink = undefined;
    this.pause();
  }

  #tell(event: (sink: FrameSink) => void): void {
    if (this.#sink === undefined) this.#held.push(event);
    else event(this.#sink);
  }

  opened(resolvedAddress: string): void {
    if (!this.#over) this.stream.write(openedFrame(resolvedAddress));
  }

  /** Sends data. False: pause the source until `onRelief`. */
  data(chunk: Buffer): boolean {
    return this.#over || this.stream.push(chunk);
  }

  /** Sends FIN after all data; the other direction goes on. */
  fin(): void {
    if (this.#over || this.#sentFin) return;
    this.#sentFin = true;
    this.stream.write(finFrame);
    this.#endIfDone();
  }

  /** Sends Reset behind what is queued and forgets the rest. Nothing reaches the sink any more. */
  reset(code: ResetCode, message: string): void {
    if (this.#over) return;
    this.#over = true;
    this.stream.end(resetFrame(code, message));
    this.#leave();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  #read(chunk: Buffer): void {
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      this.#lost('INTERNAL', error instanceof Error ? error.message : String(error));
      this.stream.close('PROTOCOL_ERROR');
    }
  }

  #onFin(): void {
    if (this.#over || this.#receivedFin) return;
    this.#receivedFin = true;
    this.#tell((sink) => sink.fin());
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#sentFin || !this.#receivedFin || this.#over) return;
    this.#over = true;
    this.stream.end();
    this.#leave();
  }

  /** The connection ended from the other side: by Reset, or because the call or the session is gone. */
  #lost(code: ResetCode, message: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#tell((sink) => sink.reset(code, message));
    this.stream.end();
    this.#leave();
  }

  /** What still comes is read and dropped, so that the call can close. No timer cuts it: what was sent may lie unread for long. */
  #leave(): void {
    this.stream.resume();
  }
}
