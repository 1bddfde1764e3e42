/** Routes change; a ping costs 17 bytes. The least round trip counts: a busy event loop is not distance. */
const lookMs = 10_000;
/** A session's first looks come quickly: a start is busy, and one late answer would look like distance for ten seconds. */
const firstLooks = 20;
const firstLookMs = 200;
/** One answer is not yet a distance. */
const enoughLooks = 3;

/** How far the peer is, by PING, one at a time. */
export class RoundTrips {
  readonly #send: (opaque: Buffer) => void;
  readonly #opaque = Buffer.alloc(8);
  #looks = 0;
  #sentMs: number | undefined;
  #leastMs = Infinity;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(send: (opaque: Buffer) => void) {
    this.#send = send;
  }

  get leastMs(): number {
    return this.#looks < enoughLooks ? Infinity : this.#leastMs;
  }

  start(): void {
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  answered(opaque: Buffer): void {
    if (this.#sentMs === undefined || !opaque.equals(this.#opaque) || this.#stopped) return;
    this.#leastMs = Math.min(this.#leastMs, performance.now() - this.#sentMs);
    this.#sentMs = undefined;
    this.#looks++;
    this.#timer = setTimeout(() => this.#look(), this.#looks < firstLooks ? firstLookMs : lookMs).unref();
  }

  #look(): void {
    this.#opaque.writeUInt32BE((this.#opaque.readUInt32BE(4) + 1) >>> 0, 4);
    this.#sentMs = performance.now();
    this.#send(Buffer.from(this.#opaque));
  }
}
