import type { Clock } from '@postern/core';

/**
 * A work queue of keys: what waits is there once, what is being worked on is never worked on twice, and a wait is an entry
 * with a time, not a worker. Level-based: an event only says "look again".
 *
 * What has waited goes before what is new: of a thousand links that begin together the first are ready after seconds, and what
 * was seen before a wait still holds after it. One in four is taken from the new ones all the same.
 */

export interface WorkQueue {
  /** Now, or as soon as the work on it has ended. */
  add(key: string): void;
  /** Not before `ms` from now; an earlier wish wins. */
  addAfter(key: string, ms: number): void;
  /** Runs workers until the signal; each gets a key and returns when it should be looked at again (undefined: at the next event). */
  run(workers: number, work: (key: string) => Promise<number | undefined>, signal: AbortSignal): Promise<void>;
  /** Keys that are waiting to be worked on now. */
  readonly depth: number;
}

/** setTimeout's own bound; a later wish is looked at again then. */
const timerMsMax = 2 ** 31 - 1;
/** So that links that wait in short steps do not keep the others from beginning. */
const newOneEvery = 4;

export function workQueue(clock: Clock): WorkQueue {
  const ready = new Set<string>();
  const due = new Set<string>();
  let taken = 0;
  const working = new Set<string>();
  const again = new Set<string>();
  const later = new Map<string, { readonly atMs: number; readonly timer: AbortController }>();
  const idle: Array<() => void> = [];

  const cancel = (key: string): void => {
    later.get(key)?.timer.abort();
    later.delete(key);
  };
  // A wait goes on beside an event: most events of a link that waits are our own writes about it.
  const add = (key: string): void => {
    if (working.has(key)) again.add(key);
    else if (!ready.has(key) && !due.has(key)) {
      ready.add(key);
      idle.shift()?.();
    }
  };
  const isOver = (key: string): void => {
    later.delete(key);
    if (working.has(key)) again.add(key);
    else if (!due.has(key)) {
      due.add(key);
      if (!ready.delete(key)) idle.shift()?.();
    }
  };
  const addAfter = (key: string, ms: number): void => {
    const atMs = clock.monotonic() + ms;
    const known = later.get(key);
    if (due.has(key) || (known !== undefined && known.atMs <= atMs)) return;
    cancel(key);
    const timer = new AbortController();
    later.set(key, { atMs, timer });
    clock.sleep(Math.min(Math.max(0, ms), timerMsMax), timer.signal).then(
      () => isOver(key),
      () => {}, // replaced by an earlier wish, or the end
    );
  };
  const take = (): string | undefined => {
    const first = ++taken % newOneEvery === 0 ? ready : due;
    const from = first.size > 0 ? first : first === due ? ready : due;
    const [key] = from;
    if (key === undefined) return undefined;
    from.delete(key);
    cancel(key); // the look says anew when the next one is
    return key;
  };
  const worker = async (work: (key: string) => Promise<number | undefined>, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const key = take();
      if (key === undefined) {
        await new Promise<void>((resolve) => idle.push(resolve));
        continue;
      }
      working.add(key);
      const afterMs = await work(key);
      working.delete(key);
      if (again.delete(key)) add(key);
      if (afterMs !== undefined) addAfter(key, afterMs);
    }
  };
  return {
    add,
    addAfter,
    async run(workers, work, signal) {
      const wake = (): void => {
        for (const resolve of idle.splice(0)) resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      await Promise.all(Array.from({ length: workers }, () => worker(work, signal)));
      for (const { timer } of later.values()) timer.abort();
      later.clear();
    },
    get depth() {
      return ready.size + due.size;
    },
  };
}
