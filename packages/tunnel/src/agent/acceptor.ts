import { parseHostPort } from '@postern/core';
import type { Logger } from '@postern/daemon';
import type { Headers, Http2Stream } from '../http2/index.ts';
import type { LinkSession } from '../link/index.ts';
import {
  callHeaders,
  type Carried,
  Carrier,
  type MemoryBudget,
  type Sweeper,
  TunnelStream,
} from '../transport/index.ts';
import { type FrameSink, grpcPaths, type ResetCode } from '../wire/index.ts';
import { dial, DialError, type DialOptions } from './dial.ts';

export interface AcceptorOptions {
  /** Read at each open, so that a reloaded file counts from the next connection on. */
  readonly dialOptions: () => DialOptions;
  readonly budget: MemoryBudget;
  readonly sweeper: Sweeper;
  readonly log: Logger;
  readonly onOutcome: (outcome: 'carried' | ResetCode, carried?: Carried) => void;
}

/** Before a connection is dialled nothing but Reset makes sense from the other side. */
const deaf: FrameSink = { data: () => {}, opened: () => {}, fin: () => {}, reset: () => {} };

/** Parks Accept calls on one session and serves what the server sends down them. */
export class Acceptor {
  readonly #session: LinkSession;
  readonly #options: AcceptorOptions;
  readonly #parked = new Set<Http2Stream>();
  readonly #carriers = new Set<Carrier>();

  constructor(session: LinkSession, options: AcceptorOptions) {
    this.#session = session;
    this.#options = options;
  }

  get connections(): number {
    return this.#carriers.size;
  }

  /** Fills the pool. Called on welcome and whenever a call was taken: a connection then needs no round trip to find the agent. */
  fill(): void {
    while (this.#session.state === 'ready' && this.#parked.size < this.#session.parkedAccepts) this.#park();
  }

  /** Gives back the parked calls; the connections go on. */
  unpark(): void {
    for (const stream of this.#parked) stream.close('CANCEL');
    this.#parked.clear();
  }

  /** Ends every connection at once. */
  end(code: ResetCode, message: string): void {
    for (const carrier of this.#carriers) carrier.end(code, message);
  }

  #park(): void {
    const stream = this.#session.http2.request(callHeaders(grpcPaths.accept));
    this.#parked.add(stream);
    stream.once('close', () => {
      // Refused or lost while parked. Refill only on a live session, a turn later: a server that refuses at once must not spin us.
      if (this.#parked.delete(stream)) setTimeout(() => this.fill(), 100).unref();
    });
    stream.once('response', (headers) => {
      if (headers['postern-target'] === undefined) return; // an error status; 'close' follows
      this.#parked.delete(stream);
      this.fill();
      void this.#serve(stream, headers);
    });
  }

  async #serve(stream: Http2Stream, headers: Headers): Promise<void> {
    const { budget, sweeper, log, onOutcome } = this.#options;
    const target = headers['postern-target']!;
    const log2 = log.child({ connection: headers['postern-connection-id'], client: headers['postern-client'], target });
    const gone = new AbortController();
    stream.once('close', () => gone.abort(new Error('the call ended')));
    let carrier: Carrier | undefined;
    const tunnel = new TunnelStream(stream, {
      onRelief: () => carrier?.onRelief(),
      sink: { ...deaf, reset: () => gone.abort(new Error('reset')) },
    });
    this.#session.connections++;
    stream.once('close', () => {
      this.#session.connections--;
      this.#session.closeIfIdle();
    });
    try {
      const parsed = parseHostPort(target);
      if ('reason' in parsed)
        throw new DialError('DENIED_BY_AGENT', `the server asked for ${target}, which ${parsed.reason}`);
      const { socket, resolvedAddress } = await dial(
        parsed.host,
        parsed.port,
        this.#options.dialOptions(),
        gone.signal,
      );
      carrier = new Carrier({
        socket,
        budget,
        sweeper,
        onEnd: (carried) => {
          this.#carriers.delete(carrier!);
          log2.debug({ ...carried }, 'connection closed');
          onOutcome('carried', carried);
        },
      });
      this.#carriers.add(carrier);
      tunnel.opened(resolvedAddress);
      carrier.start(tunnel);
      log2.debug({ resolvedAddress }, 'connection opened');
    } catch (error) {
      const code = error instanceof DialError ? error.reset : 'INTERNAL';
      const message = error instanceof Error ? error.message : String(error);
      if (code === 'DENIED_BY_AGENT') log2.warn({ code }, message);
      else log2.info({ code }, message);
      tunnel.reset(code, message);
      onOutcome(code);
    }
  }
}
