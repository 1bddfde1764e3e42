/**
 * The load, a process of its own: `load.ts JSON`. With `window`, as many questions as are answered, so many open at once; with `rate`, a
 * fixed number a second, evenly spread, each timed from the moment it was due, so that a server that stalls is charged for all
 * that wait (no coordinated omission). Prints one line of JSON.
 *
 * Node's timers wake once a millisecond, which by itself would be most of the latency measured. So the thread sleeps on a futex for
 * parts of a millisecond and looks at its sockets in between. What is left of its own lateness is charged to the server, and
 * reported.
 */
import { createSocket, type Socket } from 'node:dgram';

export interface LoadOptions {
  readonly port: number;
  /** `unique`: names nobody has asked for; otherwise one of `names` names, `PREFIX0.ZONE` and so on. */
  readonly names: number | 'unique';
  readonly prefix: string;
  readonly zone: string;
  /** Seconds, or a number of questions. */
  readonly seconds?: number;
  readonly questions?: number;
  readonly window?: number;
  readonly rate?: number;
}

export interface LoadResult {
  readonly sent: number;
  readonly answered: number;
  readonly wrong: number;
  readonly queriesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How late this process itself sent, with `rate`: the part of the latencies that is not the server's. */
  readonly lateP99Ms: number;
}

const socketCount = 8;
/** A question is given up after this long; in a closed loop another takes its place. */
const lostMs = 1000;
/** With `rate`: asked before anything is timed, because this process compiles its code meanwhile and stalls. */
const warmMs = 1000;
/** The longest sleep between two looks at the sockets. */
const napMs = 0.1;
/** Latencies up to 200 ms in steps of 10 µs. */
const bucketMs = 0.01;
const bucketCount = 20_000;

class Histogram {
  readonly #buckets = new Uint32Array(bucketCount + 1);
  #count = 0;

  add(ms: number): void {
    this.#buckets[Math.min(bucketCount, Math.max(0, Math.floor(ms / bucketMs)))]!++;
    this.#count++;
  }

  quantile(share: number): number {
    let left = Math.max(1, Math.ceil(this.#count * share));
    for (let i = 0; i <= bucketCount; i++) {
      left -= this.#buckets[i]!;
      if (left <= 0) return Math.round((i + 1) * bucketMs * 1000) / 1000;
    }
    return Infinity;
  }
}

class Load {
  readonly #options: LoadOptions;
  readonly #questions: Questions;
  readonly #sockets: Socket[] = [];
  /** Due times by socket and id; 0 is none. */
  readonly #dueMs: Float64Array[] = [];
  readonly #next: number[] = [];
  readonly #latencies = new Histogram();
  readonly #lateness = new Histogram();
  #timedFromMs = 0;
  #sent = 0;
  #answered = 0;
  #wrong = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#questions = new Questions(options);
  }

  async run(): Promise<LoadResult> {
    const { port, window, rate } = this.#options;
    for (let i = 0; i < socketCount; i++) {
      const socket = createSocket({ type: 'udp4' });
      await new Promise<void>((resolve) => socket.bind(0, () => socket.connect(port, '127.0.0.1', resolve)));
      socket.setRecvBufferSize(1 << 22);
      socket.on('error', () => {});
      socket.on('message', (message) => this.#receive(i, message));
      this.#sockets.push(socket);
      this.#dueMs.push(new Float64Array(65_536));
      this.#next.push(0);
    }
    const startMs = performance.now();
    if (rate === undefined) await this.#closedLoop(window ?? 64, startMs);
    else await this.#openLoop(rate, startMs);
    const seconds = (performance.now() - startMs) / 1000;
    for (const socket of this.#sockets) socket.close();
    return {
      sent: this.#sent,
      answered: this.#answered,
      wrong: this.#wrong,
      queriesPerSecond: Math.round(this.#answered / seconds),
      p50Ms: this.#latencies.quantile(0.5),
      p99Ms: this.#latencies.quantile(0.99),
      lateP99Ms: rate === undefined ? 0 : this.#lateness.quantile(0.99),
    };
  }

  #isOver(startMs: number): boolean {
    const { questions, seconds = 5 } = this.#options;
    return questions === undefined ? performance.now() - startMs > seconds * 1000 : this.#sent >= questions;
  }

  async #closedLoop(window: number, startMs: number): Promise<void> {
    this.#refill = (socket) => {
      if (!this.#isOver(startMs)) this.#send(socket, performance.now());
    };
    for (let i = 0; i < window; i++) this.#send(i % socketCount, performance.now());
    let before = -1;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        // Nothing came for a while: the window was lost somewhere, open it again.
        if (this.#answered === before) for (let i = 0; i < window; i++) this.#refill(i % socketCount);
        before = this.#answered;
        if (!this.#isOver(startMs)) return;
        clearInterval(timer);
        resolve();
      }, lostMs / 4);
    });
  }

  #refill: (socket: number) => void = () => {};

  async #openLoop(rate: number, startMs: number): Promise<void> {
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    const everyMs = 1000 / rate;
    this.#timedFromMs = startMs + warmMs;
    let endMs = Infinity;
    let planned = 0;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        let now = performance.now();
        for (; endMs === Infinity && startMs + planned * everyMs <= now; planned++) {
          const dueMs = startMs + planned * everyMs;
          if (dueMs >= this.#timedFromMs) this.#lateness.add(now - dueMs);
          this.#send(planned % socketCount, dueMs);
          now = performance.now();
          // Then only the last answers are waited for.
          if (this.#isOver(this.#timedFromMs)) endMs = now + lostMs;
        }
        if (now > endMs || (endMs !== Infinity && this.#answered === this.#sent)) return resolve();
        const untilMs = endMs === Infinity ? startMs + planned * everyMs - now : napMs;
        if (untilMs > 0) Atomics.wait(sleeper, 0, 0, Math.min(untilMs, napMs));
        setImmediate(look); // the sockets come in between
      };
      look();
    });
  }

  #send(index: number, dueMs: number): void {
    const id = this.#next[index]!;
    this.#next[index] = (id + 1) & 0xffff;
    this.#dueMs[index]![id] = dueMs;
    this.#sockets[index]!.send(this.#questions.next(id, this.#sent++));
  }

  #receive(index: number, message: Buffer): void {
    const due = this.#dueMs[index]!;
    const id = message.readUInt16BE(0);
    const sentMs = due[id]!;
    if (sentMs === 0) return;
    due[id] = 0;
    this.#answered++;
    if ((message[3]! & 15) !== 0 || message.readUInt16BE(6) === 0) this.#wrong++;
    if (sentMs >= this.#timedFromMs) this.#latencies.add(performance.now() - sentMs);
    this.#refill(index);
  }
}

/** Made beforehand, because garbage here would be stalls that the server is charged for. */
class Questions {
  readonly #messages: readonly Buffer[];
  readonly #isUnique: boolean;
  /** Digits of a unique name's number: enough for a day at any rate reached here. */
  static readonly digits = 10;

  constructor({ names, prefix, zone }: LoadOptions) {
    this.#isUnique = names === 'unique';
    this.#messages =
      names === 'unique'
        ? [questionFor(`${prefix}${process.pid}-${'0'.repeat(Questions.digits)}`, zone)]
        : Array.from({ length: names }, (_, i) => questionFor(`${prefix}${i}`, zone));
  }

  /** Good until the next call: the kernel has its copy by then. */
  next(id: number, number: number): Buffer {
    const message = this.#messages[this.#isUnique ? 0 : number % this.#messages.length]!;
    message[0] = id >> 8;
    message[1] = id & 0xff;
    if (!this.#isUnique) return message;
    let at = 12 + message[12]!;
    for (let rest = number, i = 0; i < Questions.digits; i++, at--) {
      message[at] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return message;
  }
}

/** `LABEL.ZONE A IN`, recursion desired. */
function questionFor(label: string, zone: string): Buffer {
  const labels = [label, ...zone.split('.')].map((one) => String.fromCharCode(one.length) + one);
  return Buffer.from(`\0\0\x01\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0\x01\0\x01`, 'latin1');
}

const [, , json] = process.argv;
if (json !== undefined)
  process.stdout.write(`${JSON.stringify(await new Load(JSON.parse(json) as LoadOptions).run())}\n`);
