/**
 * DER (X.690), writing: just what a certificate and a request need. Our own, because the libraries that do it bring twenty packages,
 * a global polyfill and 22 MB to an agent that makes one request a day. OpenSSL checks the result in the tests.
 */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]`, primitive or constructed (0x20). */
export function contextTag(number: number, constructed = true): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

export function tlv(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([type]), lengthBytes(content.length), content]);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(tag.sequence, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => tlv(tag.set, ...parts);
export const octets = (bytes: Uint8Array): Buffer => tlv(tag.octetString, bytes);
export const utf8 = (text: string): Buffer => tlv(tag.utf8String, Buffer.from(text, 'utf8'));
export const yes = (): Buffer => tlv(tag.boolean, Buffer.from([0xff]));

/** A bit string of whole bytes; `unusedBits` of the last one do not count. */
export const bits = (bytes: Uint8Array, unusedBits = 0): Buffer => tlv(tag.bitString, Buffer.from([unusedBits]), bytes);

/** A non-negative integer from big-endian bytes, in its shortest form. */
export function unsigned(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const shortest = bytes.subarray(start);
  const signed = (shortest[0] ?? 0) >= 0x80;
  return tlv(tag.integer, signed ? Buffer.concat([Buffer.from([0]), shortest]) : shortest);
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]];
  return tlv(tag.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const groups = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift(0x80 | (rest % 128));
  return groups;
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). Whole seconds, rounded down. */
export function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  const year = Number(digits.slice(0, 4));
  return year < 2050 ? tlv(tag.utcTime, Buffer.from(digits.slice(2))) : tlv(tag.generalizedTime, Buffer.from(digits));
}
