/** Filters of the describe calls. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { fits } from '../access/pattern.ts';
import { AwsError } from '../error.ts';

/** What a filter of a name looks at; several values when a resource has several (`tag`s, attachments). */
export type FilterTable<T> = Readonly<Record<string, (record: T) => string | readonly string[] | undefined>>;

const filtersMax = 50;
const valuesMax = 200;

/** The records that pass every filter: within one filter any value will do; `*` and `?` stand for anything. */
export function filtered<T extends { readonly tags: Readonly<Record<string, string>> }>(
  records: readonly T[],
  filters: readonly sdk.Filter[] | undefined,
  table: FilterTable<T>,
): T[] {
  if ((filters?.length ?? 0) > filtersMax) throw new AwsError('FilterLimitExceeded', `at most ${filtersMax} filters`);
  const tests = (filters ?? []).map((filter) => testFor(filter, table));
  return records.filter((record) => tests.every((test) => test(record)));
}

function testFor<T extends { readonly tags: Readonly<Record<string, string>> }>(
  filter: sdk.Filter,
  table: FilterTable<T>,
): (record: T) => boolean {
  const { Name: name = '', Values: wanted = [] } = filter;
  if (wanted.length > valuesMax) throw new AwsError('FilterLimitExceeded', `at most ${valuesMax} values in a filter`);
  const look = lookup(name, table);
  return (record) => {
    const found = look(record);
    const values = found === undefined ? [] : typeof found === 'string' ? [found] : found;
    return values.some((value) => wanted.some((pattern) => fits(pattern, value)));
  };
}

function lookup<T extends { readonly tags: Readonly<Record<string, string>> }>(
  name: string,
  table: FilterTable<T>,
): (record: T) => string | readonly string[] | undefined {
  if (name.startsWith('tag:')) return (record) => record.tags[name.slice('tag:'.length)];
  if (name === 'tag-key') return (record) => Object.keys(record.tags);
  if (name === 'tag-value') return (record) => Object.values(record.tags);
  const look = table[name];
  if (look === undefined) throw new AwsError('InvalidParameterValue', `The filter '${name}' is invalid`);
  return look;
}
