/** The few replies that the proxy writes itself: errors, "no such name", and "too large, ask over TCP". */
import { ednsBytes, flag, headerBytes } from './constants.ts';
import type { Query } from './query.ts';

/** Owner root, type OPT, our size, no extended code, version 0; the DO bit is copied (RFC 3225 section 3). */
function optRecord(query: Query): Buffer {
  const opt = Buffer.from([0, 0, 41, ednsBytes >> 8, ednsBytes & 0xff, 0, 0, 0, 0, 0, 0]);
  opt[7] = query.message[query.optOffset + 7]! & 0x80;
  return opt;
}

/** A reply without records to a question that could be read. */
export function emptyReply(query: Query, code: number): Buffer {
  const opt = query.optOffset < 0 ? undefined : optRecord(query);
  const reply = Buffer.concat([query.message.subarray(0, query.questionEnd), ...(opt === undefined ? [] : [opt])]);
  reply.writeUInt16BE(query.id, 0); // the message itself may carry another id by now: the one it was relayed with
  writeHeader(reply, code, 1, opt === undefined ? 0 : 1);
  return reply;
}

/** A reply to what could not be read: the id, the code, and the question where that much was whole. */
export function refusalReply(message: Buffer, code: number, questionEnd: number): Buffer {
  const reply = Buffer.from(message.subarray(0, Math.max(headerBytes, questionEnd)));
  writeHeader(reply, code, questionEnd > 0 ? 1 : 0, 0);
  return reply;
}

function writeHeader(reply: Buffer, code: number, questions: number, additional: number): void {
  const asked = reply.readUInt16BE(2);
  reply.writeUInt16BE(flag.qr | (asked & 0x7800) | (asked & (flag.rd | flag.cd)) | flag.ra | code, 2);
  reply.writeUInt16BE(questions, 4);
  reply.writeUInt32BE(0, 6);
  reply.writeUInt16BE(additional, 10);
}

/** The reply without its records and with TC set; its OPT stays (RFC 6891 section 7). */
export function truncatedReply(reply: Buffer, questionEnd: number, optOffset: number): Buffer {
  const opt = optOffset < 0 ? undefined : reply.subarray(optOffset, optOffset + 11 + reply.readUInt16BE(optOffset + 9));
  const short = Buffer.concat([reply.subarray(0, questionEnd), ...(opt === undefined ? [] : [opt])]);
  short.writeUInt16BE(short.readUInt16BE(2) | flag.tc, 2);
  short.writeUInt32BE(0, 6);
  short.writeUInt16BE(opt === undefined ? 0 : 1, 10);
  return short;
}
