/**
 * When an unanswered exchange is looked at again. All exchanges wait the same times, so each wait is a queue in order of arrival:
 * a timer for each query would be a quarter of its cost.
 */
export interface Waiting {
  /** Which wait it is in: 0 is the first. */
  stage: number;
  settled: boolean;
  /** The wait of the stage is over. Returns whether to go on to the next. */
  overdue(): boolean;
}

/**
 * Together 4 s: below the 5 s after which glibc, musl, Go and dig give up, so that they get our SERVFAIL and not a timeout of their
 * own. The first is short enough that a dead first upstream is no more than a hiccup.
 */
export const waitsMs: readonly number[] = [500, 1000, 1000, 1500];
const tickMs = 25;
/** Emptied front parts of a queue are cut off in lumps of this many. */
const lump = 4096;

interface Queue {
  items: (Waiting | undefined)[];
  dueMs: number[];
  head: number;
}

export class Deadlines {
  readonly #queues: Queue[] = waitsMs.map(() => ({ items: [], dueMs: [], head: 0 }));
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(item: Waiting): void {
    const queue = this.#queues[item.stage]!;
    queue.items.push(item);
    queue.dueMs.push(this.#nowMs() + waitsMs[item.stage]!);
    this.#waiting++;
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
  }

  #tick(): void {
    const now = this.#nowMs();
    for (const queue of this.#queues) {
      while (queue.head < queue.items.length) {
        const item = queue.items[queue.head]!;
        // A settled one leaves as soon as it is in front: under load the queue holds half a second of queries.
        if (!item.settled && queue.dueMs[queue.head]! > now) break;
        queue.items[queue.head] = undefined;
        queue.head++;
        this.#waiting--;
        if (!item.settled && item.overdue()) {
          item.stage++;
          this.add(item);
        }
      }
      if (queue.head >= lump || queue.head === queue.items.length) {
        queue.items = queue.items.slice(queue.head);
        queue.dueMs = queue.dueMs.slice(queue.head);
        queue.head = 0;
      }
    }
    if (this.#waiting > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
