/**
 * When an unanswered exchange is looked at again. All exchanges wait the same times, so each wait is a queue in order of arrival,
 * and one timer serves all. The queues are linked lists: an answered exchange leaves at once, because at 50,000 queries/s those that
 * merely lie there until their turn would be most of the memory.
 */

/** A member of a queue. Only this file touches `before` and `after`. */
export abstract class Waiting {
  /** Which wait it is in: 0 is the first. */
  stage = 0;
  dueMs = 0;
  before: Waiting | undefined = undefined;
  after: Waiting | undefined = undefined;
  /** The wait of the stage is over. Returns whether to go on to the next. */
  abstract overdue(): boolean;
}

/**
 * Together 4 s: below the 5 s after which glibc, musl, Go and dig give up, so that they get our SERVFAIL and not a timeout of their
 * own. The first is short enough that a dead first upstream is no more than a hiccup.
 */
export const waitsMs: readonly number[] = [500, 1000, 1000, 1500];
/** How long a client waits for everything that its question leads to: aliases, a second try over TCP. */
export const patienceMs = waitsMs.reduce((sum, waitMs) => sum + waitMs);
const tickMs = 25;

/** What comes in time, or undefined. What comes later is nobody's any more. */
export function inTime<T>(work: Promise<T>, waitMs: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), waitMs);
    work.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

class Head extends Waiting {
  overdue(): boolean {
    return false;
  }
}

export class Deadlines {
  /** One ring for each wait; the oldest follows the head. */
  readonly #heads: readonly Waiting[] = waitsMs.map(() => {
    const head = new Head();
    head.before = head;
    head.after = head;
    return head;
  });
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(item: Waiting): void {
    const head = this.#heads[item.stage]!;
    const last = head.before!;
    item.dueMs = this.#nowMs() + waitsMs[item.stage]!;
    item.before = last;
    item.after = head;
    last.after = item;
    head.before = item;
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
  }

  remove(item: Waiting): void {
    if (item.before === undefined) return;
    item.before.after = item.after;
    item.after!.before = item.before;
    item.before = undefined;
    item.after = undefined;
  }

  #tick(): void {
    const now = this.#nowMs();
    let waiting = 0;
    for (const head of this.#heads) {
      for (let item = head.after!; item !== head && item.dueMs <= now; item = head.after!) {
        this.remove(item);
        if (!item.overdue()) continue;
        item.stage++;
        this.add(item);
      }
      if (head.after !== head) waiting++;
    }
    if (waiting > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
