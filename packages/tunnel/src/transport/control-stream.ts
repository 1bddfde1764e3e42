import type { Http2Stream } from '../http2/index.ts';
import { grpcMessage, MessageReader } from '../wire/index.ts';

/** Pings go out this often from both sides. NAT tables and load balancers forget a silent connection after 60 to 350 s. */
export const pingIntervalMs = 20_000;
/** Three missed pings: the longest time for which a dead peer looks alive is then about 80 s; a busy event loop is not a dead one. */
const missedMax = 3;

/** Bytes queued towards a peer that does not read its control messages. It is then not a peer worth keeping. */
const queuedBytesMax = 64 * 1024;

export interface ControlStreamOptions<In> {
  readonly decode: (bytes: Buffer) => In;
  readonly onMessage: (message: In) => void;
  readonly ping: (id: number) => Buffer;
  /** The peer is silent, floods, or talks garbage: end the session. */
  readonly onDead: (reason: string) => void;
}

/** The Register call: small messages both ways, and the proof that the other event loop still turns. */
export class ControlStream<In> {
  readonly #stream: Http2Stream;
  readonly #options: ControlStreamOptions<In>;
  readonly #reader = new MessageReader();
  readonly #timer: NodeJS.Timeout;
  #outstanding = 0;
  #nextId = 1;

  constructor(stream: Http2Stream, options: ControlStreamOptions<In>) {
    this.#stream = stream;
    this.#options = options;
    stream.onData = (chunk) => this.#read(chunk);
    this.#timer = setInterval(() => this.#ping(), pingIntervalMs);
    this.#timer.unref();
    stream.once('close', () => clearInterval(this.#timer));
  }

  send(message: Buffer): void {
    if (!this.#stream.writable) return;
    this.#stream.write(grpcMessage(message));
    this.#stream.flush(); // Pause and Drain may be followed by the session's end
    if (this.#stream.queuedBytes > queuedBytesMax) this.#options.onDead('does not read its control messages');
  }

  /** To be called when a pong arrives. */
  alive(): void {
    this.#outstanding = 0;
  }

  #ping(): void {
    if (++this.#outstanding > missedMax) this.#options.onDead(`answered none of ${missedMax} pings`);
    else this.send(this.#options.ping(this.#nextId++));
  }

  #read(chunk: Buffer): void {
    try {
      for (const message of this.#reader.push(chunk)) this.#options.onMessage(this.#options.decode(message));
    } catch (error) {
      this.#options.onDead(error instanceof Error ? error.message : String(error));
    }
  }
}
