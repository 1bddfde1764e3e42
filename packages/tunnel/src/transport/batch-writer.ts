import type { Socket } from 'node:net';
import { flushSoon, type Holder, type StreamMemory, thrifty, writeTurn } from '../http2/index.ts';

/**
 * Gathers the chunks of one event-loop turn and writes them to a TCP socket as one corked vector.
 *
 * Backpressure is counted here (`writableLength` and the write's callback) and not by the socket's own high-water mark, whose
 * `drain` comes only when everything is gone and leaves the pipe idle.
 */
export class BatchWriter implements Holder {
  takenBytes = 0;
  readonly #socket: Socket;
  readonly #memory: StreamMemory;
  readonly #onRelief: () => void;
  #chunks: Buffer[] = [];
  #pendingBytes = 0;
  #scheduled = false;
  #full = false;
  #ending: (() => void) | undefined;

  /** @param onRelief called when a full writer has drained to half of its mark */
  constructor(socket: Socket, memory: StreamMemory, onRelief: () => void) {
    this.#socket = socket;
    this.#memory = memory;
    this.#onRelief = onRelief;
  }

  heldBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength;
  }

  /** Queues a chunk. False: the source must pause until `onRelief`. */
  push(chunk: Buffer): boolean {
    this.#chunks.push(this.#full ? thrifty(chunk) : chunk);
    this.#pendingBytes += chunk.length;
    this.#schedule();
    if (!this.#full && this.heldBytes() > this.#memory.markBytes(this.takenBytes)) {
      this.#full = true;
      this.#memory.load(this);
    }
    return !this.#full;
  }

  /** Runs `then` when everything queued so far has been handed to the socket. The close path must wait for the deferred flush. */
  flushed(then: () => void): void {
    if (this.#pendingBytes === 0 && !this.#scheduled) then();
    else this.#ending = then;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    flushSoon(this.#pendingBytes, this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const chunks = this.#chunks;
    const bytes = this.#pendingBytes;
    this.#chunks = [];
    this.#pendingBytes = 0;
    if (bytes > 0 && !this.#socket.destroyed && !this.#socket.writableEnded) {
      writeTurn(this.#socket, chunks, bytes, (error) => {
        if (!error) this.#written(bytes); // else the socket's own error event says it
      });
      this.#memory.sent(bytes);
    }
    const then = this.#ending;
    this.#ending = undefined;
    then?.();
  };

  #written(bytes: number): void {
    this.takenBytes += bytes;
    if (!this.#full || this.heldBytes() > this.#memory.markBytes(this.takenBytes) / 2) return;
    this.#full = false;
    this.#onRelief();
  }

  /** Forgets what is queued, when the connection is over. */
  discard(): void {
    this.#chunks = [];
    this.#pendingBytes = 0;
    this.#memory.release(this);
  }
}
