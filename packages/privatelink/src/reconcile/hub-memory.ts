import type { Clock } from '@postern/core';

/**
 * A thing that the status names and AWS does not list may be too young to be listed. Only an absence that lasts this long is
 * one: a replacement made too early would be a second one. EC2's eventual consistency is a matter of seconds.
 */
export const unseenGraceMs = 15_000;

/** What changes rarely and is asked for by every cluster: remembered for a while, so that a thousand clusters do not ask a thousand times. */

const rememberMs = 10 * 60_000;
/** Old notes go when there are this many: a thousand clusters leave some thousands a day. */
const notesMax = 20_000;

export class HubMemory {
  readonly #clock: Clock;
  readonly #values = new Map<string, { readonly value: Promise<unknown>; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The remembered answer, or that of `ask`; a failure is not remembered, and who comes meanwhile shares the call. */
  async remember<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#values.get(key);
    if (known !== undefined && this.#clock.monotonic() - known.atMs < rememberMs) return (await known.value) as T;
    const value = ask();
    const entry = { value, atMs: this.#clock.monotonic() };
    this.#values.set(key, entry);
    try {
      return await value;
    } catch (error) {
      if (this.#values.get(key) === entry) this.#values.delete(key);
      throw error;
    }
  }

  forget(key: string): void {
    this.#values.delete(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Notes that something was so, the first time. */
  note(key: string): void {
    if (this.#values.size > notesMax) this.#prune();
    if (!this.has(key)) this.#values.set(key, { value: Promise.resolve(true), atMs: this.#clock.monotonic() });
  }

  #prune(): void {
    for (const [key, { atMs }] of this.#values)
      if (this.#clock.monotonic() - atMs > rememberMs) this.#values.delete(key);
  }

  /** Since when it has been so; -1: never noted. */
  ageMs(key: string): number {
    const known = this.#values.get(key);
    return known === undefined ? -1 : this.#clock.monotonic() - known.atMs;
  }
}
