import { randomInt } from 'node:crypto';

/** What the clouds would decide, decided by the lab: outside addresses and random passwords. */

const gateways = ['203.0.113.1', '203.0.114.1'];
const tunnelEnds = ['198.51.100.1', '198.51.100.65', '198.51.101.1', '198.51.101.65'];
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function labAnswers() {
  const passwords = new Map<string, string>();
  return {
    gatewayAddress: (i: number): string => gateways[i]!,
    tunnelAddress: (connection: number, number: 1 | 2): string => tunnelEnds[2 * connection + number - 1]!,
    password(name: string, length: number): string {
      const known = passwords.get(name);
      if (known !== undefined) return known;
      const made = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
      passwords.set(name, made);
      return made;
    },
  };
}
