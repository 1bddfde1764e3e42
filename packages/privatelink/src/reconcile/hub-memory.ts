import type { Clock } from '@postern/core';

/** What changes rarely and is asked for by every cluster: remembered for a while, so that a thousand clusters do not ask a thousand times. */

const rememberMs = 10 * 60_000;

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
}
