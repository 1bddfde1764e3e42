/** Takes the records of a message apart and puts them together again. Only rewritten replies go through here. */
import { headerBytes, messageBytesMax, type } from './constants.ts';
import { keyOfWire, type NameKey, readName } from './name.ts';

export interface DnsRecord {
  readonly owner: Buffer;
  readonly key: NameKey;
  readonly type: number;
  readonly class: number;
  /** As it came; in an OPT these are its flags. */
  readonly ttl: number;
  /** Without compression, so that it can be moved to another place. */
  readonly rdata: Buffer;
}

export interface Sections {
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

type Field = number | 'name' | 'string' | 'rest';

/**
 * Where names lie in the data of the types whose names may be compressed (RFC 3597 section 4, plus what old servers
 * compress). Every other type is copied as it is, known or not: that is what lets type 65280 pass.
 */
const layouts: ReadonlyMap<number, readonly Field[]> = new Map<number, readonly Field[]>([
  ...[type.ns, 3, 4, type.cname, 7, 8, 9, 12, type.dname].map((t): [number, Field[]] => [t, ['name']]),
  [type.soa, ['name', 'name', 20]],
  [14, ['name', 'name']], // MINFO
  [15, [2, 'name']], // MX
  [17, ['name', 'name']], // RP
  [18, [2, 'name']], // AFSDB
  [21, [2, 'name']], // RT
  [26, [2, 'name', 'name']], // PX
  [33, [6, 'name']], // SRV
  [35, [4, 'string', 'string', 'string', 'name']], // NAPTR
  [36, [2, 'name']], // KX
  [type.nxt, ['name', 'rest']],
  [type.rrsig, [18, 'name', 'rest']],
  [type.sig, [18, 'name', 'rest']],
]);

/** Undefined where the message is not what its counts say. */
export function readSections(message: Buffer, questionEnd: number): Sections | undefined {
  const counts = [message.readUInt16BE(6), message.readUInt16BE(8), message.readUInt16BE(10)];
  const sections: DnsRecord[][] = [];
  let at = questionEnd;
  for (const count of counts) {
    const records: DnsRecord[] = [];
    for (let i = 0; i < count; i++) {
      const read = readRecord(message, at);
      if (read === undefined) return undefined;
      records.push(read.record);
      at = read.end;
    }
    sections.push(records);
  }
  if (at !== message.length) return undefined;
  return { answers: sections[0]!, authority: sections[1]!, additional: sections[2]! };
}

function readRecord(message: Buffer, offset: number): { record: DnsRecord; end: number } | undefined {
  const name = readName(message, offset);
  if (name === undefined || name.end + 10 > message.length) return undefined;
  const at = name.end;
  const end = at + 10 + message.readUInt16BE(at + 8);
  if (end > message.length) return undefined;
  const recordType = message.readUInt16BE(at);
  const rdata = readData(message, at + 10, end, layouts.get(recordType));
  if (rdata === undefined) return undefined;
  const record: DnsRecord = {
    owner: name.wire,
    key: name.key,
    type: recordType,
    class: message.readUInt16BE(at + 2),
    ttl: message.readUInt32BE(at + 4),
    rdata,
  };
  return { record, end };
}

function readData(
  message: Buffer,
  from: number,
  end: number,
  layout: readonly Field[] | undefined,
): Buffer | undefined {
  if (layout === undefined || from === end) return Buffer.from(message.subarray(from, end));
  const parts: Buffer[] = [];
  let at = from;
  for (const field of layout) {
    let next: number;
    if (field === 'name') {
      const name = readName(message, at);
      if (name === undefined) return undefined;
      parts.push(name.wire);
      next = name.end;
    } else {
      next = field === 'rest' ? end : at + (field === 'string' ? 1 + (message[at] ?? 0) : field);
      parts.push(message.subarray(at, Math.min(next, end)));
    }
    if (next > end) return undefined;
    at = next;
  }
  return at === end ? Buffer.concat(parts) : undefined;
}

/** Every name in the message behind its question: owners, and those in data of the types above. Undefined where it cannot be read. */
export function namesBehind(message: Buffer, questionEnd: number): NameKey[] | undefined {
  const sections = readSections(message, questionEnd);
  if (sections === undefined) return undefined;
  const names: NameKey[] = [];
  for (const record of [...sections.answers, ...sections.authority, ...sections.additional]) {
    names.push(record.key);
    let at = 0;
    for (const field of record.rdata.length === 0 ? [] : (layouts.get(record.type) ?? [])) {
      const name = field === 'name' ? readName(record.rdata, at) : undefined;
      if (name !== undefined) names.push(name.key);
      at = name?.end ?? at + (field === 'string' ? 1 + (record.rdata[at] ?? 0) : Number(field));
    }
  }
  return names;
}

/** Header bytes 0 to 3 from `head`, the question as given, the records behind it. Undefined where it would exceed 65,535 bytes. */
export function writeMessage(head: Buffer, question: Buffer, sections: Sections): Buffer | undefined {
  const header = Buffer.alloc(headerBytes);
  head.copy(header, 0, 0, 4);
  header.writeUInt16BE(1, 4);
  const parts: Buffer[] = [header, question];
  let at = headerBytes + question.length;
  // Whole names only: this is what makes the usual chain small, and every resolver library reads it.
  const places = new Map<NameKey, number>([[keyOfWire(question.subarray(0, question.length - 4)), headerBytes]]);
  for (const [i, records] of [sections.answers, sections.authority, sections.additional].entries()) {
    header.writeUInt16BE(records.length, 6 + 2 * i);
    for (const record of records) {
      const place = record.type === type.opt ? undefined : places.get(record.key);
      const owner = place === undefined ? record.owner : Buffer.of(0xc0 | (place >> 8), place & 0xff);
      if (place === undefined && at < 0x4000) places.set(record.key, at);
      const fixed = Buffer.alloc(10);
      fixed.writeUInt16BE(record.type, 0);
      fixed.writeUInt16BE(record.class, 2);
      fixed.writeUInt32BE(record.ttl, 4);
      fixed.writeUInt16BE(record.rdata.length, 8);
      at += owner.length + fixed.length;
      if (record.type === type.cname && at < 0x4000) {
        const target = keyOfWire(record.rdata);
        if (!places.has(target)) places.set(target, at);
      }
      at += record.rdata.length;
      if (at > messageBytesMax) return undefined;
      parts.push(owner, fixed, record.rdata);
    }
  }
  return Buffer.concat(parts, at);
}
