import { PosternError } from '@postern/core';

/** DER (X.690), reading: strict and small, because what is read comes from peers that have proved nothing yet. */

export interface Node {
  readonly tag: number;
  /** The value without tag and length. */
  readonly content: Buffer;
  /** Tag, length and value: what a signature covers. */
  readonly raw: Buffer;
}

/** Not DER, or not the structure expected. */
export class DerError extends PosternError {
  override readonly name = 'DerError';
  constructor(what: string) {
    super('DER', `malformed DER: ${what}`);
  }
}

/** One value that fills `bytes` exactly. */
export function readOne(bytes: Buffer, type: number): Node {
  const [node, extra] = readAll(bytes, 1);
  if (node === undefined || extra !== undefined) throw new DerError('expected one value');
  return expect(node, type);
}

/** The values that follow one another in `bytes`; more than `most` is refused. Nothing recurses. */
export function readAll(bytes: Buffer, most: number): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length;) {
    if (nodes.length === most) throw new DerError('too many values');
    const node = readAt(bytes, at);
    nodes.push(node);
    at += node.raw.length;
  }
  return nodes;
}

export function expect(node: Node | undefined, type: number): Node {
  if (node?.tag !== type) throw new DerError(`expected tag ${type}, got ${node?.tag ?? 'nothing'}`);
  return node;
}

function readAt(bytes: Buffer, at: number): Node {
  const tag = bytes[at]!;
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of several bytes');
  const first = bytes[at + 1];
  if (first === undefined) throw new DerError('cut off');
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    // Four bytes reach far beyond any limit on the input; 0 is BER's indefinite form.
    if (count === 0 || count > 4 || start + count > bytes.length) throw new DerError('a bad length');
    length = bytes.readUIntBE(start, count);
    if (length < 0x80 || (count > 1 && bytes[start] === 0)) throw new DerError('a length not in its shortest form');
    start += count;
  }
  if (start + length > bytes.length) throw new DerError('cut off');
  return { tag, content: bytes.subarray(start, start + length), raw: bytes.subarray(at, start + length) };
}

/** The dotted form of an object identifier. */
export function oidText({ content }: Node): string {
  if (content.length === 0 || content.length > 32 || content.at(-1)! >= 0x80)
    throw new DerError('an object identifier');
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    if (arc === 0 && byte === 0x80) throw new DerError('an object identifier');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > 2 ** 40) throw new DerError('an object identifier');
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const first = Math.min(2, Math.floor(arcs[0]! / 40));
  return [first, arcs[0]! - first * 40, ...arcs.slice(1)].join('.');
}

/** A bit string of whole bytes. */
export function bitStringBytes({ content }: Node): Buffer {
  if (content[0] !== 0) throw new DerError('a bit string that is not whole bytes');
  return content.subarray(1);
}
