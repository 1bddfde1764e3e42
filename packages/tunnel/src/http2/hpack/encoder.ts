import type { HeaderField } from './header-field.ts';
import { staticTable } from './static-table.ts';

/** The indexes of each name's values. The first is the name's own. */
const indexes = new Map<string, Map<string, number>>();
for (const [i, [name, value]] of staticTable.entries())
  indexes.set(name, (indexes.get(name) ?? new Map<string, number>()).set(value, i + 1));

/**
 * A header block for `fields` (RFC 7541 section 6), names and values being latin1.
 *
 * No dynamic table and no Huffman code: a call's headers are 150 bytes, once for a whole connection through the tunnel. What they
 * would save is not worth a state that two ends must keep alike; this way each block stands alone, whatever became of the last.
 */
export function encodeHeaders(fields: Iterable<HeaderField>): Buffer {
  const bytes: number[] = [];
  for (const [name, value] of fields) {
    const values = indexes.get(name);
    const index = values?.get(value);
    if (index !== undefined) {
      pushInteger(bytes, 0x80, 7, index); // 6.1: indexed
      continue;
    }
    const [nameIndex = 0] = values?.values() ?? [];
    pushInteger(bytes, 0x00, 4, nameIndex); // 6.2.2: literal without indexing
    if (nameIndex === 0) pushString(bytes, name);
    pushString(bytes, value);
  }
  return Buffer.from(bytes);
}

/** Section 5.1; `pattern` is what the bits before the prefix say. */
function pushInteger(bytes: number[], pattern: number, prefixBits: number, value: number): void {
  const prefixMax = 2 ** prefixBits - 1;
  if (value < prefixMax) {
    bytes.push(pattern | value);
    return;
  }
  bytes.push(pattern | prefixMax);
  let rest = value - prefixMax;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
}

function pushString(bytes: number[], text: string): void {
  pushInteger(bytes, 0x00, 7, text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Cut to eight bits, U+010A would be a line feed at whoever turns these headers into HTTP/1.
    if (code > 0xff) throw new TypeError('a header has a character that is not latin1');
    bytes.push(code);
  }
}
