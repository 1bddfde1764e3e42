/**
 * Pages of any size. A token stands for what was still to be given when it was made: what is deleted in between is left out,
 * and nothing is skipped or given twice. A rule may make pages smaller, or the first one empty with a token: AWS does that
 * too, and a client that stops there misses everything.
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-pagination.html
 */
import { AwsError } from '../error.ts';
import type { Call } from './call.ts';

export interface PageLimits {
  readonly max: number | undefined;
  readonly token: string | undefined;
  /** Page size where the caller sets none. */
  readonly usual?: number;
  /** Bounds the service sets on the caller's wish. */
  readonly least?: number;
  readonly most?: number;
}

export interface Page<T> {
  readonly items: T[];
  readonly next: string | undefined;
}

/** Tokens nobody came back for are forgotten, oldest first. */
const tokensMax = 10_000;

export function page<T>(call: Call, all: readonly T[], idOf: (item: T) => string, limits: PageLimits): Page<T> {
  const { max, token, usual = 1000, least = 1, most = 1000 } = limits;
  if (max !== undefined && (max < least || !Number.isInteger(max)))
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${max} ) for parameter maxResults is invalid. Expecting a value greater than or equal to ${least}.`,
    );
  const left = token === undefined || token === '' ? all : remaining(call, all, idOf, token);
  if (call.emptyPage && left === all) return { items: [], next: remember(call, all.map(idOf)) };
  const size = Math.min(max ?? usual, most, call.pageSize ?? Number.MAX_SAFE_INTEGER);
  const rest = left.slice(size);
  return { items: left.slice(0, size), next: rest.length === 0 ? undefined : remember(call, rest.map(idOf)) };
}

function remaining<T>(call: Call, all: readonly T[], idOf: (item: T) => string, token: string): readonly T[] {
  const ids = call.world.pageTokens.get(token);
  if (ids === undefined) throw new AwsError('InvalidNextToken', 'The token is invalid');
  const byId = new Map(all.map((item) => [idOf(item), item]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

function remember(call: Call, ids: readonly string[]): string {
  const { pageTokens } = call.world;
  const token = call.world.hex(40);
  pageTokens.set(token, ids);
  const [oldest] = pageTokens.keys();
  if (pageTokens.size > tokensMax && oldest !== undefined) pageTokens.delete(oldest);
  return token;
}
