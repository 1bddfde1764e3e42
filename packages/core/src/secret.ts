import { inspect } from 'node:util';

const shown = '[secret]';

/** A value that cannot be printed by accident: string conversion, JSON and `inspect` all say `[secret]`. */
export class Secret<T = string> {
  readonly #value: T;
  constructor(value: T) {
    this.#value = value;
  }
  /** Another secret made of this one. */
  map<U>(change: (value: T) => U): Secret<U> {
    return new Secret(change(this.#value));
  }
  /** The value itself. Call it where it is used, never earlier. */
  reveal(): T {
    return this.#value;
  }
  toString(): string {
    return shown;
  }
  toJSON(): string {
    return shown;
  }
  [inspect.custom](): string {
    return shown;
  }
}
