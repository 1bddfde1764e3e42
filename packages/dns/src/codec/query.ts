/** Reads as much of a query as decides where it goes: header, question, EDNS. The rest is only measured. */
import { ednsOption, headerBytes, opcode, plainUdpBytes, rcode, type } from './constants.ts';
import { endOfName, endOfPlainName } from './name.ts';

export interface Query {
  readonly kind: 'query';
  readonly message: Buffer;
  readonly id: number;
  readonly flags: number;
  readonly opcode: number;
  /** Behind the question's name, and behind the question. */
  readonly nameEnd: number;
  readonly questionEnd: number;
  readonly type: number;
  /** Where the OPT record begins, or -1. */
  readonly optOffset: number;
  /** Where the COOKIE option lies inside it (code and length included), or -1. */
  readonly cookieOffset: number;
  readonly cookieEnd: number;
  /** What the client takes over UDP. */
  readonly udpBytesMax: number;
  /** An ordinary question: opcode QUERY, and nothing behind the question but at most one OPT. Only these are cached or rewritten. */
  readonly plain: boolean;
}

/** Why a message gets no ordinary answer: silence, or a code with as much of the question as could be read. */
export type Refusal =
  | { readonly kind: 'drop' }
  | { readonly kind: 'refuse'; readonly rcode: number; readonly questionEnd: number };

const drop: Refusal = { kind: 'drop' };

/**
 * Answers to what is not a question would let two proxies talk for ever, and a reflector be fooled: silence. A header that
 * asks something unreadable gets FORMERR (RFC 1035 section 4.1.1).
 */
export function readQuery(message: Buffer): Query | Refusal {
  const length = message.length;
  if (length < headerBytes) return drop;
  const flags = (message[2]! << 8) | message[3]!;
  if ((flags & 0x8000) !== 0) return drop;
  const op = (flags >> 11) & 15;
  if (op === opcode.statefulOperations) return refuse(rcode.notImp, 0); // RFC 8490: a session is not ours to relay
  if (((message[4]! << 8) | message[5]!) !== 1) return refuse(rcode.formErr, 0);
  const nameEnd = endOfPlainName(message, headerBytes);
  const questionEnd = nameEnd + 4;
  if (nameEnd < 0 || questionEnd > length) return refuse(rcode.formErr, 0);
  const others = (message[6]! << 8) | message[7]! | (message[8]! << 8) | message[9]!;
  const additional = (message[10]! << 8) | message[11]!;
  const rest = others === 0 && additional === 0 ? emptyRest(length, questionEnd) : readRest(message, questionEnd);
  if (rest === undefined) return refuse(rcode.formErr, questionEnd);
  return {
    kind: 'query',
    message,
    id: (message[0]! << 8) | message[1]!,
    flags,
    opcode: op,
    nameEnd,
    questionEnd,
    type: (message[nameEnd]! << 8) | message[nameEnd + 1]!,
    optOffset: rest.optOffset,
    cookieOffset: rest.cookieOffset,
    cookieEnd: rest.cookieEnd,
    udpBytesMax: rest.udpBytesMax,
    plain: op === opcode.query && others === 0 && additional === (rest.optOffset < 0 ? 0 : 1),
  };
}

function refuse(code: number, questionEnd: number): Refusal {
  return { kind: 'refuse', rcode: code, questionEnd };
}

interface Rest {
  optOffset: number;
  cookieOffset: number;
  cookieEnd: number;
  udpBytesMax: number;
}

const nothing: Rest = { optOffset: -1, cookieOffset: -1, cookieEnd: -1, udpBytesMax: plainUdpBytes };

/** Bytes behind the message are no part of it: an upstream and we could read them differently. */
function emptyRest(length: number, questionEnd: number): Rest | undefined {
  return length === questionEnd ? nothing : undefined;
}

function readRest(message: Buffer, from: number): Rest | undefined {
  const count = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  const rest: Rest = { ...nothing };
  let at = from;
  for (let i = 0; i < count; i++) {
    const nameEnd = endOfName(message, at);
    if (nameEnd < 0 || nameEnd + 10 > message.length) return undefined;
    const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8);
    if (end > message.length) return undefined;
    if (message.readUInt16BE(nameEnd) === type.opt) {
      // RFC 6891 section 6.1.1: one OPT, and its owner is the root.
      if (rest.optOffset >= 0 || message[at] !== 0) return undefined;
      rest.optOffset = at;
      rest.udpBytesMax = Math.max(plainUdpBytes, message.readUInt16BE(nameEnd + 2));
      if (!readOptions(message, nameEnd + 10, end, rest)) return undefined;
    }
    at = end;
  }
  return at === message.length ? rest : undefined;
}

function readOptions(message: Buffer, from: number, end: number, rest: Rest): boolean {
  let at = from;
  while (at < end) {
    if (at + 4 > end) return false;
    const next = at + 4 + message.readUInt16BE(at + 2);
    if (next > end) return false;
    if (message.readUInt16BE(at) === ednsOption.cookie && rest.cookieOffset < 0) {
      rest.cookieOffset = at;
      rest.cookieEnd = next;
    }
    at = next;
  }
  return true;
}
