import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errorMessage } from '@postern/core';
import { ensurePrivateDirectory } from '../files.ts';
import { openDatabase, transaction, translateDatabaseError } from '../store/sqlite.ts';
import { chainHash, genesisHash, pendingRecord, type PendingRecord, recordOf } from './chain.ts';
import type { AuditEvent, AuditHead } from './event.ts';
import { readHeadFile, writeHeadFile } from './head-file.ts';

/**
 * `data/audit.db`, written: the chain in table `audit`, one text column `record` (JSON) beside its keys. Each append reads the head
 * inside its own transaction, so that the server and the command line may both write. Blocking: the server runs it in a worker.
 */

export const auditLayout = 1;
export const auditFileName = 'audit.db';

/** `anchor` is where the chain begins once retention has removed its first records. */
const schema = `
CREATE TABLE audit (sequence INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, hash BLOB NOT NULL, record TEXT NOT NULL) STRICT;
CREATE INDEX audit_time ON audit (time_ms);
CREATE TABLE anchor (id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
`;

/** Records removed in one transaction: bounds how long other writers wait. */
const pruneBatch = 20_000;

/** What an append or a removal left behind. */
export interface Written {
  readonly head: AuditHead;
  /** The records are stored and the head file is not up to date; the next append writes it again. */
  readonly headFileFailure?: string;
}

interface Head {
  readonly sequence: number;
  readonly hash: Uint8Array;
}

export class AuditFile {
  readonly #db: DatabaseSync;
  readonly #dataDir: string;
  readonly #file: string;
  readonly #sql;

  constructor(dataDir: string, nowMs: number) {
    ensurePrivateDirectory(dataDir);
    this.#dataDir = dataDir;
    this.#file = join(dataDir, auditFileName);
    // `full`: the head file must never outlive, in a power cut, the commit it speaks of.
    this.#db = openDatabase({ file: this.#file, schema, version: auditLayout, durability: 'full' });
    this.#sql = {
      last: this.#db.prepare('SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1'),
      anchor: this.#db.prepare('SELECT sequence, hash FROM anchor'),
      hashAt: this.#db.prepare('SELECT hash FROM audit WHERE sequence = ?'),
      insert: this.#db.prepare('INSERT INTO audit VALUES (?, ?, ?, ?)'),
      oldest: this.#db.prepare('SELECT sequence, time_ms, hash, record FROM audit ORDER BY sequence LIMIT ?'),
      remove: this.#db.prepare('DELETE FROM audit WHERE sequence <= ?'),
      moveAnchor: this.#db.prepare(
        'INSERT INTO anchor VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash',
      ),
    };
    this.#heal(nowMs);
  }

  head(): AuditHead {
    return this.#translating(() => shown(this.#head()));
  }

  /** Adds records in order, in one commit (none at all: writes the head file again). */
  append(records: readonly PendingRecord[]): Written {
    if (records.length > 0) this.#translating(() => transaction(this.#db, () => this.#insert(records)));
    return this.#anchorHead();
  }

  /**
   * Removes the first records, as far as they are older than `beforeMs`, and records that it did. `more`: there may be more to
   * remove.
   */
  prune(beforeMs: number, nowMs: number): Written & { readonly more: boolean } {
    const removed = this.#translating(() => transaction(this.#db, () => this.#prune(beforeMs, nowMs)));
    return { ...(removed === 0 ? { head: this.head() } : this.#anchorHead()), more: removed === pruneBatch };
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #insert(records: readonly PendingRecord[]): void {
    let { sequence, hash } = this.#head();
    for (const { timeMs, text } of records) {
      hash = chainHash(hash, text);
      this.#sql.insert.run(++sequence, timeMs, hash, text);
    }
  }

  #prune(beforeMs: number, nowMs: number): number {
    let through: { sequence: number; hash: Uint8Array } | undefined;
    let count = 0;
    let events = false;
    for (const row of this.#sql.oldest.iterate(pruneBatch)) {
      if (Number(row['time_ms']) >= beforeMs) break;
      through = { sequence: Number(row['sequence']), hash: row['hash'] as Uint8Array };
      events ||= !String(row['record']).includes('"event":"audit.prune"');
      count++;
    }
    // Records of earlier removals alone are no reason for one more.
    if (through === undefined || !events) return 0;
    const throughHash = Buffer.from(through.hash).toString('hex');
    const event: AuditEvent = { event: 'audit.prune', throughSequence: through.sequence, throughHash, records: count };
    this.#insert([pendingRecord(recordOf(event, nowMs))]);
    this.#sql.moveAnchor.run(through.sequence, through.hash);
    this.#sql.remove.run(through.sequence);
    return count;
  }

  #head(): Head {
    const row = this.#sql.last.get() ?? this.#sql.anchor.get();
    return row === undefined
      ? { sequence: 0, hash: genesisHash }
      : { sequence: Number(row['sequence']), hash: row['hash'] as Uint8Array };
  }

  /** Writes the head file, with the lock held so that two processes do not turn it back. */
  #anchorHead(): Written {
    return this.#translating(() =>
      transaction(this.#db, () => {
        const head = shown(this.#head());
        try {
          writeHeadFile(this.#dataDir, head);
          return { head };
        } catch (error) {
          // The records are stored: a caller that took this for a failed append would store them twice.
          return { head, headFileFailure: errorMessage(error) };
        }
      }),
    );
  }

  /** When the head file knows more than the database does, the chain itself records the loss. */
  #heal(nowMs: number): void {
    this.#translating(() =>
      transaction(this.#db, () => {
        const reason = headProblem(readHeadFile(this.#dataDir), shown(this.#head()), (n) => this.#hashAt(n));
        if (reason !== undefined) this.#insert([pendingRecord(recordOf({ event: 'audit.break', reason }, nowMs))]);
      }),
    );
    this.#anchorHead();
  }

  #hashAt(sequence: number): string | undefined {
    const anchor = this.#sql.anchor.get();
    const row = this.#sql.hashAt.get(sequence) ?? (Number(anchor?.['sequence']) === sequence ? anchor : undefined);
    return row === undefined ? undefined : Buffer.from(row['hash'] as Uint8Array).toString('hex');
  }

  #translating<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw translateDatabaseError(error, this.#file);
    }
  }
}

/** What the head file says against the database; undefined when it fits. */
export function headProblem(
  anchored: ReturnType<typeof readHeadFile>,
  head: AuditHead,
  hashAt: (sequence: number) => string | undefined,
): string | undefined {
  if (anchored.kind === 'missing') return head.sequence === 0 ? undefined : 'audit.head is missing';
  if (anchored.kind === 'damaged') return 'audit.head is damaged';
  const { sequence, hash } = anchored.head;
  if (sequence > head.sequence)
    return `the last ${sequence - head.sequence} records are missing: audit.head knows ${sequence}, the database ends at ${head.sequence}`;
  if (sequence === 0 || hashAt(sequence) === hash) return undefined;
  return `record ${sequence} is not the one that audit.head knows`;
}

function shown({ sequence, hash }: Head): AuditHead {
  return { sequence, hash: Buffer.from(hash).toString('hex') };
}

/** Writes records from a process that has no audit log open, and returns when they are stored. */
export function appendAudit(dataDir: string, nowMs: number, events: readonly AuditEvent[]): AuditHead {
  const file = new AuditFile(dataDir, nowMs);
  try {
    return file.append(events.map((event) => pendingRecord(recordOf(event, nowMs)))).head;
  } finally {
    file.close();
  }
}
