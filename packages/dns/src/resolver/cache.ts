/**
 * Replies as they came, found by the bytes of the question. The key is everything in the query that can change its answer (flags,
 * name, type, class, EDNS), so a hit is what the upstream said to exactly this question; only the id, the case of the name, the age of
 * the TTLs and the DNS cookie are the asker's own.
 */
import { ednsOption } from '../codec/constants.ts';
import { lowerAscii, type NameKey } from '../codec/name.ts';
import type { Query } from '../codec/query.ts';
import type { ReplyMeasure } from '../codec/reply.ts';

/** Larger ones are rare and come over TCP, where a round trip more does not matter. */
const replyBytesMax = 4096;
/** With the default of 10,000 entries nothing comes near it; it bounds what large replies can take. */
const cacheBytesMax = 16 * 2 ** 20;
/** What an entry costs beside its bytes: key, map slot, offsets, the object (measured, rounded up). */
const entryOverheadBytes = 400;
/** A stub's query is far below; longer ones are not worth a lookup. */
const keyBytesMax = 1024;

interface Entry {
  /** Without a DNS cookie. */
  readonly reply: Buffer;
  readonly ttlOffsets: readonly number[];
  /** The server's half of the cookie, to be joined to the asker's half. */
  readonly serverCookie: Buffer | undefined;
  readonly optOffset: number;
  readonly storedMs: number;
  readonly expiresMs: number;
  used: boolean;
}

export interface QuestionKey {
  readonly name: NameKey;
  /** Undefined where the question is not one to cache. */
  readonly full: string | undefined;
}

const scratch = Buffer.allocUnsafe(keyBytesMax + 64);
const nameAt = 11;

/** @param transport UDP and TCP replies differ in size and options, so they are kept apart */
export function questionKey(query: Query, transport: 'udp' | 'tcp'): QuestionKey {
  const { message, nameEnd } = query;
  const whole = query.plain && message.length <= keyBytesMax;
  const hasCookie = query.cookieOffset >= 0;
  scratch[0] = (transport === 'udp' ? 0 : 1) | (hasCookie ? 2 : 0);
  let length = 1 + message.copy(scratch, 1, 2, whole && !hasCookie ? message.length : whole ? query.cookieOffset : nameEnd);
  if (whole && hasCookie) length += message.copy(scratch, length, query.cookieEnd, message.length);
  // The length of the EDNS data counts the cookie that was left out, and nothing else that differs.
  if (whole && hasCookie) scratch.writeUInt16BE(0, query.optOffset - 1 + 9);
  const nameLength = nameEnd - 12;
  lowerAscii(scratch, nameAt, nameAt + nameLength);
  const text = scratch.latin1Slice(0, length);
  return { name: text.slice(nameAt, nameAt + nameLength), full: whole ? text : undefined };
}

export class ReplyCache {
  readonly #entries = new Map<string, Entry>();
  readonly #entriesMax: number;
  readonly #maxTtlMs: number;
  #bytes = 0;
  hits = 0;
  misses = 0;
  evictions = 0;

  constructor(options: { readonly entries: number; readonly maxTtlMs: number }) {
    this.#entriesMax = options.entries;
    this.#maxTtlMs = options.maxTtlMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The reply to this query, ready to send, or undefined. */
  get(key: string, query: Query, nowMs: number): Buffer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || nowMs >= entry.expiresMs) {
      this.misses++;
      if (entry !== undefined) this.#remove(key, entry);
      return undefined;
    }
    this.hits++;
    entry.used = true;
    return render(entry, query, nowMs);
  }

  put(key: string, reply: Buffer, measure: ReplyMeasure, nowMs: number): void {
    const keepMs = Math.min(measure.keepS * 1000, this.#maxTtlMs);
    if (keepMs <= 0 || this.#entriesMax === 0 || reply.length > replyBytesMax) return;
    const stripped = withoutCookie(reply, measure);
    if (stripped === undefined) return;
    const old = this.#entries.get(key);
    if (old !== undefined) this.#remove(key, old);
    const entry: Entry = {
      ...stripped,
      ttlOffsets: measure.ttlOffsets,
      optOffset: measure.optOffset,
      storedMs: nowMs,
      expiresMs: nowMs + keepMs,
      used: false,
    };
    this.#entries.set(key, entry);
    this.#bytes += bytesOf(key, entry);
    while (this.#entries.size > this.#entriesMax || this.#bytes > cacheBytesMax) this.#evict();
  }

  /** The oldest goes, unless it was used since it was last looked at (second chance): a hit then costs no reordering. */
  #evict(): void {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      if (entry.used) {
        entry.used = false;
        this.#entries.set(key, entry);
        continue;
      }
      this.#bytes -= bytesOf(key, entry);
      this.evictions++;
      return;
    }
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= bytesOf(key, entry);
  }
}

function bytesOf(key: string, entry: Entry): number {
  return key.length + entry.reply.length + 8 * entry.ttlOffsets.length + entryOverheadBytes;
}

function withoutCookie(reply: Buffer, measure: ReplyMeasure): Pick<Entry, 'reply' | 'serverCookie'> | undefined {
  const { optOffset, cookieOffset, cookieEnd } = measure;
  if (cookieOffset < 0) return { reply: compact([reply]), serverCookie: undefined };
  // The offsets of what lies behind would move; an OPT is last in practice.
  if (optOffset + 11 + reply.readUInt16BE(optOffset + 9) !== reply.length) return undefined;
  const bytes = compact([reply.subarray(0, cookieOffset), reply.subarray(cookieEnd)]);
  bytes.writeUInt16BE(bytes.length - optOffset - 11, optOffset + 9);
  return { reply: bytes, serverCookie: compact([reply.subarray(cookieOffset + 12, cookieEnd)]) };
}

/** A copy in memory of its own: a slice would keep the whole page it lies in. */
function compact(parts: readonly Buffer[]): Buffer {
  const copy = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) at += part.copy(copy, at);
  return copy;
}

function render(entry: Entry, query: Query, nowMs: number): Buffer {
  const reply = Buffer.allocUnsafe(entry.reply.length);
  entry.reply.copy(reply);
  reply[0] = query.id >> 8;
  reply[1] = query.id & 0xff;
  query.message.copy(reply, 12, 12, query.nameEnd); // the asker's own spelling (0x20)
  const ageS = Math.floor((nowMs - entry.storedMs) / 1000);
  if (ageS > 0)
    for (const offset of entry.ttlOffsets) reply.writeUInt32BE(Math.max(0, reply.readUInt32BE(offset) - ageS), offset);
  return entry.serverCookie === undefined || query.cookieOffset < 0 ? reply : withCookie(reply, entry, query);
}

/** A client that once got a cookie takes a reply without one for a forgery (RFC 7873 section 5.3): its half, and the server's. */
function withCookie(reply: Buffer, entry: Entry, query: Query): Buffer {
  const asked = query.message.subarray(query.cookieOffset + 4, query.cookieEnd);
  if (asked.length < 8) return reply;
  const cookie = asked.length > 8 ? asked : Buffer.concat([asked, entry.serverCookie!]);
  const option = Buffer.alloc(4);
  option.writeUInt16BE(ednsOption.cookie, 0);
  option.writeUInt16BE(cookie.length, 2);
  const whole = Buffer.concat([reply, option, cookie]);
  whole.writeUInt16BE(whole.length - entry.optOffset - 11, entry.optOffset + 9);
  return whole;
}
