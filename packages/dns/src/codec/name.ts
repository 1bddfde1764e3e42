/**
 * Domain names as they lie in a message (RFC 1035 section 3.1 and 4.1.4). A name is handled as its uncompressed wire form:
 * text would have to escape dots and bytes above 127, and two escapings of one name are a way around a route.
 */

/** RFC 1035 section 2.3.4. */
export const nameBytesMax = 255;
const labelBytesMax = 63;

/** The wire form with ASCII letters in lower case, one character a byte: what maps and comparisons use (RFC 4343). */
export type NameKey = string;

/** The offset behind a name that may not be compressed, or -1. In a question a pointer could only point at itself or the header. */
export function endOfPlainName(message: Uint8Array, offset: number): number {
  let at = offset;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > labelBytesMax) return -1;
    at += 1 + length;
    if (at - offset > nameBytesMax) return -1;
    if (length === 0) return at;
  }
}

/** The offset behind a name that may end in a pointer, or -1. Where the pointer leads is not looked at. */
export function endOfName(message: Uint8Array, offset: number): number {
  let at = offset;
  for (;;) {
    const length = message[at];
    if (length === undefined) return -1;
    if (length >= 0xc0) return at + 2 <= message.length ? at + 2 : -1;
    if (length > labelBytesMax) return -1;
    at += 1 + length;
    if (at - offset > nameBytesMax) return -1;
    if (length === 0) return at;
  }
}

export interface WireName {
  /** Uncompressed, in the case it came in. */
  readonly wire: Buffer;
  readonly key: NameKey;
  /** The offset behind the name where it was read. */
  readonly end: number;
}

/**
 * Reads a name through its pointers. Each pointer must lead further back than the one before it, so that a loop ends
 * (the classic decompression loop), and the whole is bounded by 255 bytes.
 */
export function readName(message: Buffer, offset: number): WireName | undefined {
  const parts: Buffer[] = [];
  let bytes = 0;
  let at = offset;
  let bound = offset;
  let end = -1;
  for (;;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length >= 0xc0) {
      const low = message[at + 1];
      if (low === undefined) return undefined;
      if (end < 0) end = at + 2;
      at = ((length & 0x3f) << 8) | low;
      if (at >= bound) return undefined;
      bound = at;
      continue;
    }
    if (length > labelBytesMax || at + 1 + length > message.length) return undefined;
    bytes += 1 + length;
    if (bytes > nameBytesMax) return undefined;
    parts.push(message.subarray(at, at + 1 + length));
    at += 1 + length;
    if (length !== 0) continue;
    const wire = Buffer.concat(parts, bytes);
    return { wire, key: keyOfWire(wire), end: end < 0 ? at : end };
  }
}

/** Lower case for ASCII letters only; a label's length byte (at most 63) is never one. */
export function lowerAscii(bytes: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x41 && byte <= 0x5a) bytes[i] = byte | 0x20;
  }
}

export function keyOfWire(wire: Uint8Array): NameKey {
  const copy = Buffer.from(wire);
  lowerAscii(copy, 0, copy.length);
  return copy.toString('latin1');
}

/** The wire form of a host name in its canonical text (`parseHost`): no escapes can occur in it. */
export function wireOfText(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(String.fromCharCode(label.length) + label, 'latin1')),
    Buffer.of(0),
  ]);
}

/** For people and logs: dots between labels, everything unusual escaped as in a zone file. */
export function textOfKey(key: NameKey): string {
  let text = '';
  for (let at = 0; at < key.length;) {
    const length = key.charCodeAt(at);
    if (length === 0) break;
    for (const char of key.slice(at + 1, at + 1 + length))
      text += /[\w-]/.test(char) ? char : `\\${String(char.charCodeAt(0)).padStart(3, '0')}`;
    text += '.';
    at += 1 + length;
  }
  return text === '' ? '.' : text;
}
