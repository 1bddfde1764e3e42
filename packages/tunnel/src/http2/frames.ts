import { errorCodes, type ErrorName, flag, frameType } from './codes.ts';

/** Frames as bytes (RFC 9113 section 4.1: `length:24 type:8 flags:8 reserved:1 stream:31 payload`). */

export const headerBytes = 9;

export function frameHeader(payloadBytes: number, type: number, flags: number, streamId: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  writeHeader(header, payloadBytes, type, flags, streamId);
  return header;
}

function writeHeader(into: Buffer, payloadBytes: number, type: number, flags: number, streamId: number): void {
  into[0] = payloadBytes >>> 16;
  into[1] = payloadBytes >>> 8;
  into[2] = payloadBytes;
  into[3] = type;
  into[4] = flags;
  into[5] = streamId >>> 24;
  into[6] = streamId >>> 16;
  into[7] = streamId >>> 8;
  into[8] = streamId;
}

function numbers(type: number, streamId: number, ...values: readonly number[]): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + 4 * values.length);
  writeHeader(frame, 4 * values.length, type, 0, streamId);
  for (const [i, value] of values.entries()) frame.writeUInt32BE(value, headerBytes + 4 * i);
  return frame;
}

export function settingsFrame(settings: ReadonlyArray<readonly [id: number, value: number]>): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + 6 * settings.length);
  writeHeader(frame, 6 * settings.length, frameType.settings, 0, 0);
  for (const [i, [id, value]] of settings.entries()) {
    frame.writeUInt16BE(id, headerBytes + 6 * i);
    frame.writeUInt32BE(value, headerBytes + 6 * i + 2);
  }
  return frame;
}

export const settingsAckFrame: Buffer = frameHeader(0, frameType.settings, flag.ack, 0);

/** @param opaque eight bytes that come back */
export function pingFrame(opaque: Buffer, ack: boolean): Buffer {
  return Buffer.concat([frameHeader(8, frameType.ping, ack ? flag.ack : 0, 0), opaque]);
}

/** @param lastStreamId the last of the peer's streams that was looked at */
export function goawayFrame(lastStreamId: number, code: ErrorName, why: string): Buffer {
  const debug = Buffer.from(why.slice(0, 256));
  const frame = Buffer.allocUnsafe(headerBytes + 8);
  writeHeader(frame, 8 + debug.length, frameType.goaway, 0, 0);
  frame.writeUInt32BE(lastStreamId, headerBytes);
  frame.writeUInt32BE(errorCodes[code], headerBytes + 4);
  return Buffer.concat([frame, debug]);
}

export function rstStreamFrame(streamId: number, code: ErrorName): Buffer {
  return numbers(frameType.rstStream, streamId, errorCodes[code]);
}

/** @param streamId 0 for the connection */
export function windowUpdateFrame(streamId: number, bytes: number): Buffer {
  return numbers(frameType.windowUpdate, streamId, bytes);
}

/** A header block as HEADERS and as many CONTINUATION as the peer's frame size makes necessary. */
export function headersFrames(streamId: number, block: Buffer, endStream: boolean, frameBytesMax: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += frameBytesMax) {
    const fragment = block.subarray(at, at + frameBytesMax);
    const last = at + frameBytesMax >= block.length ? flag.endHeaders : 0;
    const [type, first] = at === 0 ? [frameType.headers, endStream ? flag.endStream : 0] : [frameType.continuation, 0];
    parts.push(frameHeader(fragment.length, type, last | first, streamId), fragment);
  }
  return Buffer.concat(parts);
}
