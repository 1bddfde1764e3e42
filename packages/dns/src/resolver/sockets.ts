/**
 * The sockets to one upstream. An attacker who cannot see the traffic must guess id and port (RFC 5452): each query takes a random
 * id on a random one of 64 ports, and a port is given up after about a thousand queries. The sockets are connected, so the kernel
 * drops what comes from elsewhere and reports a refusal at once.
 */
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import type { ResolverAddress } from '../zones/address.ts';
import { random16 } from './random.ts';

export const socketsPerUpstream = 64;
/** Given up after this many queries, plus up to as many again at random. */
const queriesPerSocket = 1024;
/** Past this many unanswered ids on one socket, finding a free one is no longer quick, and something is wrong anyway. */
const pendingPerSocketMax = 4096;

/** What waits for a reply. */
export interface Attempt {
  reply(message: Buffer, socket: UpstreamSocket, id: number): void;
  /** The upstream's machine said that nobody listens there. */
  refused(): void;
}

export class UpstreamSocket {
  readonly pending = new Map<number, Attempt>();
  readonly #socket: Socket;
  #left = queriesPerSocket + (random16() % queriesPerSocket);
  #state: 'opening' | 'open' | 'retired' | 'closed' = 'opening';
  /** Replies that nobody waited for: late ones, or somebody guessing. */
  readonly #stray: () => void;

  constructor(to: ResolverAddress, stray: () => void) {
    this.#stray = stray;
    // An address needs no look-up; the default one would put every send on the next tick.
    const lookup: SocketOptions['lookup'] = (host, _options, callback) =>
      callback(null, host, to.address.includes(':') ? 6 : 4);
    this.#socket = createSocket({ type: to.address.includes(':') ? 'udp6' : 'udp4', lookup });
    this.#socket.on('message', (message) => this.#receive(message));
    this.#socket.on('error', () => this.#refuse());
    this.#socket.connect(to.port, to.address, () => {
      if (this.#state === 'opening') this.#state = 'open';
    });
  }

  get usable(): boolean {
    return this.#state === 'open' && this.pending.size < pendingPerSocketMax;
  }

  get broken(): boolean {
    return this.#state === 'closed';
  }

  /** Whether it has had its share of queries. */
  get worn(): boolean {
    return this.#left <= 0;
  }

  /** Sends the message under a fresh id, which is written into it. */
  send(message: Buffer, attempt: Attempt): number {
    let id = random16();
    while (this.pending.has(id)) id = random16();
    message[0] = id >> 8;
    message[1] = id & 0xff;
    this.pending.set(id, attempt);
    this.#left--;
    this.#socket.send(message);
    return id;
  }

  forget(id: number): void {
    this.pending.delete(id);
    if (this.#state === 'retired' && this.pending.size === 0) this.close();
  }

  /** No more queries; closes when the last is answered or given up. */
  retire(): void {
    if (this.#state === 'closed') return;
    this.#state = 'retired';
    if (this.pending.size === 0) this.close();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#socket.close();
  }

  #receive(message: Buffer): void {
    const id = message.length < 2 ? -1 : (message[0]! << 8) | message[1]!;
    const attempt = this.pending.get(id);
    if (attempt === undefined) this.#stray();
    else attempt.reply(message, this, id);
  }

  #refuse(): void {
    // A socket that could not even be opened (no route, no descriptor left) must not stay in the pool.
    if (this.#state === 'opening') this.close();
    const attempts = [...this.pending.values()];
    this.pending.clear();
    if (this.#state === 'retired') this.close();
    for (const attempt of attempts) attempt.refused();
  }
}

export class SocketPool {
  readonly #to: ResolverAddress;
  readonly #stray: () => void;
  readonly #sockets: UpstreamSocket[];
  #closed = false;

  constructor(to: ResolverAddress, stray: () => void) {
    this.#to = to;
    this.#stray = stray;
    this.#sockets = Array.from({ length: socketsPerUpstream }, () => new UpstreamSocket(to, stray));
  }

  /** A random usable socket, or undefined when there is none. */
  pick(): UpstreamSocket | undefined {
    const start = random16() % socketsPerUpstream;
    let renewed = false;
    for (let i = 0; i < socketsPerUpstream; i++) {
      const slot = (start + i) % socketsPerUpstream;
      const socket = this.#sockets[slot]!;
      // One at a time: with the network gone, every query would otherwise open 64.
      if (!renewed && (socket.broken || socket.worn)) {
        this.#renew(slot);
        renewed = true;
      }
      if (socket.usable) return socket;
    }
    return undefined;
  }

  #renew(slot: number): void {
    if (this.#closed) return;
    const old = this.#sockets[slot]!;
    this.#sockets[slot] = new UpstreamSocket(this.#to, this.#stray);
    old.retire();
  }

  /** Lets what is under way end. */
  retire(): void {
    this.#closed = true;
    for (const socket of this.#sockets) socket.retire();
  }
}
