/** What IAM's families share. */
import type * as sdk from '@aws-sdk/client-iam';
import { AwsError } from '../error.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';

/** IAM is global: its records lie in no region. */
export function global(call: Call, id: string, tags: Record<string, string> = {}) {
  return { ...call.born(id, tags), region: 'global' };
}

/** `AROA...` for roles, `AIDA...` for users, `ANPA...` for policies. */
export function uniqueId(call: Call, prefix: string): string {
  return `${prefix}${call.world.hex(17).toUpperCase()}`;
}

export function noSuch(message: string): AwsError {
  return new AwsError('NoSuchEntity', message, 404);
}

export function tagMap(tags: readonly sdk.Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

export function tagsOut(tags: Readonly<Record<string, string>>): sdk.Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** IAM's pages carry `IsTruncated` and a marker. */
export function iamPage<T>(
  call: Call,
  all: readonly T[],
  idOf: (item: T) => string,
  input: { Marker?: string | undefined; MaxItems?: number | undefined },
) {
  const { items, next } = page(call, all, idOf, { max: input.MaxItems, token: input.Marker, usual: 100 });
  return { items, IsTruncated: next !== undefined, ...(next === undefined ? {} : { Marker: next }) };
}
