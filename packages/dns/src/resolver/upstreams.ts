/**
 * Asking a list of resolvers over UDP, as a patient resolver library would: the first that is well, another after half a second, the
 * reply of whoever answers first, and an end within four seconds.
 */
import { answers } from '../codec/reply.ts';
import { rcode } from '../codec/constants.ts';
import { type ResolverAddress, resolverText } from '../zones/address.ts';
import { type Deadlines, Waiting, waitsMs } from './deadlines.ts';
import { type Attempt, SocketPool, type UpstreamSocket } from './sockets.ts';

/** Unanswered questions at once, of all clients. Beyond it the answer is SERVFAIL: each holds a few hundred bytes and an id. */
const exchangesMax = 8192;
/** How often an upstream that did not answer is tried again, beside the one in its place. */
const probeEveryMs = 2000;

export interface UpstreamCounters {
  queries: number;
  replies: number;
  /** Half a second without a reply, or "nobody listens". */
  failures: number;
  /** Replies that nobody waited for, or to another question. */
  strays: number;
  replySeconds: number;
}

export class Upstream {
  readonly to: ResolverAddress;
  readonly name: string;
  readonly pool: SocketPool;
  readonly counters: UpstreamCounters = { queries: 0, replies: 0, failures: 0, strays: 0, replySeconds: 0 };
  lastReplyMs = -Infinity;
  well = true;
  probeAtMs = 0;

  constructor(to: ResolverAddress) {
    this.to = to;
    this.name = resolverText(to);
    this.pool = new SocketPool(to, () => void this.counters.strays++);
  }
}

export type Done = (reply: Buffer | undefined) => void;

export class UpstreamGroup {
  readonly upstreams: readonly Upstream[];
  readonly nowMs: () => number;
  readonly deadlines: Deadlines;
  /** Those that answer first, each part in the order of the configuration. */
  order: readonly Upstream[];
  open = 0;

  constructor(upstreams: readonly Upstream[], deadlines: Deadlines, nowMs: () => number) {
    this.upstreams = upstreams;
    this.order = upstreams;
    this.deadlines = deadlines;
    this.nowMs = nowMs;
  }

  /** Takes the message over: its id is overwritten. */
  exchange(message: Buffer, questionEnd: number, done: Done): void {
    if (this.open >= exchangesMax) return done(undefined);
    this.open++;
    const exchange = new Exchange(this, message, questionEnd, done);
    this.deadlines.add(exchange);
    exchange.tryNext();
    if (this.order !== this.upstreams) this.#probe(message, questionEnd);
  }

  /** What does not answer moves behind what does, and is asked on the side until it answers again. */
  mark(upstream: Upstream, well: boolean): void {
    if (upstream.well === well) return;
    upstream.well = well;
    upstream.probeAtMs = this.nowMs() + probeEveryMs;
    const anyIll = this.upstreams.some((one) => !one.well);
    this.order = anyIll ? this.upstreams.toSorted((a, b) => Number(b.well) - Number(a.well)) : this.upstreams;
  }

  #probe(message: Buffer, questionEnd: number): void {
    const now = this.nowMs();
    for (const upstream of this.upstreams) {
      if (upstream.well || now < upstream.probeAtMs) continue;
      upstream.probeAtMs = now + probeEveryMs;
      this.ask(upstream, Buffer.from(message), questionEnd, () => {});
    }
  }

  /** One question to one upstream, whatever its health. */
  ask(upstream: Upstream, message: Buffer, questionEnd: number, done: Done): void {
    this.open++;
    const exchange = new Exchange(this, message, questionEnd, done, [upstream]);
    this.deadlines.add(exchange);
    exchange.tryNext();
  }

  /** When any of them last replied. */
  get lastReplyMs(): number {
    return Math.max(...this.upstreams.map((upstream) => upstream.lastReplyMs));
  }

  retire(): void {
    for (const upstream of this.upstreams) upstream.pool.retire();
  }
}

class Exchange extends Waiting implements Attempt {
  readonly #group: UpstreamGroup;
  readonly #message: Buffer;
  readonly #questionEnd: number;
  readonly #done: Done;
  readonly #order: readonly Upstream[];
  readonly #startMs: number;
  readonly #open: { socket: UpstreamSocket; id: number; upstream: Upstream }[] = [];
  #tried = 0;
  #refusals = 0;
  /** "I failed" or "not me" from one upstream, kept while another may know better. */
  #failure: Buffer | undefined;

  constructor(group: UpstreamGroup, message: Buffer, questionEnd: number, done: Done, order = group.order) {
    super();
    this.#group = group;
    this.#message = message;
    this.#questionEnd = questionEnd;
    this.#done = done;
    this.#order = order;
    this.#startMs = group.nowMs();
  }

  tryNext(): void {
    const upstream = this.#order[this.#tried % this.#order.length]!;
    const socket = upstream.pool.pick();
    // Sent again, the message gets another id, and the first may still lie in the kernel's queue.
    const message = this.#tried === 0 ? this.#message : Buffer.from(this.#message);
    this.#tried++;
    if (socket === undefined) return;
    upstream.counters.queries++;
    this.#open.push({ socket, id: socket.send(message, this), upstream });
  }

  reply(message: Buffer, socket: UpstreamSocket, id: number): void {
    const i = this.#open.findIndex((one) => one.socket === socket && one.id === id);
    if (i < 0) return;
    const { upstream } = this.#open[i]!;
    if (!answers(this.#message, this.#questionEnd, message)) {
      upstream.counters.strays++;
      return;
    }
    const nowMs = this.#group.nowMs();
    upstream.counters.replies++;
    upstream.counters.replySeconds += (nowMs - this.#startMs) / 1000;
    upstream.lastReplyMs = nowMs;
    if (!upstream.well) this.#group.mark(upstream, true);
    if (!isFailure(message[3]! & 15) || (this.#tried >= this.#order.length && this.#open.length === 1))
      return this.#settle(message);
    this.#failure = message;
    this.#open.splice(i, 1);
    socket.forget(id);
    if (this.#tried < this.#order.length) this.tryNext();
  }

  refused(): void {
    const gone = this.#open.findIndex((one) => one.socket.pending.get(one.id) !== this);
    if (gone < 0) return;
    const { upstream } = this.#open[gone]!;
    this.#open.splice(gone, 1);
    upstream.counters.failures++;
    this.#group.mark(upstream, false);
    this.#refusals++;
    if (this.#tried < this.#order.length) this.tryNext();
    else if (this.#open.length > 0) return;
    else if (this.#failure !== undefined) this.#settle(this.#failure);
    // Once more for each, at the next deadline: a resolver that restarts refuses for a moment.
    else if (this.#refusals >= 2 * this.#order.length) this.#settle(undefined);
  }

  overdue(): boolean {
    for (const { upstream } of this.#open) {
      // One lost packet says nothing about an upstream that has answered others since.
      if (upstream.lastReplyMs >= this.#startMs) continue;
      upstream.counters.failures++;
      this.#group.mark(upstream, false);
    }
    const last = this.stage === waitsMs.length - 1;
    if (last || (this.#failure !== undefined && this.#tried >= this.#order.length)) {
      this.#settle(this.#failure);
      return false;
    }
    this.tryNext();
    return true;
  }

  #settle(reply: Buffer | undefined): void {
    this.#group.open--;
    this.#group.deadlines.remove(this);
    for (const { socket, id } of this.#open) socket.forget(id);
    this.#open.length = 0;
    this.#done(reply);
  }
}

function isFailure(code: number): boolean {
  return code === rcode.servFail || code === rcode.refused || code === rcode.notImp;
}
