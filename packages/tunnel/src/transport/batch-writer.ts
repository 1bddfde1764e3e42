import type { Readable, Writable } from 'node:stream';
import type { Holder, MemoryBudget } from './budget.ts';
import { carriedBytes } from './young-garbage.ts';

/** Less than this is somebody waiting for an answer: written at the end of this callback. More is bulk: once a loop turn. */
const bulkBytes = 8 * 1024;
/** Below this one copy is cheaper than a vector of chunks. */
const joinBytes = 16 * 1024;

export interface BatchWriterOptions {
  readonly budget: MemoryBudget;
  /** Where the bytes come from; what it has received while paused counts as held. */
  readonly source: Readable;
  /** What to put before a batch of so many bytes; nothing for a plain socket. */
  readonly header?: (bytes: number) => Buffer;
  /** Batches are cut to this size. */
  readonly batchBytesMax?: number;
  /** Called when a full writer has drained to half of its mark. */
  readonly onRelief: () => void;
}

/**
 * Gathers the chunks of one event-loop turn and writes them as one corked vector.
 *
 * One system call, one TLS record chain and one gRPC message a turn instead of one a chunk: measured at 3.2 -> 2.6 CPU-s/GiB.
 * Backpressure is counted here (`writableLength` and the write's callback) and not by the stream's own high-water mark, whose
 * `drain` comes only when everything is gone and leaves the pipe idle.
 */
export class BatchWriter implements Holder {
  readonly #target: Writable;
  readonly #options: BatchWriterOptions;
  #chunks: Buffer[] = [];
  #pendingBytes = 0;
  #scheduled = false;
  #full = false;
  #ending: (() => void) | undefined;

  constructor(target: Writable, options: BatchWriterOptions) {
    this.#target = target;
    this.#options = options;
  }

  heldBytes(): number {
    return this.#pendingBytes + this.#target.writableLength + this.#options.source.readableLength;
  }

  /** Queues a chunk. False: the source must pause until `onRelief`. */
  push(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#pendingBytes += chunk.length;
    this.#schedule();
    if (!this.#full && this.#pendingBytes + this.#target.writableLength > this.#options.budget.markBytes) {
      this.#full = true;
      this.#options.budget.load(this);
    }
    return !this.#full;
  }

  /** Runs `then` when everything queued so far has been handed to the target. The close path must wait for the deferred flush. */
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
    if (bytes > 0 && !this.#target.destroyed && !this.#target.writableEnded) {
      this.#target.cork();
      this.#write(chunks, bytes);
      this.#target.uncork();
      carriedBytes(bytes);
    }
    const then = this.#ending;
    this.#ending = undefined;
    then?.();
  };

  #write(chunks: readonly Buffer[], bytes: number): void {
    const { header, batchBytesMax = Infinity } = this.#options;
    if (header === undefined) return this.#writeBatch(chunks, bytes, undefined);
    if (bytes <= batchBytesMax) return this.#writeBatch(chunks, bytes, header(bytes));
    let batch: Buffer[] = [];
    let size = 0;
    for (const chunk of chunks.flatMap((c) => split(c, batchBytesMax))) {
      if (size + chunk.length > batchBytesMax) {
        this.#writeBatch(batch, size, header(size));
        batch = [];
        size = 0;
      }
      batch.push(chunk);
      size += chunk.length;
    }
    return this.#writeBatch(batch, size, header(size));
  }

  #writeBatch(chunks: readonly Buffer[], bytes: number, header: Buffer | undefined): void {
    const all = header === undefined ? chunks : [header, ...chunks];
    if (bytes <= joinBytes && all.length > 1) this.#target.write(Buffer.concat(all), this.#written);
    else
      for (const [i, chunk] of all.entries())
        this.#target.write(chunk, i === all.length - 1 ? this.#written : undefined);
  }

  readonly #written = (error?: Error | null): void => {
    if (error) return; // the target's own error event says it
    const buffered = this.#target.writableLength + this.#pendingBytes;
    if (this.#full && buffered <= this.#options.budget.markBytes / 2) {
      this.#full = false;
      this.#options.onRelief();
    }
  };

  /** Forgets what is queued, when the connection is reset. */
  discard(): void {
    this.#chunks = [];
    this.#pendingBytes = 0;
    this.#options.budget.release(this);
  }
}

function split(chunk: Buffer, bytesMax: number): Buffer[] {
  if (chunk.length <= bytesMax) return [chunk];
  const parts: Buffer[] = [];
  for (let at = 0; at < chunk.length; at += bytesMax) parts.push(chunk.subarray(at, at + bytesMax));
  return parts;
}
