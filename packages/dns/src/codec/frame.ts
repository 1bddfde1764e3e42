/** Messages over TCP: two bytes of length before each (RFC 1035 section 4.2.2). */

export function frameOf(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(message.length + 2);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, 2);
  return frame;
}

/** Puts messages together from chunks; holds at most one unfinished message, so 64 KiB and the chunk that completes it. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** The messages that this chunk completes, each in memory of its own. */
  push(chunk: Buffer): Buffer[] {
    // The two length bytes may come apart; they are joined, so that the first chunk always holds them.
    const first = this.#chunks[0];
    if (first !== undefined && first.length < 2) this.#chunks[0] = Buffer.concat([first, chunk]);
    else this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // Joined only when complete: a peer that sends a byte at a time must not cost a copy of everything for each.
    if (this.#bytes < 2 || this.#bytes < 2 + this.#chunks[0]!.readUInt16BE(0)) return [];
    let data = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#bytes);
    const messages: Buffer[] = [];
    while (data.length >= 2 && data.length >= 2 + data.readUInt16BE(0)) {
      const end = 2 + data.readUInt16BE(0);
      messages.push(Buffer.from(data.subarray(2, end)));
      data = data.subarray(end);
    }
    this.#chunks = data.length === 0 ? [] : [Buffer.from(data)];
    this.#bytes = data.length;
    return messages;
  }

  /** Whether a message has begun and not ended. */
  get unfinished(): boolean {
    return this.#bytes > 0;
  }
}
