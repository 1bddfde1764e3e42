/**
 * The load, a process of its own: `load.ts JSON`. With `window`, as many questions as are answered, so many open at once; with `rate`, a
 * fixed number a second, each timed from the moment it was due, so that a server that stalls is charged for all that wait
 * (no coordinated omission). Prints one line of JSON.
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
}

const socketCount = 8;
/** A question is given up after this long; in a closed loop another takes its place. */
const lostMs = 1000;
const tickMs = 1;
/** Latencies up to 200 ms in steps of 10 µs. */
const bucketMs = 0.01;
const bucketCount = 20_000;

class Load {
  readonly #options: LoadOptions;
  readonly #sockets: Socket[] = [];
  /** Due times by socket and id; 0 is none. */
  readonly #dueMs: Float64Array[] = [];
  readonly #next: number[] = [];
  readonly #buckets = new Uint32Array(bucketCount + 1);
  #sent = 0;
  #answered = 0;
  #wrong = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
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
    if (rate !== undefined) await new Promise((resolve) => setTimeout(resolve, lostMs)); // the last ones
    for (const socket of this.#sockets) socket.close();
    return {
      sent: this.#sent,
      answered: this.#answered,
      wrong: this.#wrong,
      queriesPerSecond: Math.round(this.#answered / seconds),
      p50Ms: this.#quantile(0.5),
      p99Ms: this.#quantile(0.99),
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
    let planned = 0;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const now = performance.now();
        const due = Math.floor(((now - startMs) / 1000) * rate);
        for (; planned < due; planned++) this.#send(planned % socketCount, startMs + (planned / rate) * 1000);
        if (!this.#isOver(startMs)) return;
        clearInterval(timer);
        resolve();
      }, tickMs);
    });
  }

  #send(index: number, dueMs: number): void {
    const { names, prefix, zone } = this.#options;
    const id = this.#next[index]!;
    this.#next[index] = (id + 1) & 0xffff;
    this.#dueMs[index]![id] = dueMs;
    const label = `${prefix}${names === 'unique' ? `${process.pid}-${this.#sent}` : this.#sent % names}`;
    this.#sent++;
    this.#sockets[index]!.send(questionFor(id, label, zone));
  }

  #receive(index: number, message: Buffer): void {
    const due = this.#dueMs[index]!;
    const id = message.readUInt16BE(0);
    const sentMs = due[id]!;
    if (sentMs === 0) return;
    due[id] = 0;
    this.#answered++;
    if ((message[3]! & 15) !== 0 || message.readUInt16BE(6) === 0) this.#wrong++;
    this.#buckets[Math.min(bucketCount, Math.floor((performance.now() - sentMs) / bucketMs))]!++;
    this.#refill(index);
  }

  #quantile(share: number): number {
    let left = Math.max(1, Math.ceil(this.#answered * share));
    for (let i = 0; i <= bucketCount; i++) {
      left -= this.#buckets[i]!;
      if (left <= 0) return Math.round((i + 1) * bucketMs * 1000) / 1000;
    }
    return Infinity;
  }
}

const zones = new Map<string, Buffer>();

/** `LABEL.ZONE A IN`, recursion desired. */
function questionFor(id: number, label: string, zone: string): Buffer {
  let tail = zones.get(zone);
  if (tail === undefined) {
    const labels = zone.split('.').map((one) => String.fromCharCode(one.length) + one);
    tail = Buffer.from(`${labels.join('')}\0\0\x01\0\x01`, 'latin1');
    zones.set(zone, tail);
  }
  const message = Buffer.allocUnsafe(13 + label.length + tail.length);
  message.writeUInt32BE(((id << 16) | 0x0100) >>> 0, 0);
  message.writeUInt32BE(0x00010000, 4);
  message.writeUInt32BE(0, 8);
  message[12] = label.length;
  message.write(label, 13, 'latin1');
  tail.copy(message, 13 + label.length);
  return message;
}

const [, , json] = process.argv;
if (json !== undefined)
  process.stdout.write(`${JSON.stringify(await new Load(JSON.parse(json) as LoadOptions).run())}\n`);
