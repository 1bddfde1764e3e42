/** A private name from question to answer: its route, and the routes that its aliases lead to. */
import { rcode, type } from '../codec/constants.ts';
import type { Query } from '../codec/query.ts';
import { keyOfWire } from '../codec/name.ts';
import { type DnsRecord, readSections, type Sections, writeMessage } from '../codec/records.ts';
import { follow, headFor, isMissingType, questionFor, renamed } from '../zones/rewrite.ts';
import type { Route, RouteTable } from '../zones/routes.ts';
import type { UpstreamGroup } from './upstreams.ts';

/** What the resolver gives: routes, whom to ask, and asking. */
export interface Asking {
  readonly routes: RouteTable;
  groupOf(route: Route): UpstreamGroup;
  ask(group: UpstreamGroup, message: Buffer, questionEnd: number): Promise<Buffer | undefined>;
}

/** An alias of an alias of an alias is a mistake in somebody's zone, and each costs a round trip. */
const routesInChainMax = 8;

interface Found {
  readonly reply: Buffer;
  readonly code: number;
  readonly sections: Sections;
}

const empty: Sections = { answers: [], authority: [], additional: [] };

/** The reply to a question for a private name; undefined where nobody gave a usable one. */
export async function answerRoute(asking: Asking, query: Query, route: Route): Promise<Buffer | undefined> {
  const found = await find(asking, query, route, new Set());
  return found === undefined ? undefined : write(query, found);
}

/**
 * A relayed reply whose aliases lead to a private name: what lies behind that name is the route's. Undefined where they do not,
 * and the reply passes as it is.
 */
export async function completeAlias(asking: Asking, query: Query, reply: Buffer): Promise<Buffer | undefined> {
  const sections = readSections(reply, query.questionEnd);
  if (sections === undefined) return undefined;
  const name = keyOfWire(query.message.subarray(12, query.nameEnd));
  const followed = follow(sections.answers, name, asking.routes, query.type);
  if (followed.kind !== 'private') return undefined;
  const found = await find(asking, query, followed.route, new Set());
  if (found === undefined) return undefined;
  return write(query, { ...found, sections: joined(followed.links, found.sections) });
}

async function find(asking: Asking, query: Query, route: Route, seen: Set<Route>): Promise<Found | undefined> {
  if (seen.has(route) || seen.size >= routesInChainMax) return undefined;
  seen.add(route);
  const group = asking.groupOf(route);
  const { message, questionEnd } = questionFor(query, route.destinationWire);
  const reply = await asking.ask(group, message, questionEnd);
  if (reply === undefined) return undefined;
  // A bare header: a code and nothing else.
  if (reply.length < questionEnd) return { reply, code: reply[3]! & 15, sections: empty };
  const read = readSections(reply, questionEnd);
  if (read === undefined) return undefined;
  const isNoName = isMissingType(reply, query.type) && !(await hasAddress(asking, group, query, route));
  const code = isMissingType(reply, query.type) && !isNoName ? rcode.noError : reply[3]! & 15;
  const sections = renamed(read, route);
  const followed = follow(sections.answers, route.sourceKey, asking.routes, query.type);
  if (followed.kind === 'loop') return undefined;
  if (followed.kind === 'end') return { reply, code, sections: { ...sections, answers: followed.answers } };
  const next = await find(asking, query, followed.route, seen);
  return next === undefined ? undefined : { ...next, sections: joined(followed.links, next.sections) };
}

/** Some servers say "no such name" when they mean "not of this type"; a resolver library then gives up on the address too. */
async function hasAddress(asking: Asking, group: UpstreamGroup, query: Query, route: Route): Promise<boolean> {
  const { message, questionEnd } = questionFor(query, route.destinationWire, type.a);
  const reply = await asking.ask(group, message, questionEnd);
  return reply !== undefined && (reply[3]! & 15) === rcode.noError;
}

function joined(links: readonly DnsRecord[], sections: Sections): Sections {
  return { ...sections, answers: [...links, ...sections.answers] };
}

function write(query: Query, { reply, code, sections }: Found): Buffer | undefined {
  return writeMessage(headFor(query, reply, code), query.message.subarray(12, query.questionEnd), sections);
}
