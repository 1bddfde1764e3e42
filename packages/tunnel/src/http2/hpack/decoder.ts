import { BlockReader } from './block-reader.ts';
import { DynamicTable } from './dynamic-table.ts';
import { HeaderListTooLargeError, HpackError } from './errors.ts';
import { fieldBytes, type HeaderField } from './header-field.ts';
import { staticTable } from './static-table.ts';

export interface HpackLimits {
  /** The SETTINGS_HEADER_TABLE_SIZE that we advertised. */
  readonly tableBytesMax?: number;
  /** What the fields of one block may come to, each with 32 octets on top (RFC 9113 section 6.5.2). */
  readonly listBytesMax?: number;
  /** How many fields one block may hold. */
  readonly listCountMax?: number;
}

/** SETTINGS_HEADER_TABLE_SIZE before anybody has said anything (RFC 9113 section 6.5.2). */
const initialTableBytesMax = 4096;
/** A call of ours has 150 bytes; this leaves room for whatever a proxy on the way adds. */
const defaultListBytesMax = 8192;
/** 64 fields of 128 octets each make 8 KiB. */
const defaultListCountMax = 64;
/** RFC 7541 section 4.2: the smallest size in between, and then the last one. */
const sizeUpdatesMax = 2;

/**
 * Reads the header blocks of one direction of a connection, in order and whole (RFC 7541 section 3).
 *
 * Memory is bounded by the table, the list and 8/5 of the block. A peer that names one large entry of the table a thousand times
 * over (the "HPACK bomb") gets no further than the list's limit, because what lies beyond is counted and not kept.
 */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #tableBytesMax: number;
  readonly #listBytesMax: number;
  readonly #listCountMax: number;
  #sizeUpdateMax: number;
  #broken = false;

  constructor(limits: HpackLimits = {}) {
    this.#tableBytesMax = limits.tableBytesMax ?? initialTableBytesMax;
    this.#listBytesMax = limits.listBytesMax ?? defaultListBytesMax;
    this.#listCountMax = limits.listCountMax ?? defaultListCountMax;
    // A client writes its first requests before our SETTINGS reach it. Until it says that it has come down to what we advertised,
    // its table is the initial one.
    this.#sizeUpdateMax = Math.max(initialTableBytesMax, this.#tableBytesMax);
    this.#table = new DynamicTable(initialTableBytesMax, this.#sizeUpdateMax);
  }

  /**
   * The fields of a block. Throws `HpackError` if it is malformed: the connection must end. Throws `HeaderListTooLargeError` if it
   * is larger than the limits: it was read to its end for the table's sake, and the next block can be decoded.
   */
  decode(block: Buffer): HeaderField[] {
    // The table of a failed decoder is not what the peer means: it would give one request the headers of another.
    if (this.#broken) throw new HpackError('a header block follows one that was malformed');
    this.#broken = true;
    const reader = new BlockReader(block);
    this.#sizeUpdates(reader);
    const fields: HeaderField[] = [];
    let count = 0;
    let bytes = 0;
    while (!reader.done) {
      const field = this.#field(reader);
      bytes += fieldBytes(field);
      count++;
      if (bytes <= this.#listBytesMax && count <= this.#listCountMax) fields.push(field);
    }
    this.#broken = false;
    if (fields.length === count) return fields;
    throw new HeaderListTooLargeError(
      `a header list has ${count} fields and ${bytes} bytes; at most ${this.#listCountMax} and ${this.#listBytesMax} are taken`,
    );
  }

  /** Section 6.3, and section 4.2: only before the first field. */
  #sizeUpdates(reader: BlockReader): void {
    for (let updates = 0; !reader.done && (reader.next & 0xe0) === 0x20; updates++) {
      if (updates === sizeUpdatesMax) throw new HpackError('more than two table size updates in a header block');
      const size = reader.integer(5);
      if (size > this.#sizeUpdateMax) throw new HpackError('a table size update is above the size that was advertised');
      if (size <= this.#tableBytesMax) this.#sizeUpdateMax = this.#tableBytesMax;
      this.#table.resize(size);
    }
  }

  #field(reader: BlockReader): HeaderField {
    const first = reader.next;
    if ((first & 0x80) !== 0) return this.#entry(reader.integer(7)); // 6.1: indexed
    if ((first & 0xc0) === 0x40) {
      const field = this.#literal(reader, 6); // 6.2.1: literal with incremental indexing
      this.#table.insert(field);
      return field;
    }
    if ((first & 0xe0) === 0x20) throw new HpackError('a table size update follows a field');
    return this.#literal(reader, 4); // 6.2.2 and 6.2.3: literal without indexing, literal never indexed
  }

  #literal(reader: BlockReader, prefixBits: number): HeaderField {
    const index = reader.integer(prefixBits);
    const name = index === 0 ? reader.string() : this.#entry(index)[0];
    return [name, reader.string()];
  }

  /** Section 2.3.3: the static table first, then the dynamic one. */
  #entry(index: number): HeaderField {
    const entry = staticTable[index - 1] ?? this.#table.at(index - staticTable.length);
    if (entry === undefined) throw new HpackError(`there is no entry ${index} in the header tables`);
    return entry;
  }
}
