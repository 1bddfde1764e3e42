import { WireError } from './errors.ts';
import { bytesField, type Field, readFields, stringField, varintField } from './protobuf.ts';

/** The control messages of tunnel.proto as values, and their bytes. */

export interface IssueRequest {
  readonly certificateRequest: Buffer;
  readonly proof: string;
}

export interface IssueResponse {
  readonly certificateChain: readonly Buffer[];
  readonly notAfterSeconds: number;
  readonly serverTimeMs: number;
}

export type PeerMessage =
  | { readonly kind: 'hello'; readonly role: string; readonly instance: string; readonly version: string }
  | { readonly kind: 'ping' | 'pong'; readonly id: number }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'drain'; readonly withinMs: number }
  | { readonly kind: 'unknown' };

export type ServerMessage =
  | { readonly kind: 'welcome'; readonly session: string; readonly parkedAccepts: number }
  | { readonly kind: 'ping' | 'pong'; readonly id: number }
  | { readonly kind: 'drain'; readonly withinMs: number }
  | { readonly kind: 'unknown' };

export function encodeIssueRequest(m: IssueRequest): Buffer {
  return Buffer.concat([bytesField(1, m.certificateRequest), stringField(2, m.proof)]);
}

export function decodeIssueRequest(bytes: Buffer): IssueRequest {
  const fields = readFields(bytes);
  return { certificateRequest: bytesOf(fields, 1), proof: text(fields, 2) };
}

export function encodeIssueResponse(m: IssueResponse): Buffer {
  return Buffer.concat([
    ...m.certificateChain.map((der) => bytesField(1, der)),
    varintField(2, m.notAfterSeconds),
    varintField(3, m.serverTimeMs),
  ]);
}

export function decodeIssueResponse(bytes: Buffer): IssueResponse {
  const fields = readFields(bytes);
  return {
    certificateChain: fields.filter((f) => f.number === 1).map((f) => f.bytes),
    notAfterSeconds: value(fields, 2),
    serverTimeMs: value(fields, 3),
  };
}

type Known<M> = Exclude<M, { kind: 'unknown' }>;

export function encodePeerMessage(m: Known<PeerMessage>): Buffer {
  switch (m.kind) {
    case 'hello':
      return bytesField(
        1,
        Buffer.concat([stringField(1, m.role), stringField(2, m.instance), stringField(3, m.version)]),
      );
    case 'pong':
      return bytesField(2, varintField(1, m.id));
    case 'pause':
      return bytesField(3, stringField(1, m.reason));
    case 'drain':
      return bytesField(4, varintField(1, m.withinMs));
    case 'ping':
      return bytesField(5, varintField(1, m.id));
  }
}

export function decodePeerMessage(bytes: Buffer): PeerMessage {
  const [number, fields] = oneof(bytes);
  if (number === 1)
    return { kind: 'hello', role: text(fields, 1), instance: text(fields, 2), version: text(fields, 3) };
  if (number === 2) return { kind: 'pong', id: value(fields, 1) };
  if (number === 3) return { kind: 'pause', reason: text(fields, 1) };
  if (number === 4) return { kind: 'drain', withinMs: value(fields, 1) };
  if (number === 5) return { kind: 'ping', id: value(fields, 1) };
  return { kind: 'unknown' };
}

export function encodeServerMessage(m: Known<ServerMessage>): Buffer {
  switch (m.kind) {
    case 'welcome':
      return bytesField(1, Buffer.concat([stringField(1, m.session), varintField(2, m.parkedAccepts)]));
    case 'ping':
      return bytesField(2, varintField(1, m.id));
    case 'drain':
      return bytesField(3, varintField(1, m.withinMs));
    case 'pong':
      return bytesField(4, varintField(1, m.id));
  }
}

export function decodeServerMessage(bytes: Buffer): ServerMessage {
  const [number, fields] = oneof(bytes);
  if (number === 1) return { kind: 'welcome', session: text(fields, 1), parkedAccepts: value(fields, 2) };
  if (number === 2) return { kind: 'ping', id: value(fields, 1) };
  if (number === 3) return { kind: 'drain', withinMs: value(fields, 1) };
  if (number === 4) return { kind: 'pong', id: value(fields, 1) };
  return { kind: 'unknown' };
}

/** The member of the message's oneof that counts: the last (proto3). */
function oneof(bytes: Buffer): [number, Field[]] {
  const last = readFields(bytes).at(-1);
  return last === undefined ? [0, []] : [last.number, readFields(last.bytes)];
}

function bytesOf(fields: readonly Field[], number: number): Buffer {
  return fields.findLast((field) => field.number === number)?.bytes ?? Buffer.alloc(0);
}

/** Names and reasons are short; a longer one is not a mistake of the hand. */
const textBytesMax = 8192;

function text(fields: readonly Field[], number: number): string {
  const bytes = bytesOf(fields, number);
  if (bytes.length > textBytesMax)
    throw new WireError(`field ${number} of a control message is longer than ${textBytesMax} bytes`);
  return bytes.toString();
}

function value(fields: readonly Field[], number: number): number {
  return fields.findLast((field) => field.number === number)?.value ?? 0;
}
