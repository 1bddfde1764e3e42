import type { Socket } from 'node:net';
import { type Holder, type StreamMemory, thrifty } from '../http2/index.ts';

/** Less than this is somebody waiting for an answer: written at the end of this callback. More is bulk: once a loop turn. */
const bulkBytes = 8 * 1024;
/** Below this one copy is cheaper than a vector of chunks. */
const joinBytes = 16 * 1024;

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
    if (this.#pendingBytes < bulkBytes) process.nextTick(this.#flush);
    else setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const chunks = this.#chunks;
    const bytes = this.#pendingBytes;
    this.#chunks = [];
    this.#pendingBytes = 0;
    if (bytes > 0 && !this.#socket.destroyed && !this.#socket.writableEnded) {
      this.#write(chunks, bytes);
      this.#memory.sent(bytes);
    }
    const then = this.#ending;
    this.#ending = undefined;
    then?.();
  };

  #write(chunks: readonly Buffer[], bytes: number): void {
    const socket = this.#socket;
    const written = (error?: Error | null): void => {
      if (!error) this.#written(bytes); // else the socket's own error event says it
    };
    if (bytes <= joinBytes && chunks.length > 1) {
      socket.write(Buffer.concat(chunks), written);
      return;
    }
    socket.cork();
    for (const [i, chunk] of chunks.entries()) socket.write(chunk, i === chunks.length - 1 ? written : undefined);
    socket.uncork();
  }

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
