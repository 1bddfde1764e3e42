import { ConnectionError, preface } from './codes.ts';

/** Takes the client's preface off the beginning of a connection (RFC 9113 section 3.4). */
export class PrefaceReader {
  #seen = 0;

  /** What follows the preface; undefined while it is not whole. Throws at the first byte that is not of it. */
  push(chunk: Buffer): Buffer | undefined {
    if (this.#seen === preface.length) return chunk;
    const bytes = Math.min(chunk.length, preface.length - this.#seen);
    if (chunk.compare(preface, this.#seen, this.#seen + bytes, 0, bytes) !== 0)
      throw new ConnectionError('PROTOCOL_ERROR', 'a peer does not speak HTTP/2');
    this.#seen += bytes;
    return this.#seen === preface.length && bytes < chunk.length ? chunk.subarray(bytes) : undefined;
  }
}
