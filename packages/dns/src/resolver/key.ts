/**
 * What makes two questions one: every byte of the query that can change its answer (flags, name, type, class, EDNS), with the
 * name in lower case. Left out are the id and the DNS cookie, which are the asker's own.
 */
import { lowerAscii, type NameKey } from '../codec/name.ts';
import type { Query } from '../codec/query.ts';

/** A stub's query is far below; longer ones are not worth keeping. */
const keyBytesMax = 1024;
const nameAt = 11;

/** Filled anew for each query: an object a query would be garbage a query. */
export class QuestionKey {
  readonly bytes = Buffer.allocUnsafe(keyBytesMax);
  /** 0 where the question is not one to keep. */
  length = 0;
  hash = 0;
  name: NameKey = '';
  readonly #seed: number;

  /** @param seed a random number, so that nobody outside can choose names that fall into one bucket */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** UDP and TCP replies differ in size and options, so they are kept apart. */
  read(query: Query, transport: 'udp' | 'tcp'): void {
    const { message, nameEnd, cookieOffset } = query;
    const { bytes } = this;
    const whole = query.plain && message.length < keyBytesMax;
    const hasCookie = whole && cookieOffset >= 0;
    bytes[0] = (transport === 'udp' ? 0 : 1) | (hasCookie ? 2 : 0);
    let length = 1 + message.copy(bytes, 1, 2, hasCookie ? cookieOffset : whole ? message.length : nameEnd);
    if (hasCookie) {
      length += message.copy(bytes, length, query.cookieEnd, message.length);
      // The length of the EDNS data still counts the cookie, which may be of 8 to 40 bytes.
      bytes.writeUInt16BE(0, query.optOffset - 1 + 9);
    }
    const nameEndHere = nameEnd - 1;
    lowerAscii(bytes, nameAt, nameEndHere);
    this.name = bytes.toString('latin1', nameAt, nameEndHere);
    this.length = whole ? length : 0;
    this.hash = whole ? this.#hash(length) : 0;
  }

  /** The whole key as a string, for a map of few. */
  text(): string {
    return this.bytes.toString('latin1', 0, this.length);
  }

  /** FNV-1a. */
  #hash(length: number): number {
    let hash = this.#seed;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ this.bytes[i]!, 0x01000193);
    return hash >>> 0;
  }
}
