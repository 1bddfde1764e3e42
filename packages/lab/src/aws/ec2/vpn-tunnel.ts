/** What a tunnel may have inside, and its keys. https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html */
import { AwsError } from '../error.ts';
import type { World } from '../world/world.ts';
import { network } from './ip.ts';

/** The page above: these /30 blocks are not for use. */
const reserved: ReadonlySet<string> = new Set([
  '169.254.0.0/30',
  '169.254.1.0/30',
  '169.254.2.0/30',
  '169.254.3.0/30',
  '169.254.4.0/30',
  '169.254.5.0/30',
  '169.254.169.252/30',
]);

export function insideCidr(text: string): string {
  const block = network(text, 'tunnelInsideCidr');
  if (block.prefix !== 30 || !block.text.startsWith('169.254.') || block.text !== text)
    throw new AwsError('InvalidParameterValue', `The tunnel inside CIDR ${text} must be a /30 of 169.254.0.0/16`);
  if (reserved.has(block.text))
    throw new AwsError('InvalidParameterValue', `The tunnel inside CIDR ${text} is reserved`);
  return block.text;
}

export function freeInsideCidr(world: World, taken: ReadonlySet<string>): string {
  for (;;) {
    const number = Number.parseInt(world.hex(4), 16);
    const cidr = `169.254.${Math.floor(number / 256)}.${(number % 64) * 4}/30`;
    if (!taken.has(cidr) && !reserved.has(cidr)) return cidr;
  }
}

/** Eight to 64 letters, digits, dots and underscores, the first no zero. */
export function preSharedKey(world: World, given: string | undefined): string {
  if (given === undefined) return `k${world.hex(31)}`;
  if (!/^[A-Za-z1-9._][A-Za-z0-9._]{7,63}$/.test(given))
    throw new AwsError(
      'InvalidParameterValue',
      'The pre-shared key must have 8 to 64 of [a-zA-Z0-9._] and must not begin with 0',
    );
  return given;
}
