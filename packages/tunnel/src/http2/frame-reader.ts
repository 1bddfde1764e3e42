import { ConnectionError, flag, frameBytesLeast, frameType } from './codes.ts';
import { headerBytes } from './frames.ts';

/** What the bytes of a connection say, in order. */
export interface FrameHandler {
  /** A DATA frame begins. `flowBytes` counts against both windows: the padding too (RFC 9113 section 6.9.1). */
  dataBegins(streamId: number, flowBytes: number): void;
  /** A slice of its content, never assembled. */
  data(slice: Buffer): void;
  dataEnds(endStream: boolean): void;
  /** Any other frame, whole. */
  frame(type: number, flags: number, streamId: number, payload: Buffer): void;
}

/**
 * Cuts a connection's bytes into frames as they come. DATA is handed on in the slices in which it arrived; of other frames at most 16 KiB
 * are held.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #dataBytesMax: number;
  readonly #header: Buffer = Buffer.allocUnsafe(headerBytes);
  #headerLength = 0;
  #state: 'header' | 'padLength' | 'data' | 'padding' | 'payload' = 'header';
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Bytes left of the frame, without padding; bytes of padding behind them. */
  #left = 0;
  #padding = 0;
  #payload: Buffer = this.#header;
  #payloadLength = 0;
  #stopped = false;

  /** @param dataBytesMax what was advertised as SETTINGS_MAX_FRAME_SIZE; other frames are held to its least value */
  constructor(handler: FrameHandler, dataBytesMax: number) {
    this.#handler = handler;
    this.#dataBytesMax = dataBytesMax;
  }

  /** Nothing more is told, also of the chunk at hand. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads a chunk; throws `ConnectionError`. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) at = this.#step(chunk, at);
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case 'header':
        return this.#readHeader(chunk, at);
      case 'data': {
        const end = Math.min(chunk.length, at + this.#left);
        this.#left -= end - at;
        this.#handler.data(end - at === chunk.length ? chunk : chunk.subarray(at, end));
        if (this.#left === 0) this.#dataDone();
        return end;
      }
      case 'payload': {
        const end = Math.min(chunk.length, at + this.#left);
        chunk.copy(this.#payload, this.#payloadLength, at, end);
        this.#payloadLength += end - at;
        this.#left -= end - at;
        if (this.#left === 0) this.#frameDone();
        return end;
      }
      case 'padLength':
        this.#padding = chunk[at]!;
        if (this.#padding >= this.#left) throw new ConnectionError('PROTOCOL_ERROR', 'a frame is all padding');
        this.#left -= 1 + this.#padding;
        this.#state = 'data';
        if (this.#left === 0) this.#dataDone();
        return at + 1;
      case 'padding': {
        const end = Math.min(chunk.length, at + this.#padding);
        this.#padding -= end - at;
        if (this.#padding === 0) this.#dataOver();
        return end;
      }
    }
  }

  #readHeader(chunk: Buffer, at: number): number {
    let header = chunk;
    let from = at;
    let end = at + headerBytes;
    if (this.#headerLength > 0 || end > chunk.length) {
      end = Math.min(chunk.length, at + headerBytes - this.#headerLength);
      this.#headerLength += chunk.copy(this.#header, this.#headerLength, at, end);
      if (this.#headerLength < headerBytes) return end;
      this.#headerLength = 0;
      header = this.#header;
      from = 0;
    }
    this.#left = (header[from]! << 16) | (header[from + 1]! << 8) | header[from + 2]!;
    this.#type = header[from + 3]!;
    this.#flags = header[from + 4]!;
    this.#streamId = header.readUInt32BE(from + 5) & 0x7fff_ffff;
    this.#frameBegins();
    return end;
  }

  #frameBegins(): void {
    const bytes = this.#left;
    if (this.#type === frameType.data) {
      if (bytes > this.#dataBytesMax) throw new ConnectionError('FRAME_SIZE_ERROR', `a DATA frame of ${bytes} bytes`);
      if (this.#streamId === 0) throw new ConnectionError('PROTOCOL_ERROR', 'DATA on stream 0');
      this.#handler.dataBegins(this.#streamId, bytes);
      if ((this.#flags & flag.padded) !== 0) {
        if (bytes === 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'a padded frame without a pad length');
        this.#state = 'padLength';
      } else if (bytes === 0) this.#dataOver();
      else this.#state = 'data';
      return;
    }
    if (bytes > frameBytesLeast)
      throw new ConnectionError('FRAME_SIZE_ERROR', `a frame of type ${this.#type} has ${bytes} bytes`);
    this.#payload = Buffer.allocUnsafe(bytes);
    this.#payloadLength = 0;
    if (bytes === 0) this.#frameDone();
    else this.#state = 'payload';
  }

  #dataDone(): void {
    if (this.#padding > 0) this.#state = 'padding';
    else this.#dataOver();
  }

  #dataOver(): void {
    this.#state = 'header';
    if (!this.#stopped) this.#handler.dataEnds((this.#flags & flag.endStream) !== 0);
  }

  #frameDone(): void {
    this.#state = 'header';
    const payload = this.#payload;
    this.#payload = this.#header;
    this.#handler.frame(this.#type, this.#flags, this.#streamId, payload);
  }
}
