import { thrifty } from './memory.ts';

/** How queued data is cut into messages. */
export interface Messages {
  /** What stands before a message of so many bytes. */
  readonly header: (bytes: number) => Buffer;
  readonly bytesMax: number;
}

/** A queue of more than this stands, and waits for a slow reader. */
const standingBytes = 16 * 1024;
/** In a queue that stands a smaller chunk is copied to the one before it: a Buffer costs 100 bytes and more, also around a single one. */
const smallBytes = 1024;
const slabBytes = 8 * 1024;

/** Bytes that wait for a peer's window: chunks as they came, gathered into messages, given out in pieces of any size. */
export class SendQueue {
  /** All that waits, the message headers of what is sealed included. */
  bytes = 0;
  /** Without them chunks are sent as they are. */
  messages: Messages | undefined;
  #open: Buffer[] = [];
  #openBytes = 0;
  #sealed: Buffer[] = [];
  /** How far the first sealed chunk is sent. */
  #offset = 0;
  /** Where small chunks are gathered: a view of all that was copied to the slab, the last of its list. */
  #slab: Buffer | undefined;
  #gathered: Buffer | undefined;

  push(chunk: Buffer, whole = false): void {
    this.bytes += chunk.length;
    const { messages } = this;
    if (whole || messages === undefined) {
      this.#append(this.#sealed, chunk);
      return;
    }
    let rest = chunk;
    while (this.#openBytes + rest.length > messages.bytesMax) {
      const fits = messages.bytesMax - this.#openBytes;
      this.#append(this.#open, rest.subarray(0, fits));
      this.#openBytes += fits;
      rest = rest.subarray(fits);
      this.seal();
    }
    this.#append(this.#open, rest);
    this.#openBytes += rest.length;
  }

  #append(list: Buffer[], chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.bytes < standingBytes || chunk.length >= smallBytes) {
      list.push(this.bytes < standingBytes ? chunk : thrifty(chunk));
      return;
    }
    const last = list.at(-1);
    const used = last !== undefined && last === this.#gathered ? last.byteOffset + last.length : slabBytes;
    if (used + chunk.length <= slabBytes) {
      chunk.copy(this.#slab!, used);
      list[list.length - 1] = this.#gathered = this.#slab!.subarray(last!.byteOffset, used + chunk.length);
      return;
    }
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    chunk.copy(this.#slab);
    this.#gathered = this.#slab.subarray(0, chunk.length);
    list.push(this.#gathered);
  }

  /** What was pushed since the last time becomes one message. */
  seal(): void {
    if (this.#openBytes === 0) return;
    const header = this.messages!.header(this.#openBytes);
    this.bytes += header.length;
    this.#sealed.push(header, ...this.#open);
    this.#open = [];
    this.#openBytes = 0;
  }

  /** Moves the next `bytes` sealed bytes into a vector. */
  take(bytes: number, into: Buffer[]): void {
    this.bytes -= bytes;
    const sealed = this.#sealed;
    let left = bytes;
    let used = 0;
    while (left > 0) {
      const chunk = sealed[used]!;
      const rest = chunk.length - this.#offset;
      if (rest <= left) {
        into.push(this.#offset === 0 ? chunk : chunk.subarray(this.#offset));
        this.#offset = 0;
        used++;
        left -= rest;
      } else {
        into.push(chunk.subarray(this.#offset, this.#offset + left));
        this.#offset += left;
        left = 0;
      }
    }
    if (used === sealed.length) this.#sealed = [];
    else if (used > 0) sealed.splice(0, used);
  }

  clear(): void {
    this.bytes = 0;
    this.#open = [];
    this.#openBytes = 0;
    this.#sealed = [];
    this.#offset = 0;
    this.#slab = undefined;
    this.#gathered = undefined;
  }
}
