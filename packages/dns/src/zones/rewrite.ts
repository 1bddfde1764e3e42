/**
 * The two halves of a route: the question on its way out, the records on their way back.
 *
 * Only what is owned by the destination is renamed. A rule that renames every owner makes one name out of a chain of aliases,
 * and resolver libraries refuse that.
 */
import { ednsBytes, flag, headerBytes, rcode, signatureTypes, type } from '../codec/constants.ts';
import { keyOfWire, type NameKey } from '../codec/name.ts';
import type { Query } from '../codec/query.ts';
import type { DnsRecord, Sections } from '../codec/records.ts';
import type { Route, RouteTable } from './routes.ts';

/** The client's question with the destination in place of its name; its EDNS stays, with a size we can be sent without fragments. */
export function questionFor(
  query: Query,
  destination: Buffer,
  questionType = query.type,
): { message: Buffer; questionEnd: number } {
  const { message } = query;
  const fixed = Buffer.from(message.subarray(query.nameEnd, query.questionEnd));
  fixed.writeUInt16BE(questionType, 0);
  const rest = Buffer.from(message.subarray(query.questionEnd));
  if (query.optOffset >= 0) {
    const size = query.optOffset - query.questionEnd + 3;
    rest.writeUInt16BE(Math.min(query.udpBytesMax, ednsBytes), size);
  }
  const questionEnd = headerBytes + destination.length + fixed.length;
  return { message: Buffer.concat([message.subarray(0, headerBytes), destination, fixed, rest]), questionEnd };
}

/** The destination's records under the source's name. Signatures go: they were made for another name. */
export function renamed(sections: Sections, route: Route, source: Buffer = route.sourceWire): Sections {
  const rename = (record: DnsRecord): DnsRecord =>
    record.key === route.destinationKey && record.type !== type.opt
      ? { ...record, owner: source, key: route.sourceKey }
      : record;
  const kept = (records: readonly DnsRecord[]) =>
    records.filter((record) => !signatureTypes.has(record.type)).map(rename);
  return {
    // A DNAME explains an alias of the destination; under the source there is only the alias made from it.
    answers: kept(sections.answers).filter((record) => record.type !== type.dname && !isAliasOfItself(record)),
    authority: kept(sections.authority),
    additional: kept(sections.additional),
  };
}

function isAliasOfItself(record: DnsRecord): boolean {
  return record.type === type.cname && keyOfWire(record.rdata) === record.key;
}

/** Where a chain of aliases ends: with its records, at another private name, or nowhere. */
export type Followed =
  | { readonly kind: 'end'; readonly answers: readonly DnsRecord[] }
  | { readonly kind: 'private'; readonly links: readonly DnsRecord[]; readonly route: Route }
  | { readonly kind: 'loop' };

/**
 * Walks the aliases from `start`. A chain that comes back to `start` (the destination is an alias of the private name, as in a
 * zone that serves both) is cut down to what `start` owns; one that reaches another private name continues with that
 * name's route, because what the upstream knows under it, if anything, is not what was asked for.
 */
export function follow(
  answers: readonly DnsRecord[],
  start: NameKey,
  routes: RouteTable,
  questionType: number,
): Followed {
  if (questionType === type.cname || questionType === type.any) return { kind: 'end', answers };
  let rest = answers;
  let links: DnsRecord[] = [];
  let at = start;
  const seen = new Set([start]);
  for (;;) {
    const link = rest.find((record) => record.type === type.cname && record.key === at && !links.includes(record));
    if (link === undefined) return { kind: 'end', answers: rest };
    links.push(link);
    const target = keyOfWire(link.rdata);
    if (target === start) {
      const dropped = new Set(links);
      rest = rest.filter((record) => !dropped.has(record));
      if (!rest.some((record) => record.key === start)) return { kind: 'loop' };
      [links, at] = [[], start];
      seen.clear();
      seen.add(start);
      continue;
    }
    if (seen.has(target)) return { kind: 'loop' };
    const route = routes.get(target);
    if (route !== undefined) return { kind: 'private', links, route };
    seen.add(target);
    at = target;
  }
}

/** The first four bytes of the rewritten reply: the client's id, the upstream's flags without what it cannot vouch for. */
export function headFor(query: Query, reply: Buffer, code = reply[3]! & 15): Buffer {
  const head = Buffer.from(reply.subarray(0, 4));
  head.writeUInt16BE(query.id, 0);
  const flags = reply.readUInt16BE(2) & ~(flag.aa | flag.ad | flag.tc | 15);
  // RA because we do recurse: Go's resolver takes an empty answer with neither AA nor RA for a lame referral and gives up.
  head.writeUInt16BE(flags | flag.ra | code, 2);
  return head;
}

/** "This type does not exist, the name does": what an answer for AAAA must say when there is an A. */
export function isMissingType(reply: Buffer, questionType: number): boolean {
  return questionType !== type.a && (reply[3]! & 15) === rcode.nxDomain;
}
