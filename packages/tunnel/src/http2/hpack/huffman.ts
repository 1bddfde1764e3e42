import { HpackError } from './errors.ts';

/**
 * RFC 7541 Appendix B: the bits of the code of each octet, and of EOS (256). The lengths say it all, because the code is canonical:
 * codes of one length follow one another in the order of their symbols, and shorter ones come first.
 */
export const huffmanCodeBits: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

const eos = 256;
/** The shortest code; longer than a nibble, so that a nibble completes at most one symbol. */
const codeBitsMin = 5;
/** Section 5.2: "A padding strictly longer than 7 bits MUST be treated as a decoding error." */
const paddingBitsMax = 7;

/**
 * The code as a state machine over nibbles. A state is an inner node of the code's tree, of which 257 leaves make 256; the root is 0.
 * `steps[state * 16 + nibble]` is -1 where EOS is completed, and otherwise `next | emits << 8 | symbol << 9`. 16 KiB, which stay in
 * the first-level cache; by whole bytes it would be 256 KiB and a longer start for no call that we have.
 */
const bitSteps = stepsOfOneBit();
const steps = twice(twice(bitSteps, 1), 2);
const mayEnd = statesOfPadding();

/**
 * The tree, level by level: as the code is canonical, a level has its leaves first, in the order of their symbols, and then the inner
 * nodes, which are numbered as they are met.
 */
function stepsOfOneBit(): Int32Array {
  const symbols = huffmanCodeBits
    .map((_, symbol) => symbol)
    .toSorted((a, b) => huffmanCodeBits[a]! - huffmanCodeBits[b]! || a - b);
  const steps = new Int32Array(eos * 2);
  const depth = new Uint8Array(eos);
  let nodes = 1;
  let leaves = 0;
  for (let at = 0; at < steps.length; at++) {
    const childDepth = depth[at >> 1]! + 1;
    const symbol = symbols[leaves]!;
    if (huffmanCodeBits[symbol] === childDepth) {
      steps[at] = symbol === eos ? -1 : (1 << 8) | (symbol << 9);
      leaves++;
    } else {
      depth[nodes] = childDepth;
      steps[at] = nodes++;
    }
  }
  return steps;
}

/** From steps over `bits` bits those over twice as many: half the time of walking the tree for each, which every start would pay. */
function twice(steps: Int32Array, bits: number): Int32Array {
  const doubled = new Int32Array(eos << (bits * 2));
  for (let at = 0; at < doubled.length; at++) {
    const first = steps[at >> bits]!;
    // Also after EOS, where it is of no account, this is an index of the table.
    const second = steps[((first & 255) << bits) | (at & ((1 << bits) - 1))]!;
    doubled[at] = first < 0 || second < 0 ? -1 : (second & 255) | ((first | second) & ~255);
  }
  return doubled;
}

/** Padding is the beginning of EOS, which is all ones: those few states, and no other, may end a string. */
function statesOfPadding(): Uint8Array {
  const mayEnd = new Uint8Array(eos);
  for (let bits = 0, state = 0; bits <= paddingBitsMax; bits++) {
    mayEnd[state] = 1;
    state = bitSteps[state * 2 + 1]!;
  }
  return mayEnd;
}

/** Decodes the octets `start` to `end` of `block`. What comes out is at most 8/5 as long as what went in. */
export function huffmanDecode(block: Buffer, start: number, end: number): string {
  const out = Buffer.allocUnsafe(Math.floor(((end - start) * 8) / codeBitsMin));
  let length = 0;
  let state = 0;
  for (let nibble = start * 2; nibble < end * 2; nibble++) {
    const byte = block[nibble >> 1]!;
    const step = steps[state * 16 + ((nibble & 1) === 0 ? byte >> 4 : byte & 15)]!;
    if (step < 0) throw new HpackError('a Huffman string contains EOS');
    if ((step & 256) !== 0) out[length++] = step >> 9;
    state = step & 255;
  }
  if (mayEnd[state] !== 1) throw new HpackError('a Huffman string ends in a padding that is not up to 7 ones');
  return out.toString('latin1', 0, length);
}
