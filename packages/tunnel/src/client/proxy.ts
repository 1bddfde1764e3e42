import type { Socket } from 'node:net';
import type { Host } from '@postern/core';
import type { Logger } from '@postern/daemon';
import { type Carried, Carrier, type MemoryBudget, type Sweeper } from '../transport/index.ts';
import type { ResetCode } from '../wire/index.ts';
import { type Opened, OpenError, type OpenOptions, openTunnel } from './open.ts';

export type Via = 'connect' | 'http' | 'socks5' | 'forward';

export interface ProxyOptions extends OpenOptions {
  readonly budget: MemoryBudget;
  readonly sweeper: Sweeper;
  readonly log: Logger;
  readonly onOutcome: (via: Via, outcome: 'carried' | ResetCode, openMs: number, carried?: Carried) => void;
}

/** What every listener of the client does with a caller: open the tunnel, answer, carry. */
export class Proxy {
  readonly options: ProxyOptions;
  readonly #carriers = new Set<Carrier>();

  constructor(options: ProxyOptions) {
    this.options = options;
  }

  get connections(): number {
    return this.#carriers.size;
  }

  /**
   * Opens a tunnel for a caller's socket and carries it. `accept` says "connected" in the caller's protocol; `refuse` says why not.
   * The socket stays paused until then, so that what the caller sends early is neither lost nor unbounded.
   */
  async serve(
    via: Via,
    socket: Socket,
    host: Host,
    port: number,
    caller: { accept: (opened: Opened) => void; refuse: (error: OpenError) => void; head?: Buffer },
  ): Promise<void> {
    const { budget, sweeper, log, onOutcome } = this.options;
    const startedMs = performance.now();
    const gone = new AbortController();
    const onGone = (): void => gone.abort();
    socket.pause();
    socket.once('close', onGone);
    socket.once('error', onGone);
    const carrier = new Carrier({
      socket,
      budget,
      sweeper,
      onEnd: (carried) => {
        this.#carriers.delete(carrier);
        onOutcome(via, 'carried', openMs, carried);
      },
    });
    let openMs = 0;
    try {
      const opened = await this.open(host, port, { source: socket, onRelief: carrier.onRelief }, gone.signal);
      openMs = performance.now() - startedMs;
      socket.off('close', onGone);
      socket.off('error', onGone);
      if (socket.destroyed) return opened.tunnel.reset('ABORTED', 'the caller went away');
      this.#carriers.add(carrier);
      caller.accept(opened);
      carrier.start(opened.tunnel, caller.head);
    } catch (error) {
      const refusal =
        error instanceof OpenError
          ? error
          : new OpenError('INTERNAL', error instanceof Error ? error.message : String(error), '');
      socket.on('error', () => {});
      log.info(
        {
          via,
          target: `${host.kind === 'name' ? host.name : host.ip}:${port}`,
          code: refusal.reset,
          connection: refusal.connectionId,
        },
        refusal.message,
      );
      onOutcome(via, refusal.reset, performance.now() - startedMs);
      if (!socket.destroyed) caller.refuse(refusal);
    }
  }

  open(host: Host, port: number, flow: Parameters<typeof openTunnel>[3], signal: AbortSignal): Promise<Opened> {
    return openTunnel(host, port, this.options, flow, signal);
  }

  /** Ends every connection at once. */
  end(code: ResetCode, message: string): void {
    for (const carrier of this.#carriers) carrier.end(code, message);
  }
}
