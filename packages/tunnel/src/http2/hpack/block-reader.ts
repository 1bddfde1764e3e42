import { HpackError } from './errors.ts';
import { huffmanDecode } from './huffman.ts';

/** No index, length or size of ours comes near; below it, sums of 32-bit integers cannot overflow. */
const integerMax = 2 ** 28;
/** Four times 7 bits reach `integerMax`; more octets would only be zeros, put there to keep us reading. */
const continuationBytesMax = 4;

/** The primitive types of RFC 7541 section 5, read from one header block. */
export class BlockReader {
  readonly #block: Buffer;
  #at = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get done(): boolean {
    return this.#at === this.#block.length;
  }

  /** The octet to be read next, whose first bits say what follows. */
  get next(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new HpackError('a header block ends inside a field');
    return byte;
  }

  /** Section 5.1: an integer that begins in the last `prefixBits` bits of the next octet. */
  integer(prefixBits: number): number {
    const prefixMax = 2 ** prefixBits - 1;
    let value = this.next & prefixMax;
    this.#at++;
    if (value < prefixMax) return value;
    for (let i = 0; i < continuationBytesMax; i++) {
      const byte = this.next;
      this.#at++;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (value > integerMax) break;
      if (byte < 0x80) return value;
    }
    throw new HpackError('an integer is too large');
  }

  /** Section 5.2: a string, as it is or Huffman coded. */
  string(): string {
    const huffman = this.next >= 0x80;
    const length = this.integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#block.length) throw new HpackError('a string is longer than its header block');
    this.#at = end;
    return huffman ? huffmanDecode(this.#block, start, end) : this.#block.toString('latin1', start, end);
  }
}
