import { Duplex } from 'node:stream';
import type { TunnelStream } from '../transport/index.ts';

/** A tunnel stream as a Node Duplex, for code that speaks HTTP over it. Connections that are only copied use `Carrier`. */
export class TunnelDuplex extends Duplex {
  #tunnel: TunnelStream | undefined;
  #blocked: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  /** To be passed as `onRelief` when the tunnel is opened. */
  readonly onRelief = (): void => {
    const next = this.#blocked;
    this.#blocked = undefined;
    next?.();
  };

  attach(tunnel: TunnelStream): this {
    this.#tunnel = tunnel;
    tunnel.stream.carry();
    tunnel.sink = {
      opened: () => {},
      data: (slice) => {
        if (!this.push(slice)) tunnel.pause();
      },
      fin: () => void this.push(null),
      reset: (code, message) => void this.destroy(new Error(`${code}: ${message}`)),
    };
    return this;
  }

  override _read(): void {
    this.#tunnel?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#tunnel!.data(chunk)) done();
    else this.#blocked = done;
  }

  override _final(done: () => void): void {
    this.#tunnel!.fin();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#tunnel?.reset('ABORTED', 'the caller went away'); // nothing after both fins
    done(error);
  }

  // node:http calls these on what it takes for a socket.
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
