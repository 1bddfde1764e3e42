import { createHash } from 'node:crypto';
import type { AuditEvent, StoredEvent } from './event.ts';

/** The chain: each record's hash covers the one before it, so that none can be changed, removed or put in between unseen. */

export const genesisHash = Buffer.alloc(32);

/** SHA-256 over the previous hash and the record's text as stored. */
export function chainHash(previous: Uint8Array, record: string | Uint8Array): Buffer {
  return createHash('sha256').update(previous).update(record).digest();
}

/** A record on its way into the chain. */
export interface PendingRecord {
  readonly timeMs: number;
  readonly text: string;
}

/** Bounds what text from a peer (a version, a reason) can make of one record. */
const recordCharsMax = 8192;
const fieldCharsMax = 1024;

/** The event as it is recorded: `time` and `event` first. */
export function recordOf(event: AuditEvent, nowMs: number): StoredEvent {
  const timeMs = event.time === undefined ? nowMs : Date.parse(event.time);
  const { time: _, event: name, ...fields } = event;
  return { time: new Date(timeMs).toISOString(), event: name, ...fields };
}

/** The record as the text that is stored and hashed. */
export function pendingRecord(record: StoredEvent): PendingRecord {
  const text = JSON.stringify(record);
  return {
    timeMs: Date.parse(record.time),
    text: text.length <= recordCharsMax ? text : JSON.stringify(record, shortened),
  };
}

function shortened(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > fieldCharsMax ? `${value.slice(0, fieldCharsMax)}…` : value;
}
