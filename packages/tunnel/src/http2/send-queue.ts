/** How queued data is cut into messages. */
export interface Messages {
  /** What stands before a message of so many bytes. */
  readonly header: (bytes: number) => Buffer;
  readonly bytesMax: number;
}

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

  push(chunk: Buffer, whole = false): void {
    this.bytes += chunk.length;
    const { messages } = this;
    if (whole || messages === undefined) {
      if (chunk.length > 0) this.#sealed.push(chunk);
      return;
    }
    let rest = chunk;
    while (this.#openBytes + rest.length > messages.bytesMax) {
      const fits = messages.bytesMax - this.#openBytes;
      this.#open.push(rest.subarray(0, fits));
      this.#openBytes += fits;
      rest = rest.subarray(fits);
      this.seal();
    }
    this.#open.push(rest);
    this.#openBytes += rest.length;
  }

  /** What was pushed since the last time becomes one message. */
  seal(): void {
    if (this.#openBytes === 0) return;
    const header = this.messages!.header(this.#openBytes);
    this.bytes += header.length;
    this.#sealed.push(header);
    for (const chunk of this.#open) if (chunk.length > 0) this.#sealed.push(chunk);
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
  }
}
