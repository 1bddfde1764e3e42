/** A header or pseudo-header field. The strings are latin1: one character an octet, so that nothing is lost or guessed. */
export type HeaderField = readonly [name: string, value: string];

/**
 * What a field counts for, in the table (RFC 7541 section 4.1) as in the list (RFC 9113 section 6.5.2). The 32 stand for what
 * an implementation spends on an entry besides its octets, and bound the number of entries also where all are empty.
 */
export function fieldBytes(field: HeaderField): number {
  return field[0].length + field[1].length + fieldOverheadBytes;
}

export const fieldOverheadBytes = 32;
