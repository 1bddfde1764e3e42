/** Measures a reply without taking it apart: what a cache must know to keep it, and whether it holds an alias. */
import { ednsOption, flag, headerBytes, rcode, type } from './constants.ts';
import { endOfName } from './name.ts';

export interface ReplyMeasure {
  /** Where the TTL fields lie, so that a cached copy can age them. */
  readonly ttlOffsets: readonly number[];
  /** Seconds for which the reply may be kept; 0 when it may not (RFC 2308 for the negative ones). */
  readonly keepS: number;
  readonly hasAlias: boolean;
  /** Where the OPT record begins, or -1. */
  readonly optOffset: number;
  readonly cookieOffset: number;
  readonly cookieEnd: number;
}

/** Undefined where the records do not fill the message exactly. */
export function measureReply(message: Buffer, questionEnd: number): ReplyMeasure | undefined {
  const answers = message.readUInt16BE(6);
  const authority = message.readUInt16BE(8);
  const count = answers + authority + message.readUInt16BE(10);
  const ttlOffsets: number[] = [];
  let ttlMinS = Infinity;
  let negativeS = 0;
  let hasAlias = false;
  let signed = false;
  let optOffset = -1;
  let cookieOffset = -1;
  let cookieEnd = -1;
  let at = questionEnd;
  for (let i = 0; i < count; i++) {
    const nameEnd = endOfName(message, at);
    if (nameEnd < 0 || nameEnd + 10 > message.length) return undefined;
    const recordType = message.readUInt16BE(nameEnd);
    const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8);
    if (end > message.length) return undefined;
    if (recordType === type.opt) {
      optOffset = at;
      [cookieOffset, cookieEnd] = findCookie(message, nameEnd + 10, end);
    } else {
      const ttlS = ttlSeconds(message, nameEnd + 4);
      ttlOffsets.push(nameEnd + 4);
      ttlMinS = Math.min(ttlMinS, ttlS);
      if (recordType === type.cname && i < answers) hasAlias = true;
      // The signature of the transaction (TSIG, SIG(0)) fits one id and one moment.
      if (recordType === type.tsig || recordType === type.sig) signed = true;
      if (recordType === type.soa && i >= answers && end - nameEnd >= 30)
        negativeS = Math.min(ttlS, message.readUInt32BE(end - 4));
    }
    at = end;
  }
  if (at !== message.length) return undefined;
  const keepS = signed ? 0 : keepSeconds(message, { ttlMinS, negativeS, answers, hasAlias });
  return { ttlOffsets, keepS, hasAlias, optOffset, cookieOffset, cookieEnd };
}

/** RFC 2181 section 8: a TTL with its top bit set counts as zero. */
function ttlSeconds(message: Buffer, offset: number): number {
  const ttl = message.readUInt32BE(offset);
  return ttl > 0x7fffffff ? 0 : ttl;
}

function keepSeconds(
  message: Buffer,
  { ttlMinS, negativeS, answers, hasAlias }: { ttlMinS: number; negativeS: number; answers: number; hasAlias: boolean },
): number {
  const flags = message.readUInt16BE(2);
  const code = flags & 15;
  if ((flags & flag.tc) !== 0) return 0;
  if (code === rcode.nxDomain) return Math.min(negativeS, ttlMinS);
  if (code !== rcode.noError) return 0;
  // An alias that leads to nothing is negative too, and then the SOA decides as well.
  if (answers === 0) return Math.min(negativeS, ttlMinS);
  return hasAlias && negativeS > 0 ? Math.min(negativeS, ttlMinS) : ttlMinS;
}

function findCookie(message: Buffer, from: number, end: number): [number, number] {
  for (let at = from; at + 4 <= end;) {
    const next = at + 4 + message.readUInt16BE(at + 2);
    if (message.readUInt16BE(at) === ednsOption.cookie && next <= end) return [at, next];
    at = next;
  }
  return [-1, -1];
}

/**
 * Whether `reply` answers `sent`: a response to one question, and that question ours. A few servers send errors as a bare
 * header (RFC 6891 section 7 for FORMERR), and so may all that answer an update (RFC 2136 section 3.8); such a reply can carry nothing
 * but its code.
 */
export function answers(sent: Buffer, questionEnd: number, reply: Buffer): boolean {
  if (reply.length < headerBytes || (reply[2]! & 0x80) === 0) return false;
  if (((reply[2]! ^ sent[2]!) & 0x78) !== 0) return false; // another opcode
  const questions = (reply[4]! << 8) | reply[5]!;
  if (questions === 0)
    return reply.length === headerBytes && ((reply[3]! & 15) !== rcode.noError || (sent[2]! & 0x78) !== 0);
  if (questions !== 1 || reply.length < questionEnd) return false;
  if (sent.compare(reply, headerBytes, questionEnd, headerBytes, questionEnd) === 0) return true;
  // Some servers answer in lower case; letters may differ in the name, and in nothing else.
  for (let i = headerBytes; i < questionEnd; i++) {
    const a = sent[i]!;
    const b = reply[i]!;
    if (a === b) continue;
    if (i >= questionEnd - 4 || (a | 0x20) !== (b | 0x20) || (a | 0x20) < 0x61 || (a | 0x20) > 0x7a) return false;
  }
  return true;
}
