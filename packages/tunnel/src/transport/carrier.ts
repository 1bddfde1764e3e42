import type { Socket } from 'node:net';
import { formatDuration } from '@postern/core';
import type { FrameSink, ResetCode } from '../wire/index.ts';
import { BatchWriter } from './batch-writer.ts';
import type { MemoryBudget } from './budget.ts';
import { resetSocket } from './reset.ts';
import type { Sweepable, Sweeper } from './sweeper.ts';
import type { TunnelStream } from './tunnel-stream.ts';

export interface Carried {
  readonly bytesFromSocket: number;
  readonly bytesToSocket: number;
  /** undefined when both directions ended by themselves. */
  readonly reset: { readonly code: ResetCode; readonly message: string } | undefined;
}

export interface CarrierOptions {
  readonly socket: Socket;
  readonly budget: MemoryBudget;
  readonly sweeper: Sweeper;
  readonly onEnd: (carried: Carried) => void;
}

/**
 * Copies between a TCP socket and a tunnel stream until both directions have ended: FIN stays FIN, RST stays RST, and a slow
 * reader on one end pauses its sender at the other and nobody else.
 */
export class Carrier implements FrameSink, Sweepable {
  lastActivityMs = performance.now();
  #bytesFromSocket = 0;
  #bytesToSocket = 0;
  #socketEnded = false;
  #streamEnded = false;
  #over = false;
  #tunnel: TunnelStream | undefined;
  readonly #options: CarrierOptions;
  readonly #socket: Socket;
  #toSocket: BatchWriter | undefined;

  constructor(options: CarrierOptions) {
    this.#options = options;
    this.#socket = options.socket;
  }

  get halfClosed(): boolean {
    return this.#socketEnded !== this.#streamEnded;
  }

  /** What the tunnel stream calls when it can take more. */
  readonly onRelief = (): void => void this.#socket.resume();

  /** Begins. `head` is what the caller had already sent behind its request. */
  start(tunnel: TunnelStream, head?: Buffer): void {
    this.#tunnel = tunnel;
    const { budget, sweeper } = this.#options;
    this.#toSocket = new BatchWriter(this.#socket, budget, () => tunnel.resume());
    sweeper.add(this);
    tunnel.stream.carry();
    if (head !== undefined && head.length > 0) this.#fromSocket(head);
    this.#socket.on('data', (chunk: Buffer) => this.#fromSocket(chunk));
    const onEnd = (): void => {
      this.#socketEnded = true;
      tunnel.fin();
      this.#finishIfDone();
    };
    // A caller that ended while its connection was being opened: node:net emits 'end' on a paused socket that holds no data.
    if (this.#socket.readableEnded) onEnd();
    else this.#socket.on('end', onEnd);
    this.#socket.on('error', (error) => this.#socketLost(error.message));
    this.#socket.on('close', () => this.#socketLost('the connection was closed'));
    tunnel.sink = this; // may tell at once what came with Opened
    this.#socket.resume();
    tunnel.resume();
  }

  #fromSocket(chunk: Buffer): void {
    this.lastActivityMs = performance.now();
    this.#bytesFromSocket += chunk.length;
    if (!this.#tunnel!.data(chunk)) this.#socket.pause();
  }

  data(slice: Buffer): void {
    this.lastActivityMs = performance.now();
    this.#bytesToSocket += slice.length;
    if (!this.#toSocket!.push(slice)) this.#tunnel!.pause();
  }

  opened(): void {} // a second Opened says nothing new

  fin(): void {
    this.#streamEnded = true;
    this.lastActivityMs = performance.now();
    this.#toSocket!.flushed(() => this.#socket.end(() => this.#finishIfDone()));
  }

  reset(code: ResetCode, message: string): void {
    if (this.#over) return;
    resetSocket(this.#socket);
    this.#finish({ code, message });
  }

  expire(silentMs: number): void {
    this.end(
      'IDLE_TIMEOUT',
      `silent for ${formatDuration(Math.floor(silentMs / 1000) * 1000)}${this.halfClosed ? ', half-closed' : ''}`,
    );
  }

  /** Ends both sides from here, at once. */
  end(code: ResetCode, message: string): void {
    if (this.#over) return;
    this.#tunnel?.reset(code, message);
    resetSocket(this.#socket);
    this.#finish({ code, message });
  }

  #socketLost(message: string): void {
    if (this.#over || (this.#socketEnded && this.#streamEnded && this.#socket.writableFinished))
      return this.#finishIfDone();
    this.#tunnel!.reset('ABORTED', message);
    this.#finish({ code: 'ABORTED', message });
  }

  #finishIfDone(): void {
    if (!this.#socketEnded || !this.#streamEnded || this.#over || !this.#socket.writableFinished) return;
    this.#socket.destroySoon();
    this.#finish(undefined);
  }

  #finish(reset: Carried['reset']): void {
    if (this.#over) return;
    this.#over = true;
    this.#toSocket?.discard();
    this.#options.sweeper.delete(this);
    this.#options.onEnd({ bytesFromSocket: this.#bytesFromSocket, bytesToSocket: this.#bytesToSocket, reset });
  }
}
