/**
 * The block is not HPACK. The two ends' tables can no longer be known to agree, so it costs the whole connection:
 * COMPRESSION_ERROR (RFC 9113 section 4.3).
 */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}

/** The block was read to its end and holds more than we take. The table is in step, so it costs only that stream. */
export class HeaderListTooLargeError extends Error {
  override readonly name = 'HeaderListTooLargeError';
}
