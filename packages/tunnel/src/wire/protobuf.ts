import { WireError } from './errors.ts';

/**
 * As much of the protobuf wire format as the control messages need (https://protobuf.dev/programming-guides/encoding/).
 * Unknown fields are skipped, so that older and newer peers understand one another. Data never passes here: see frame-decoder.ts.
 */
export interface Field {
  readonly number: number;
  /** Length-delimited content, or the empty buffer. */
  readonly bytes: Buffer;
  /** Varint content, or 0. Above 2^53 only the order of magnitude is kept; no field of ours gets there. */
  readonly value: number;
}

const none = Buffer.alloc(0);

/** All fields of a message in order. */
export function readFields(message: Buffer): Field[] {
  const fields: Field[] = [];
  let offset = 0;
  while (offset < message.length) {
    const tag = readVarint(message, offset);
    offset = tag.next;
    const number = Math.floor(tag.value / 8);
    if (number < 1) throw new WireError('a message field has number 0');
    const wireType = tag.value % 8;
    const end = fieldEnd(message, offset, wireType);
    if (wireType === 0) fields.push({ number, bytes: none, value: readVarint(message, offset).value });
    else if (wireType === 2)
      fields.push({ number, bytes: message.subarray(readVarint(message, offset).next, end), value: 0 });
    offset = end;
  }
  return fields;
}

function fieldEnd(message: Buffer, offset: number, wireType: number): number {
  let end: number;
  if (wireType === 0) end = readVarint(message, offset).next;
  else if (wireType === 1) end = offset + 8;
  else if (wireType === 5) end = offset + 4;
  else if (wireType === 2) {
    const length = readVarint(message, offset);
    end = length.next + length.value;
  } else throw new WireError(`a message field has the unknown wire type ${wireType}`);
  if (end > message.length) throw new WireError('a message field is longer than its message');
  return end;
}

function readVarint(buffer: Buffer, offset: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = buffer[offset + i];
    if (byte === undefined) throw new WireError('a message ends inside a number');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: offset + i + 1 };
    scale *= 128;
  }
  throw new WireError('a number is longer than 10 bytes');
}

/** Base-128 bytes of a non-negative integer below 2^53. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A varint field; proto3 leaves out zero. */
export function varintField(number: number, value: number): Buffer {
  return value === 0 ? none : Buffer.concat([varint(number * 8), varint(value)]);
}

/** A length-delimited field, present even when empty, as members of a oneof must be. */
export function bytesField(number: number, content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A string field; proto3 leaves out the empty one. */
export function stringField(number: number, text: string): Buffer {
  return text === '' ? none : bytesField(number, text);
}
