import { PosternError } from '@postern/core';
import type { StackJson } from '../stacks/synth.ts';

/** Reading values out of a synthesised stack, with references resolved. PURE. */

/** Answers what only a cloud knows, for a reference such as `aws_vpn_connection.google_0.tunnel1_address`. */
export type Resolve = (reference: string) => string | undefined;

/** One resource (or the stack itself): values by path, or an error that names the place. */
export class Node {
  readonly address: string;
  readonly #value: unknown;
  readonly #resolve: Resolve;

  constructor(address: string, value: unknown, resolve: Resolve) {
    this.address = address;
    this.#value = value;
    this.#resolve = resolve;
  }

  get(...path: readonly (string | number)[]): unknown {
    let value = this.#value;
    for (const part of path) value = (value as Record<string | number, unknown> | undefined)?.[part];
    return value;
  }

  text(...path: readonly (string | number)[]): string {
    const value = this.get(...path);
    if (typeof value === 'string') return this.#interpolate(value, path);
    if (typeof value === 'number') return String(value);
    throw this.#wrong(path, 'is not a text');
  }

  number(...path: readonly (string | number)[]): number {
    const number = Number(this.text(...path));
    if (!Number.isFinite(number)) throw this.#wrong(path, 'is not a number');
    return number;
  }

  list(...path: readonly (string | number)[]): unknown[] {
    const value = this.get(...path);
    if (!Array.isArray(value)) throw this.#wrong(path, 'is not a list');
    return value as unknown[];
  }

  texts(...path: readonly (string | number)[]): string[] {
    return this.list(...path).map((_, i) => this.text(...path, i));
  }

  numbers(...path: readonly (string | number)[]): number[] {
    return this.list(...path).map((_, i) => this.number(...path, i));
  }

  /** The address of the resource that this attribute refers to: `${aws_vpn_gateway.main.id}` -> `aws_vpn_gateway.main`. */
  target(...path: readonly (string | number)[]): string {
    const value = this.get(...path);
    const match = typeof value === 'string' ? /^\$\{([a-z0-9_]+\.[A-Za-z0-9_-]+)\.[a-z_]+\}$/.exec(value) : null;
    if (match === null) throw this.#wrong(path, 'is not a reference to a resource');
    return match[1]!;
  }

  #interpolate(text: string, path: readonly (string | number)[]): string {
    return text.replace(/\$\{([^}]*)\}/g, (_, reference: string) => {
      const value = this.#resolve(reference);
      if (value === undefined) throw this.#wrong(path, `refers to ${reference}, which nothing here knows`);
      return value;
    });
  }

  #wrong(path: readonly (string | number)[], what: string): PosternError {
    return new PosternError('STACK', `${[this.address, ...path].join('.')} ${what}`, {
      hint: 'the generated stack was edited, or is of another version: run postern generate',
      exitCode: 2,
    });
  }
}

/** All resources of a type, in the order in which they were written. */
export function resources(stack: StackJson, type: string, resolve: Resolve): Node[] {
  const found = (stack['resource'] as Record<string, Record<string, unknown>> | undefined)?.[type] ?? {};
  return Object.entries(found).map(([name, value]) => new Node(`${type}.${name}`, value, resolve));
}

/** The only resource of a type. */
export function only(stack: StackJson, type: string, resolve: Resolve): Node {
  const [first, ...more] = resources(stack, type, resolve);
  if (first === undefined || more.length > 0)
    throw new PosternError('STACK', `the stack has ${first === undefined ? 'no' : 'more than one'} ${type}`, {
      hint: 'run postern generate',
      exitCode: 2,
    });
  return first;
}
