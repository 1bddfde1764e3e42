import { fieldBytes, fieldOverheadBytes, type HeaderField } from './header-field.ts';

/** RFC 7541 section 2.3.2 and 4: the fields last added, as many as fit, the newest first. A ring: everything costs O(1) an entry. */
export class DynamicTable {
  /** Grows to `#slots`. What is evicted is overwritten with undefined, or it would be held as long as the connection. */
  readonly #ring: (HeaderField | undefined)[] = [];
  readonly #slots: number;
  #next = 0;
  #count = 0;
  #bytes = 0;
  #bytesMax: number;

  /** `bytesMax` is the size at first, `bytesLimit` the largest that it will ever be resized to. */
  constructor(bytesMax: number, bytesLimit: number) {
    this.#bytesMax = bytesMax;
    this.#slots = Math.max(1, Math.floor(bytesLimit / fieldOverheadBytes));
  }

  /** Section 4.1. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The entry at `index`, the newest being 1. */
  at(index: number): HeaderField | undefined {
    return index < 1 || index > this.#count ? undefined : this.#ring[this.#slot(index)];
  }

  /** Section 4.4: an entry larger than the table empties it, which is not an error. */
  insert(field: HeaderField): void {
    const bytes = fieldBytes(field);
    this.#evictTo(this.#bytesMax - bytes);
    if (bytes > this.#bytesMax) return;
    this.#ring[this.#next] = field;
    this.#next = (this.#next + 1) % this.#slots;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Section 4.3. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#evictTo(bytesMax);
  }

  #evictTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const slot = this.#slot(this.#count);
      this.#bytes -= fieldBytes(this.#ring[slot]!);
      this.#ring[slot] = undefined;
      this.#count--;
    }
  }

  #slot(index: number): number {
    return (this.#next - index + this.#slots) % this.#slots;
  }
}
