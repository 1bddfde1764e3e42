import type { Duplex } from 'node:stream';
import { defaultWindowBytes, frameBytesLeast } from './codes.ts';
import type { StreamMemory } from './memory.ts';
import type { Http2Stream } from './stream.ts';
import { flushSoon, writeTurn } from './turn-writes.ts';

/**
 * What may lie in the socket: a millisecond or two of what it moves, so that a small message does not wait behind more, and what fits the
 * processor's cache: 512 KiB cost 5 % more CPU, 128 KiB 8 % (measured, in turns).
 */
const socketBytesMax = 256 * 1024;
/** What one of several streams may send before the next has its turn. */
const turnBytes = 128 * 1024;
/** Larger frames save next to nothing. */
const frameBytesMax = 256 * 1024;
/** Answers to PING and SETTINGS that a peer provokes and does not read. */
const controlBytesMax = 256 * 1024;

/**
 * Gathers what all streams of a connection have to say in one event-loop turn, and writes it as one corked vector: one system call and one
 * chain of TLS records a turn instead of one a chunk.
 */
export class Output {
  /** What the peer may still take on all streams together. */
  sendWindow = defaultWindowBytes;
  /** The peer's SETTINGS_MAX_FRAME_SIZE. */
  peerFrameBytesMax = frameBytesLeast;
  readonly #socket: Duplex;
  readonly #memory: StreamMemory;
  readonly #onFlood: () => void;
  #control: Buffer[] = [];
  #controlBytes = 0;
  readonly #ready = new Set<Http2Stream>();
  #scheduled = false;
  #flushing = false;
  #turnBytes = 0;

  constructor(socket: Duplex, memory: StreamMemory, onFlood: () => void) {
    this.#socket = socket;
    this.#memory = memory;
    this.#onFlood = onFlood;
  }

  control(frame: Buffer): void {
    this.#control.push(frame);
    this.#controlBytes += frame.length;
    if (this.#controlBytes > controlBytesMax && this.#socket.writableLength >= socketBytesMax) this.#onFlood();
    this.#schedule(frame.length);
  }

  ready(stream: Http2Stream, bytes: number): void {
    this.#ready.add(stream);
    this.#schedule(bytes);
  }

  forget(stream: Http2Stream): void {
    this.#ready.delete(stream);
  }

  credit(bytes: number): void {
    this.sendWindow += bytes;
    if (this.#ready.size > 0) this.#schedule(0);
  }

  #schedule(bytes: number): void {
    this.#turnBytes += bytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    flushSoon(this.#turnBytes, this.flush);
  }

  /** Writes all that may go now; bound, because it is called by timers. */
  readonly flush = (): void => {
    this.#scheduled = false;
    this.#turnBytes = 0;
    const socket = this.#socket;
    if (this.#flushing || socket.destroyed || socket.writableEnded) return;
    const room = socketBytesMax - socket.writableLength;
    if (room <= 0) return; // the write under way calls again
    const frames = this.#control;
    this.#control = [];
    this.#controlBytes = 0;
    this.#flushing = true; // whoever is relieved meanwhile must not write before what has been taken
    const bytes = this.#takeFrames(frames, room);
    this.#flushing = false;
    if (frames.length === 0) return;
    writeTurn(socket, frames, bytes, this.#written);
    this.#memory.sent(bytes);
  };

  #takeFrames(frames: Buffer[], room: number): number {
    const frameBytes = Math.min(this.peerFrameBytesMax, frameBytesMax);
    let bytes = 0;
    for (const stream of this.#ready) {
      if (bytes >= room) break;
      const limit = Math.min(room - bytes, this.sendWindow, this.#ready.size > 1 ? turnBytes : Infinity);
      this.#ready.delete(stream);
      const taken = stream.takeFrames(frames, limit, frameBytes);
      bytes += taken;
      this.sendWindow -= taken;
      // To the end of the line; without a window of the connection there is no line to stand in until it is credited.
      if (stream.sendable) {
        this.#ready.add(stream);
        if (this.sendWindow <= 0) break;
      }
    }
    return bytes;
  }

  readonly #written = (error?: Error | null): void => {
    if (error || this.#scheduled) return;
    if (this.#control.length > 0 || (this.#ready.size > 0 && this.sendWindow > 0)) this.flush();
  };
}
