import { ConnectionError } from './codes.ts';

/** A call's headers are some hundred bytes, ours at most 8 KiB; a longer block is not a mistake of the hand. */
const blockBytesMax = 32 * 1024;
/** A block of 32 KiB needs two frames at the least frame size; more and more of them, all empty, is CVE-2024-27316. */
const framesMax = 8;

/** Where HEADERS and its CONTINUATION frames come together; nothing may come between them (RFC 9113 section 6.10). */
export class HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly #fragments: Buffer[];
  #bytes: number;

  constructor(streamId: number, endStream: boolean, first: Buffer) {
    this.streamId = streamId;
    this.endStream = endStream;
    this.#fragments = [first];
    this.#bytes = first.length;
  }

  continue(streamId: number, fragment: Buffer): void {
    if (streamId !== this.streamId) throw new ConnectionError('PROTOCOL_ERROR', 'CONTINUATION of another stream');
    this.#bytes += fragment.length;
    if (this.#bytes > blockBytesMax || this.#fragments.push(fragment) > framesMax)
      throw new ConnectionError('ENHANCE_YOUR_CALM', 'a header block has no end');
  }

  whole(): Buffer {
    return this.#fragments.length === 1 ? this.#fragments[0]! : Buffer.concat(this.#fragments);
  }
}

/** The fragment in a HEADERS frame, without padding and the old priority fields (RFC 9113 section 6.2). */
export function headersFragment(payload: Buffer, padded: boolean, priority: boolean): Buffer {
  let from = 0;
  let padding = 0;
  if (padded) padding = payload[from++] ?? Infinity;
  if (priority) from += 5;
  if (from + padding > payload.length) throw new ConnectionError('PROTOCOL_ERROR', 'HEADERS is all padding');
  return payload.subarray(from, payload.length - padding);
}
