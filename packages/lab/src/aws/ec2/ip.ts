/** IPv4 networks as EC2 counts them. */
import { AwsError } from '../error.ts';

export interface Network {
  readonly text: string;
  readonly first: number;
  readonly size: number;
  readonly prefix: number;
}

/** Reads `10.0.0.0/16`; `parameter` names the input in the refusal. */
export function network(text: string, parameter: string): Network {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const bytes = match?.slice(1, 5).map(Number) ?? [];
  const prefix = Number(match?.[5]);
  if (match === null || bytes.some((byte) => byte > 255) || prefix > 32)
    throw new AwsError(
      'InvalidParameterValue',
      `Value (${text}) for parameter ${parameter} is invalid. This is not a valid CIDR block.`,
    );
  const size = 2 ** (32 - prefix);
  const address = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  // EC2 takes 10.0.0.7/16 as 10.0.0.0/16: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html
  const first = address - (address % size);
  return { text: `${addressText(first)}/${prefix}`, first, size, prefix };
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export function addressNumber(text: string): number {
  return text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

export function overlap(a: Network, b: Network): boolean {
  return a.first < b.first + b.size && b.first < a.first + a.size;
}

export function contains(outer: Network, inner: Network): boolean {
  return outer.first <= inner.first && inner.first + inner.size <= outer.first + outer.size;
}
