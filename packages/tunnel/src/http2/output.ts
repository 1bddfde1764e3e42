import type { Duplex } from 'node:stream';
import { defaultWindowBytes, frameBytesLeast } from './codes.ts';
import type { StreamMemory } from './memory.ts';
import type { Http2Stream } from './stream.ts';

/** Less than this in a turn is somebody waiting for an answer: written at the end of this callback. More is bulk: once a loop turn. */
const bulkBytes = 8 * 1024;
/**
 * What may lie in the socket: a millisecond or two of what it moves, so that a small message does not wait behind more, and what fits the
 * processor's cache: 512 KiB cost 5 % more CPU, 128 KiB 8 % (measured, in turns).
 */
const socketBytesMax = 256 * 1024;
/** What one of several streams may send before the next has its turn. */
const turnBytes = 128 * 1024;
/** Larger frames save next to nothing. */
const frameBytesMax = 256 * 1024;
/** Below this one copy is cheaper than a vector of chunks. */
const joinBytes = 16 * 1024;
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
    if (this.#turnBytes < bulkBytes) process.nextTick(this.flush);
    else setImmediate(this.flush);
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
    this.#write(frames, bytes);
    this.#memory.sent(bytes);
  };

  #takeFrames(frames: Buffer[], room: number): number {
    const frameBytes = Math.min(this.peerFrameBytesMax, frameBytesMax);
    let bytes = 0;
    for (const stream of this.#ready) {
      const limit = Math.min(room - bytes, this.sendWindow, this.#ready.size > 1 ? turnBytes : Infinity);
      if (room - bytes <= 0) break;
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

  #write(frames: readonly Buffer[], bytes: number): void {
    const socket = this.#socket;
    if (bytes <= joinBytes && frames.length > 1) {
      socket.write(Buffer.concat(frames), this.#written);
      return;
    }
    socket.cork();
    for (const [i, frame] of frames.entries()) socket.write(frame, i === frames.length - 1 ? this.#written : undefined);
    socket.uncork();
  }

  readonly #written = (error?: Error | null): void => {
    if (error || (this.#ready.size === 0 && this.#control.length === 0)) return;
    if (this.#ready.size > 0 && this.sendWindow <= 0 && this.#control.length === 0) return;
    if (!this.#scheduled) this.flush();
  };
}
