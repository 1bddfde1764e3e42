import type { UnsuccessfulItem } from '@aws-sdk/client-ec2';
import { AwsError, isAwsError, kindOfCode } from '../providers/aws/errors.ts';

/**
 * EC2's batch deletions succeed as a whole and list what failed inside. Who does not read the list drops the finalizer of
 * things that still exist (HyperShift reads it, Hive does not).
 * @returns ids that cannot go yet because something still depends on them
 */
export function readUnsuccessful(action: string, items: readonly UnsuccessfulItem[] | undefined): string[] {
  const busy: string[] = [];
  for (const { ResourceId = '', Error: error } of items ?? []) {
    const code = error?.Code ?? 'Unknown';
    const kind = kindOfCode(code);
    if (kind === 'not-found') continue; // gone is what was asked for
    if (kind !== 'busy') throw new AwsError(action, code, `${ResourceId}: ${error?.Message ?? 'no message'}`);
    busy.push(ResourceId);
  }
  return busy;
}

/** Runs a deletion; what is not there is deleted. */
export async function deleting<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isAwsError(error, 'not-found')) return undefined;
    throw error;
  }
}
