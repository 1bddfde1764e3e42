/** Whether the proxy answers: its own socket is asked, and the upstreams are. */
import { createSocket } from 'node:dgram';
import type { ListenAddress } from '@postern/core';
import { refusalReply } from '../codec/answer.ts';
import { headerBytes, rcode } from '../codec/constants.ts';
import { random16 } from '../resolver/random.ts';
import type { Resolver, Respond } from '../resolver/resolver.ts';

const probeEveryMs = 2000;
/** While not ready, so that a pod's start waits no longer than it must. */
const retryEveryMs = 250;
const ownReplyMs = 1000;
/** As long as an exchange lasts: an upstream that has answered some of those is well. */
const upstreamSilenceMs = 4000;

/** As long as an exchange: a second upstream gets its turn, and a lost packet a second try. */
const probeMs = 2000;
/** How often the probe looks whether a reply has come. */
const lookEveryMs = 25;

/**
 * `. NS` without recursion, and `localhost A`: one of them every resolver answers from what it has (a recursive one that is cut off
 * from the root would think long about anything else), and neither names anything.
 */
const probes: readonly Buffer[] = [
  Buffer.from('0000000000010000000000000000020001', 'hex'),
  Buffer.from('000001000001000000000000096c6f63616c686f73740000010001', 'hex'),
];

export class Readiness {
  #reason: string | undefined = 'starting';
  #timer: NodeJS.Timeout | undefined;
  readonly #listen: ListenAddress;
  readonly #current: () => Resolver;
  readonly #nowMs: () => number;
  readonly #onReady: () => void;
  /** A header that asks nothing. */
  readonly #own = Buffer.alloc(headerBytes);

  constructor(listen: ListenAddress, current: () => Resolver, nowMs: () => number, onReady: () => void) {
    this.#listen = listen;
    this.#current = current;
    this.#nowMs = nowMs;
    this.#onReady = onReady;
  }

  /** Whether the message is this file's own: answered here, so that the counters hold what clients ask and nothing else. */
  takes(message: Buffer, respond: Respond): boolean {
    if (message.length !== headerBytes || !message.equals(this.#own)) return false;
    respond(refusalReply(message, rcode.formErr, 0));
    return true;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  start(signal: AbortSignal): void {
    const again = async (): Promise<void> => {
      const reason = await this.#look();
      if (signal.aborted) return;
      if (reason === undefined && this.#reason !== undefined) this.#onReady();
      this.#reason = reason;
      this.#timer = setTimeout(() => void again(), reason === undefined ? probeEveryMs : retryEveryMs);
    };
    signal.addEventListener('abort', () => {
      clearTimeout(this.#timer);
      this.#reason = 'stopping';
    });
    void again();
  }

  async #look(): Promise<string | undefined> {
    if (!(await this.#ownSocketAnswers())) return 'the listening socket does not answer';
    const group = this.#current().upstreams;
    if (this.#nowMs() - group.lastReplyMs < probeEveryMs) return undefined;
    const askedMs = this.#nowMs();
    for (const probe of probes) group.exchange(Buffer.from(probe), probe.length, () => {});
    while (group.lastReplyMs < askedMs && this.#nowMs() - askedMs < probeMs)
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    if (group.lastReplyMs >= askedMs || this.#nowMs() - group.lastReplyMs < upstreamSilenceMs) return undefined;
    return `no upstream answers (${group.upstreams.map((upstream) => upstream.name).join(', ')})`;
  }

  #ownSocketAnswers(): Promise<boolean> {
    const { host, port } = this.#listen;
    const isV6 = host.includes(':');
    const target = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    const socket = createSocket(isV6 ? 'udp6' : 'udp4');
    return new Promise((resolve) => {
      const finish = (isAnswered: boolean): void => {
        clearTimeout(timer);
        socket.removeAllListeners('message');
        socket.close();
        resolve(isAnswered);
      };
      const timer = setTimeout(() => finish(false), ownReplyMs);
      socket.on('error', () => finish(false));
      socket.once('message', () => finish(true));
      this.#own.writeUInt16BE(random16(), 0);
      socket.send(this.#own, port, target);
    });
  }
}
