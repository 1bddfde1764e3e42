/**
 * Replies as they came, found by the bytes of the question, so a hit is what the upstream said to exactly this question; only the id, the
 * case of the name, the age of the TTLs and the DNS cookie are the asker's own.
 *
 * Everything lies in one ring of bytes: new entries at its head, the oldest overwritten at its tail. As objects, 10,000 replies
 * and their turnover cost 40 MB of heap (measured); here it is their bytes, and nothing for the garbage collector to do.
 */
import { ednsOption } from '../codec/constants.ts';
import type { Query } from '../codec/query.ts';
import type { ReplyMeasure } from '../codec/reply.ts';
import type { QuestionKey } from './key.ts';

/** Larger ones are rare and come over TCP, where a round trip more does not matter. */
const replyBytesMax = 4096;
/** Usual entries take 200 to 400 bytes. Large ones may not take more than this on average: 8 MiB with the default of 10,000. */
const entryBytes = 800;
/** It starts small and doubles: most pods ask for a hundred names. */
const ringBytesStart = 128 * 2 ** 10;

/** Fields before an entry's bytes. `next` chains entries of one bucket; offsets are stored plus one, 0 is none. */
const at = {
  size: 0,
  next: 4,
  hash: 8,
  storedMs: 12,
  expiresMs: 20,
  key: 28,
  reply: 30,
  cookie: 32,
  ttls: 34,
  opt: 36,
  bytes: 38,
};

export class ReplyCache {
  readonly #entriesMax: number;
  readonly #maxTtlMs: number;
  readonly #ringBytesMax: number;
  #ring: Buffer;
  #buckets: Uint32Array;
  /** Where the next entry goes, and where the oldest lies. They are equal only while the ring is empty. */
  #head = 0;
  #tail = 0;
  /** Entries that can be found, and those that still take room. */
  size = 0;
  #laid = 0;
  hits = 0;
  misses = 0;

  constructor(options: { readonly entries: number; readonly maxTtlMs: number }) {
    this.#entriesMax = options.maxTtlMs > 0 ? options.entries : 0;
    this.#maxTtlMs = options.maxTtlMs;
    this.#ring = Buffer.alloc(this.#entriesMax === 0 ? 0 : ringBytesStart);
    this.#ringBytesMax = powerOfTwo(ringBytesStart, this.#entriesMax * entryBytes);
    this.#buckets = new Uint32Array(powerOfTwo(1024, Math.min(this.#entriesMax, 1 << 17)));
  }

  get bytes(): number {
    return this.#ring.length + this.#buckets.byteLength;
  }

  /** The reply to this query, ready to send, or undefined. */
  get(key: QuestionKey, query: Query, nowMs: number): Buffer | undefined {
    if (this.#entriesMax === 0) return undefined;
    const entry = this.#find(key);
    if (entry < 0) {
      this.misses++;
      return undefined;
    }
    if (nowMs >= this.#ring.readDoubleLE(entry + at.expiresMs)) {
      this.#unlink(entry);
      this.misses++;
      return undefined;
    }
    this.hits++;
    return this.#render(entry, query, nowMs);
  }

  put(key: QuestionKey, reply: Buffer, measure: ReplyMeasure, nowMs: number): void {
    const keepMs = Math.min(measure.keepS * 1000, this.#maxTtlMs);
    if (keepMs <= 0 || this.#entriesMax === 0 || key.length === 0 || reply.length > replyBytesMax) return;
    const { cookieOffset, cookieEnd, optOffset, ttlOffsets } = measure;
    // Behind a cookie that is cut out, offsets would move; an OPT is last in practice.
    if (cookieOffset >= 0 && optOffset + 11 + reply.readUInt16BE(optOffset + 9) !== reply.length) return;
    const old = this.#find(key);
    if (old >= 0) this.#unlink(old);
    const cookieBytes = cookieOffset < 0 ? 0 : Math.max(0, cookieEnd - cookieOffset - 12);
    const replyBytes = reply.length - (cookieOffset < 0 ? 0 : cookieEnd - cookieOffset);
    const size = (at.bytes + key.length + replyBytes + cookieBytes + 2 * ttlOffsets.length + 3) & ~3;
    while (this.size >= this.#entriesMax) this.#dropOldest();
    const entry = this.#claim(size);
    if (entry < 0) return;
    const ring = this.#ring;
    ring.writeUInt32LE(key.hash, entry + at.hash);
    ring.writeDoubleLE(nowMs, entry + at.storedMs);
    ring.writeDoubleLE(nowMs + keepMs, entry + at.expiresMs);
    ring.writeUInt16LE(key.length, entry + at.key);
    ring.writeUInt16LE(replyBytes, entry + at.reply);
    ring.writeUInt16LE(cookieBytes, entry + at.cookie);
    ring.writeUInt16LE(ttlOffsets.length, entry + at.ttls);
    ring.writeUInt16LE(optOffset < 0 ? 0 : optOffset, entry + at.opt);
    let to = entry + at.bytes;
    to += key.bytes.copy(ring, to, 0, key.length);
    if (cookieOffset < 0) to += reply.copy(ring, to);
    else {
      const start = to;
      to += reply.copy(ring, to, 0, cookieOffset);
      to += reply.copy(ring, to, cookieEnd);
      ring.writeUInt16BE(replyBytes - optOffset - 11, start + optOffset + 9);
      to += reply.copy(ring, to, cookieEnd - cookieBytes, cookieEnd);
    }
    for (const offset of ttlOffsets) to = ring.writeUInt16LE(offset, to);
    const bucket = key.hash & (this.#buckets.length - 1);
    ring.writeUInt32LE(this.#buckets[bucket]!, entry + at.next);
    this.#buckets[bucket] = entry + 1;
    this.size++;
  }

  #find(key: QuestionKey): number {
    if (key.length === 0) return -1;
    const ring = this.#ring;
    for (let entry = this.#buckets[key.hash & (this.#buckets.length - 1)]! - 1; entry >= 0;) {
      const from = entry + at.bytes;
      if (
        ring.readUInt32LE(entry + at.hash) === key.hash &&
        ring.readUInt16LE(entry + at.key) === key.length &&
        ring.compare(key.bytes, 0, key.length, from, from + key.length) === 0
      )
        return entry;
      entry = ring.readUInt32LE(entry + at.next) - 1;
    }
    return -1;
  }

  /** Takes the entry out of its bucket; its room is free when the tail has come past it. */
  #unlink(entry: number): void {
    const ring = this.#ring;
    const bucket = ring.readUInt32LE(entry + at.hash) & (this.#buckets.length - 1);
    const next = ring.readUInt32LE(entry + at.next);
    let link = this.#buckets[bucket]! - 1;
    if (link === entry) {
      this.#buckets[bucket] = next;
      this.size--;
      return;
    }
    while (link >= 0) {
      const after = ring.readUInt32LE(link + at.next) - 1;
      if (after === entry) {
        ring.writeUInt32LE(next, link + at.next);
        this.size--;
        return;
      }
      link = after;
    }
  }

  #dropOldest(): void {
    if (this.#laid === 0) return;
    const size = this.#ring.readUInt32LE(this.#tail + at.size);
    // A gap at the end, left where an entry did not fit: size 0.
    if (size === 0) {
      this.#tail = 0;
      return;
    }
    this.#unlink(this.#tail);
    this.#laid--;
    this.#tail += size;
    if (this.#tail + 4 > this.#ring.length) this.#tail = 0;
    if (this.#laid === 0) [this.#head, this.#tail] = [0, 0];
  }

  /** Room for an entry of this size, made by growing or by forgetting the oldest; -1 where it is larger than the ring. */
  #claim(size: number): number {
    for (;;) {
      const ring = this.#ring;
      const isWrapped = this.#laid > 0 && this.#head <= this.#tail;
      const end = isWrapped ? this.#tail : ring.length;
      // Strictly below the tail, so that head and tail never meet while there is anything.
      if (this.#head + size + (isWrapped ? 1 : 0) <= end) break;
      if (!isWrapped && this.#tail > size) {
        if (this.#head + 4 <= ring.length) ring.writeUInt32LE(0, this.#head + at.size);
        this.#head = 0;
        continue;
      }
      if (ring.length < this.#ringBytesMax && this.#grow()) continue;
      if (this.#laid === 0) return -1;
      this.#dropOldest();
    }
    const entry = this.#head;
    this.#ring.writeUInt32LE(size, entry + at.size);
    this.#head += size;
    this.#laid++;
    return entry;
  }

  /** Twice the ring, while it lies in one piece: entries keep their offsets. */
  #grow(): boolean {
    if (this.#laid > 0 && this.#head <= this.#tail) return false;
    const larger = Buffer.alloc(this.#ring.length * 2);
    this.#ring.copy(larger, 0, 0, this.#head);
    this.#ring = larger;
    return true;
  }

  #render(entry: number, query: Query, nowMs: number): Buffer {
    const ring = this.#ring;
    const length = ring.readUInt16LE(entry + at.reply);
    const from = entry + at.bytes + ring.readUInt16LE(entry + at.key);
    const cookieBytes = ring.readUInt16LE(entry + at.cookie);
    const withCookie = cookieBytes > 0 && query.cookieOffset >= 0;
    const reply = Buffer.allocUnsafe(length);
    ring.copy(reply, 0, from, from + length);
    reply[0] = query.id >> 8;
    reply[1] = query.id & 0xff;
    query.message.copy(reply, 12, 12, query.nameEnd); // the asker's own spelling (0x20)
    const ageS = Math.floor((nowMs - ring.readDoubleLE(entry + at.storedMs)) / 1000);
    if (ageS > 0) {
      const ttls = from + length + cookieBytes;
      for (let i = ring.readUInt16LE(entry + at.ttls) - 1; i >= 0; i--) {
        const offset = ring.readUInt16LE(ttls + 2 * i);
        reply.writeUInt32BE(Math.max(0, reply.readUInt32BE(offset) - ageS), offset);
      }
    }
    if (!withCookie) return reply;
    const serverHalf = ring.subarray(from + length, from + length + cookieBytes);
    return addCookie(reply, ring.readUInt16LE(entry + at.opt), serverHalf, query);
  }
}

/** The first power of two from `from` on that is no less than `least`. */
function powerOfTwo(from: number, least: number): number {
  let power = from;
  while (power < least) power *= 2;
  return power;
}

/** A client that once got a cookie takes a reply without one for a forgery (RFC 7873 section 5.3): its half, and the server's. */
function addCookie(reply: Buffer, optOffset: number, serverHalf: Buffer, query: Query): Buffer {
  const asked = query.message.subarray(query.cookieOffset + 4, query.cookieEnd);
  if (asked.length < 8) return reply;
  const cookie = asked.length > 8 ? asked : Buffer.concat([asked, serverHalf]);
  const option = Buffer.alloc(4);
  option.writeUInt16BE(ednsOption.cookie, 0);
  option.writeUInt16BE(cookie.length, 2);
  const whole = Buffer.concat([reply, option, cookie]);
  whole.writeUInt16BE(whole.length - optOffset - 11, optOffset + 9);
  return whole;
}
