import { createHash } from 'node:crypto';

/**
 * A client token: the same for the same intention, so that a create repeated after a crash finds what it made although AWS
 * does not list it yet; another one for every other. AWS takes up to 64 characters.
 */
export function clientToken(...intention: ReadonlyArray<string | readonly string[]>): string {
  return `postern-${createHash('sha256').update(JSON.stringify(intention)).digest('hex').slice(0, 48)}`;
}
