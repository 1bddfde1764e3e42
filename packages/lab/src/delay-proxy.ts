import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type ListenAddress, PosternError } from '@postern/core';

/**
 * A TCP proxy that adds a fixed delay each way: a WAN where the kernel has no netem. Ideal on purpose: every byte, FIN and reset
 * arrives exactly `delayMs` later, bandwidth is not limited, half-close is kept.
 */
export interface DelayProxyOptions {
  readonly listen: ListenAddress;
  readonly to: ListenAddress;
  /** One way; a round trip costs twice this. */
  readonly delayMs: number;
}

export interface DelayProxy extends AsyncDisposable {
  readonly address: ListenAddress;
  readonly connections: number;
  /** Changes the delay of what arrives from now on. */
  setDelayMs(delayMs: number): void;
  /** Ends every connection with a reset, as a cut line that is noticed. */
  resetAll(): void;
  close(): Promise<void>;
}

/** What may be under way in one direction: 256 MiB is 2.5 GiB/s at 100 ms, beyond what a test sends. */
const flightBytesMax = 256 * 2 ** 20;
/** What a slow receiver may leave in the proxy before its sender is held: the size of a generous socket buffer. */
const overdueBytesMax = 4 * 2 ** 20;

export async function startDelayProxy(options: DelayProxyOptions): Promise<DelayProxy> {
  const pairs = new Set<() => void>();
  let delayMs = options.delayMs;
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (near) => {
    // The SYN takes its time too.
    const timer = setTimeout(() => {
      const far = connect({ host: options.to.host, port: options.to.port, allowHalfOpen: true, noDelay: true });
      const current = (): number => delayMs;
      carry(near, far, current);
      carry(far, near, current);
    }, delayMs);
    const end = (): void => void near.resetAndDestroy();
    pairs.add(end);
    near.on('error', () => {});
    near.once('close', () => {
      clearTimeout(timer);
      pairs.delete(end);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new PosternError(
          'LISTEN',
          `cannot listen on ${options.listen.host}:${options.listen.port} (delay proxy): ${error.message}`,
          { cause: error, hint: 'take another port, or 0 for a free one' },
        ),
      ),
    );
    server.listen(options.listen, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  const resetAll = (): void => {
    for (const end of pairs) end();
  };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      resetAll();
    });
  return {
    address: { host: address, port },
    get connections() {
      return pairs.size;
    },
    setDelayMs: (ms) => void (delayMs = ms),
    resetAll,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Something on its way: bytes, the FIN, or a reset. */
type Flight = { readonly dueMs: number } & (
  | { readonly kind: 'data'; readonly chunk: Buffer }
  | { readonly kind: 'fin' }
  | { readonly kind: 'reset' }
);

/** Moves one direction from `source` to `sink`. */
function carry(source: Socket, sink: Socket, delayMs: () => number): void {
  const queue: Flight[] = [];
  let flightBytes = 0;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;

  const hold = (): void => {
    const full = flightBytes > flightBytesMax || sink.writableLength > overdueBytesMax;
    if (full) source.pause();
    else if (source.isPaused()) source.resume();
  };
  const release = (): void => {
    timer = undefined;
    const nowMs = performance.now();
    let taken = 0;
    sink.cork();
    for (const flight of queue) {
      if (flight.dueMs > nowMs) break;
      taken++;
      deliver(flight);
    }
    sink.uncork();
    queue.splice(0, taken);
    hold();
    schedule();
  };
  const deliver = (flight: Flight): void => {
    if (flight.kind === 'reset') return void sink.resetAndDestroy();
    if (sink.destroyed) return;
    if (flight.kind === 'fin') return void sink.end();
    flightBytes -= flight.chunk.length;
    sink.write(flight.chunk, hold);
  };
  const schedule = (): void => {
    const [next] = queue;
    if (next !== undefined) timer ??= setTimeout(release, Math.max(0, next.dueMs - performance.now()));
  };
  const send = (flight: Flight): void => {
    queue.push(flight);
    schedule();
  };
  const dueMs = (): number => performance.now() + delayMs();

  source.on('data', (chunk: Buffer) => {
    flightBytes += chunk.length;
    send({ kind: 'data', chunk, dueMs: dueMs() });
    hold();
  });
  source.once('end', () => {
    ended = true;
    send({ kind: 'fin', dueMs: dueMs() });
  });
  source.on('error', () => {});
  source.resume(); // it was paused on arrival
  // Closed without a FIN: a reset, or a dial that failed. The other side hears of it in the same way, as late as anything else.
  source.once('close', () => {
    if (!ended) send({ kind: 'reset', dueMs: dueMs() });
  });
}
