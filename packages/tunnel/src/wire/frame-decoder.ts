import { WireError } from './errors.ts';
import { readFields } from './protobuf.ts';
import { type ResetCode, resetCodeName } from './reset-code.ts';

/** What the bytes of a Connect or Accept call say, in order. Data comes as slices of the chunks, never assembled. */
export interface FrameSink {
  data(slice: Buffer): void;
  opened(resolvedAddress: string): void;
  fin(): void;
  reset(code: ResetCode, message: string): void;
}

/** tunnel.proto: "Messages are at most 1 MiB", and a little for tags and lengths. */
const messageBytesMax = 2 ** 20 + 64;
/** Opened and Reset hold an address or a sentence. */
const controlBytesMax = 4096;

/**
 * Reads `Frame`s as they come: `*( flag:1 length:4 *( tag:varint length:varint content ) )`.
 *
 * A state machine over bytes, so that a 512 KiB message costs no copy and no memory: `bytes data` is handed on in the slices
 * in which it arrived. Only the few bytes of headers and of Opened and Reset are held.
 */
export class FrameDecoder {
  readonly #sink: FrameSink;
  #state: 'prefix' | 'tag' | 'length' | 'varint' | 'data' | 'control' | 'skip' = 'prefix';
  /** Bytes left of the current message, the current content, and the bytes held of a prefix or a control field. */
  #message = 0;
  #content = 0;
  #held: Buffer = Buffer.allocUnsafe(16);
  #heldLength = 0;
  #varint = 0;
  #scale = 1;
  #varintLength = 0;
  #field = 0;
  #finSeen = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Whether no message is begun: the only place where another may be put in. */
  get atBoundary(): boolean {
    return this.#state === 'prefix' && this.#heldLength === 0;
  }

  /** Reads a chunk; throws `WireError` at the first byte that is not the protocol. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case 'data': {
        const end = Math.min(chunk.length, at + this.#content);
        this.#advance(end - at);
        this.#sink.data(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
        if (this.#content === 0) this.#fieldDone();
        return end;
      }
      case 'skip': {
        const end = Math.min(chunk.length, at + this.#content);
        this.#advance(end - at);
        if (this.#content === 0) this.#fieldDone();
        return end;
      }
      case 'control':
        return this.#control(chunk, at);
      case 'prefix':
        return this.#prefix(chunk, at);
      default:
        return this.#number(chunk, at);
    }
  }

  #advance(bytes: number): void {
    this.#content -= bytes;
    this.#message -= bytes;
  }

  #prefix(chunk: Buffer, at: number): number {
    this.#held[this.#heldLength++] = chunk[at]!;
    if (this.#heldLength < 5) return at + 1;
    this.#heldLength = 0;
    if (this.#held[0] !== 0) throw new WireError('a message is compressed; no encoding was agreed on');
    this.#message = this.#held.readUInt32BE(1);
    if (this.#message > messageBytesMax)
      throw new WireError(`a message of ${this.#message} bytes is larger than 1 MiB`);
    this.#fieldDone();
    return at + 1;
  }

  #number(chunk: Buffer, at: number): number {
    const byte = chunk[at]!;
    if (--this.#message < 0) throw new WireError('a message ends inside a number');
    this.#varint += (byte & 0x7f) * this.#scale;
    this.#scale *= 128;
    if (++this.#varintLength > 10) throw new WireError('a number is longer than 10 bytes');
    if (byte < 0x80) {
      const value = this.#varint;
      this.#varint = 0;
      this.#scale = 1;
      this.#varintLength = 0;
      this.#numberDone(value);
    } else if (this.#message === 0) throw new WireError('a message ends inside a number');
    return at + 1;
  }

  #numberDone(value: number): void {
    if (this.#state === 'varint') return this.#fieldDone(); // the value of an unknown numeric field
    if (this.#state === 'length') return this.#contentBegins(value);
    this.#field = Math.floor(value / 8);
    const wireType = value % 8;
    if (this.#field < 1) throw new WireError('a message field has number 0');
    if (wireType === 2) this.#state = 'length';
    else if (this.#field <= 4) throw new WireError(`field ${this.#field} of a frame has the wrong type`);
    else if (wireType === 0) this.#state = 'varint';
    else if (wireType === 1 || wireType === 5) this.#contentBegins(wireType === 1 ? 8 : 4);
    else throw new WireError(`a message field has the unknown wire type ${wireType}`);
  }

  #contentBegins(length: number): void {
    if (length > this.#message) throw new WireError('a message field is longer than its message');
    if (this.#finSeen && this.#field === 1 && length > 0) throw new WireError('data follows fin');
    this.#content = length;
    if (this.#field === 1) this.#state = 'data';
    else if (this.#field > 4) this.#state = 'skip';
    else {
      if (length > controlBytesMax) throw new WireError('Opened or Reset is larger than 4 KiB');
      this.#held = Buffer.allocUnsafe(Math.max(16, length));
      this.#state = 'control';
    }
    if (length === 0) this.#contentEnds();
  }

  #control(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#held, this.#heldLength, at, Math.min(chunk.length, at + this.#content));
    this.#heldLength += copied;
    this.#advance(copied);
    if (this.#content === 0) this.#contentEnds();
    return at + copied;
  }

  #contentEnds(): void {
    const content = this.#held.subarray(0, this.#heldLength);
    this.#heldLength = 0;
    const field = this.#field;
    this.#fieldDone();
    if (field === 2) this.#sink.opened(textOf(content, 1));
    else if (field === 4) this.#sink.reset(resetCodeName(numberOf(content, 1)), textOf(content, 2));
    else if (field === 3 && !this.#finSeen) {
      this.#finSeen = true;
      this.#sink.fin();
    }
  }

  #fieldDone(): void {
    this.#state = this.#message === 0 ? 'prefix' : 'tag';
  }
}

function textOf(message: Buffer, number: number): string {
  return (
    readFields(message)
      .findLast((field) => field.number === number)
      ?.bytes.toString() ?? ''
  );
}

function numberOf(message: Buffer, number: number): number {
  return readFields(message).findLast((field) => field.number === number)?.value ?? 0;
}
