/** Every message of a client comes through here: refused, answered from the cache, sent along its route, or relayed as it is. */
import { emptyReply, refusalReply, truncatedReply } from '../codec/answer.ts';
import { ednsBytes, opcode, rcode, type } from '../codec/constants.ts';
import { lowerAscii } from '../codec/name.ts';
import { type Query, readQuery } from '../codec/query.ts';
import { namesBehind } from '../codec/records.ts';
import { measureReply, type ReplyMeasure } from '../codec/reply.ts';
import { type Route, RouteTable, type RouteSpec } from '../zones/routes.ts';
import type { ResolverAddress } from '../zones/address.ts';
import { ReplyCache } from './cache.ts';
import { Deadlines, inTime, patienceMs } from './deadlines.ts';
import { QuestionKey } from './key.ts';
import { countAnswer, newCounters, type RouteCounters, routeCounters } from './metrics.ts';
import { random16 } from './random.ts';
import { answerRoute, completeAlias } from './routed.ts';
import { askOverTcp, transferOverTcp } from './tcp.ts';
import { type Done, Upstream, UpstreamGroup } from './upstreams.ts';

export interface ResolverOptions {
  readonly upstreams: readonly ResolverAddress[];
  readonly routes: readonly RouteSpec[];
  readonly search: readonly string[];
  readonly cache: { readonly entries: number; readonly maxTtlMs: number };
}

export type Transport = 'udp' | 'tcp';

/** How a reply leaves. Over TCP a transfer sends several; it returns false when the client is gone. */
export type Respond = (reply: Buffer) => boolean;

/** A first upstream that takes connections and says nothing leaves the second as much time. */
const tcpReplyMs = patienceMs / 2 - 250;
/** What came over TCP and is larger than this is not tried over UDP. */
const datagramBytesMax = 4096;
/** An alias that came late still gets this long for its end. */
const aliasMsMin = 500;
const retireLookMs = 100;

/** What one configuration consists of; a reload makes a new one, and the old ends with its last query. */
export class Resolver {
  readonly routes: RouteTable;
  readonly upstreams: UpstreamGroup;
  readonly cache: ReplyCache;
  readonly #nowMs: () => number;
  readonly #groups = new Map<string, UpstreamGroup>();
  readonly #deadlines: Deadlines;
  readonly #key = new QuestionKey((random16() << 16) | random16());
  readonly #lowered = Buffer.alloc(1024);
  /** Questions for private names that are being asked, by their key. */
  readonly #pending = new Map<string, Promise<Buffer>>();
  readonly #routeCounters: readonly RouteCounters[];
  readonly counters;
  /** Clients' questions that wait for an upstream. */
  busy = 0;

  constructor(options: ResolverOptions, nowMs: () => number, counters = newCounters()) {
    this.#nowMs = nowMs;
    this.counters = counters;
    this.#deadlines = new Deadlines(nowMs);
    this.routes = new RouteTable(options.routes, options.search);
    this.cache = new ReplyCache(options.cache);
    this.upstreams = this.#newGroup(options.upstreams);
    for (const { resolver } of options.routes) {
      const name = resolver === undefined ? '' : groupName(resolver);
      if (resolver !== undefined && !this.#groups.has(name)) this.#groups.set(name, this.#newGroup([resolver]));
    }
    this.#routeCounters = this.routes.routes.map((route) => routeCounters(counters, route.source));
  }

  #newGroup(addresses: readonly ResolverAddress[]): UpstreamGroup {
    return new UpstreamGroup(
      addresses.map((to) => new Upstream(to)),
      this.#deadlines,
      this.#nowMs,
    );
  }

  /** Every group of upstreams, the default one first. */
  get groups(): readonly UpstreamGroup[] {
    return [this.upstreams, ...this.#groups.values()];
  }

  groupOf(route: Route): UpstreamGroup {
    return route.resolver === undefined ? this.upstreams : this.#groups.get(groupName(route.resolver))!;
  }

  /** Lets what is under way end, second tries included, then closes the sockets. */
  retire(): void {
    const untilMs = this.#nowMs() + 2 * patienceMs;
    const look = (): void => {
      if (this.busy > 0 && this.#nowMs() < untilMs) setTimeout(look, retireLookMs);
      else for (const group of this.groups) group.retire();
    };
    look();
  }

  /** False where the message gets no reply, now or later. */
  handle(message: Buffer, transport: Transport, respond: Respond): boolean {
    this.counters[transport]++;
    const query = readQuery(message);
    if (query.kind === 'query') this.#answer(query, transport, respond);
    else if (query.kind === 'drop') this.counters.dropped++;
    else {
      this.counters.malformed++;
      respond(refusalReply(message, query.rcode, query.questionEnd));
    }
    return query.kind !== 'drop';
  }

  #answer(query: Query, transport: Transport, respond: Respond): void {
    const key = this.#key;
    key.read(query, transport);
    const route = this.routes.get(key.name);
    if (!query.plain || query.type === type.axfr || query.type === type.ixfr)
      return this.#unusual(query, route, transport, respond);
    const cached = this.cache.get(key, query, this.#nowMs());
    if (cached !== undefined) return this.#fromCache(cached, query, route, transport, respond);
    if (route === undefined && this.routes.isSearchProduct(key.name)) {
      this.counters.searchProducts++;
      return void respond(emptyReply(query, rcode.nxDomain));
    }
    if (this.#mentionsPrivate(query)) {
      this.counters.withheld++;
      return void respond(emptyReply(query, rcode.refused));
    }
    if (route !== undefined) return void this.#routed(query, route, transport, respond);
    this.#relay(query, transport, respond);
  }

  #mentionsPrivate({ message, nameEnd }: Query): boolean {
    if (this.routes.routes.length === 0) return false;
    const lowered = message.length <= this.#lowered.length ? this.#lowered : Buffer.alloc(message.length);
    message.copy(lowered);
    lowerAscii(lowered, 0, message.length);
    return this.routes.mentions(lowered.toString('latin1', 0, message.length), nameEnd);
  }

  #fromCache(cached: Buffer, query: Query, route: Route | undefined, transport: Transport, respond: Respond): void {
    this.counters.fromCache++;
    if (route === undefined) return void respond(cached);
    const counters = this.#routeCounters[route.index]!;
    counters.queries++;
    counters.fromCache++;
    countAnswer(counters, cached[3]! & 15);
    respond(fitted(cached, query, transport));
  }

  /**
   * Asks once for all who ask the same at the same moment: when a busy name leaves the cache, everybody would otherwise ask at once,
   * each of them one more chance for a forged reply (RFC 5452 section 5). A cookie makes a question one's own.
   */
  async #routed(query: Query, route: Route, transport: Transport, respond: Respond): Promise<void> {
    const counters = this.#routeCounters[route.index]!;
    counters.queries++;
    const same = query.cookieOffset < 0 && this.#key.length > 0 ? this.#key.text() : undefined;
    let pending = same === undefined ? undefined : this.#pending.get(same);
    if (pending === undefined) {
      pending = this.#askRoute(query, route, transport);
      if (same !== undefined) {
        this.#pending.set(same, pending);
        void pending.finally(() => this.#pending.delete(same));
      }
    }
    const answer = ownCopy(await pending, query);
    countAnswer(counters, answer[3]! & 15);
    respond(fitted(answer, query, transport));
  }

  async #askRoute(query: Query, route: Route, transport: Transport): Promise<Buffer> {
    const found = await this.#waiting(answerRoute(this, query, route), patienceMs);
    const answer = found ?? emptyReply(query, rcode.servFail);
    this.#keep(query, transport, answer, measureReply(answer, query.questionEnd));
    return answer;
  }

  async #waiting<T>(work: Promise<T>, waitMs: number): Promise<T | undefined> {
    this.busy++;
    try {
      return await inTime(work, waitMs);
    } finally {
      this.busy--;
    }
  }

  #relay(query: Query, transport: Transport, respond: Respond): void {
    this.counters.relayed++;
    this.busy++;
    const { questionEnd, id } = query;
    const startMs = this.#nowMs();
    const done: Done = (reply) => {
      this.busy--;
      if (reply === undefined) {
        this.counters.unanswered++;
        return void respond(emptyReply(query, rcode.servFail));
      }
      reply[0] = id >> 8;
      reply[1] = id & 0xff;
      const measure = reply.length < questionEnd ? undefined : measureReply(reply, questionEnd);
      if (measure?.hasAlias === true && this.routes.routes.length > 0)
        return void this.#relayAlias(query, reply, startMs, transport, respond);
      respond(reply);
      if (measure !== undefined) this.#keep(query, transport, reply, measure);
    };
    if (transport === 'udp') this.upstreams.exchange(query.message, questionEnd, done);
    else void this.#relayTcp(query, done);
  }

  async #relayTcp(query: Query, done: Done): Promise<void> {
    done(await this.#overTcp(this.upstreams, Buffer.from(query.message), query.questionEnd));
  }

  async #relayAlias(
    query: Query,
    reply: Buffer,
    startMs: number,
    transport: Transport,
    respond: Respond,
  ): Promise<void> {
    const leftMs = Math.max(aliasMsMin, startMs + patienceMs - this.#nowMs());
    const completed = await this.#waiting(completeAlias(this, query, reply), leftMs);
    const answer = completed ?? reply;
    this.#keep(query, transport, answer, measureReply(answer, query.questionEnd));
    respond(completed === undefined ? reply : fitted(completed, query, transport));
  }

  #keep(query: Query, transport: Transport, reply: Buffer, measure: ReplyMeasure | undefined): void {
    if (measure === undefined || !query.plain) return;
    this.#key.read(query, transport);
    this.cache.put(this.#key, reply, measure, this.#nowMs());
  }

  /** Transfers, updates, notifications, signed messages: relayed, never cached, and never with a private name in them. */
  #unusual(query: Query, route: Route | undefined, transport: Transport, respond: Respond): void {
    const names = query.plain ? [] : namesBehind(query.message, query.questionEnd);
    if (names === undefined) {
      this.counters.malformed++;
      return void respond(emptyReply(query, rcode.formErr));
    }
    const isPrivate = route !== undefined || names.some((name) => this.routes.get(name) !== undefined);
    if (isPrivate || this.#mentionsPrivate(query)) {
      this.counters.withheld++;
      return void respond(emptyReply(query, query.opcode === opcode.query ? rcode.refused : rcode.notImp));
    }
    const isTransfer = transport === 'tcp' && (query.type === type.axfr || query.type === type.ixfr);
    if (isTransfer) void this.#transfer(query, respond);
    else this.#relay(query, transport, respond);
  }

  async #transfer(query: Query, respond: Respond): Promise<void> {
    this.counters.relayed++;
    for (const upstream of this.upstreams.order) {
      let replies = 0;
      await transferOverTcp(upstream.to, Buffer.from(query.message), (reply) => {
        replies++;
        if (reply.length >= 2) reply.writeUInt16BE(query.id, 0);
        return respond(reply);
      });
      if (replies > 0) return;
    }
    this.counters.unanswered++;
    respond(emptyReply(query, rcode.servFail));
  }

  /** Over UDP, and over TCP where that was too small. */
  async ask(group: UpstreamGroup, message: Buffer, questionEnd: number): Promise<Buffer | undefined> {
    const again = Buffer.from(message);
    const reply = await new Promise<Buffer | undefined>((resolve) => group.exchange(message, questionEnd, resolve));
    const isTruncated = reply !== undefined && (reply[2]! & 2) !== 0;
    return isTruncated ? this.#overTcp(group, again, questionEnd) : reply;
  }

  /** As the client did, so that the upstream's reply is the one it would have got; over UDP where no upstream takes TCP. */
  async #overTcp(group: UpstreamGroup, message: Buffer, questionEnd: number): Promise<Buffer | undefined> {
    const untilMs = this.#nowMs() + patienceMs;
    for (const upstream of group.order.slice(0, 2)) {
      const reply = await askOverTcp(upstream.to, message, questionEnd, tcpReplyMs);
      if (reply !== undefined) return reply;
    }
    if (message.length > datagramBytesMax) return undefined;
    const exchange = new Promise<Buffer | undefined>((resolve) => group.exchange(message, questionEnd, resolve));
    const reply = await inTime(exchange, untilMs - this.#nowMs());
    return reply !== undefined && (reply[2]! & 2) !== 0 ? undefined : reply;
  }
}

/** The answer for one of several who asked the same: with its own id and its own spelling of the name. */
function ownCopy(answer: Buffer, query: Query): Buffer {
  const copy = Buffer.from(answer);
  copy.writeUInt16BE(query.id, 0);
  query.message.copy(copy, 12, 12, query.nameEnd);
  return copy;
}

function groupName({ address, port }: ResolverAddress): string {
  return `${address} ${port}`;
}

/** What we wrote ourselves must fit what the client takes; what the upstream wrote does, or the client would not have got it from it. */
function fitted(reply: Buffer, query: Query, transport: Transport): Buffer {
  if (transport === 'tcp' || reply.length <= Math.min(query.udpBytesMax, ednsBytes)) return reply;
  const optOffset = measureReply(reply, query.questionEnd)?.optOffset ?? -1;
  return truncatedReply(reply, query.questionEnd, optOffset);
}
