import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errorMessage } from '@postern/core';
import { translateDatabaseError } from '../store/sqlite.ts';
import { auditFileName, headProblem } from './audit-file.ts';
import { chainHash, genesisHash } from './chain.ts';
import type { AuditHead } from './event.ts';
import { readHeadFile } from './head-file.ts';
import { openAuditForReading } from './read.ts';

/** Checks the chain from its first record to its head, and the head against its anchors. */

export interface VerifyOptions {
  readonly dataDir: string;
  /** A head that was noted elsewhere (the server's log, a metric): it must be part of the chain. */
  readonly expected?: AuditHead;
  readonly onProgress?: (records: number) => void;
}

export interface Verification {
  readonly ok: boolean;
  readonly records: number;
  readonly first: { readonly sequence: number; readonly time: string } | undefined;
  readonly head: AuditHead;
  /** One sentence each; the first twenty. */
  readonly problems: readonly string[];
}

const problemsMax = 20;
const progressEvery = 50_000;
/** A server that writes and prunes while we look may move the head file past our snapshot; it does not do so three times. */
const attempts = 3;

export function verifyAudit(options: VerifyOptions): Verification {
  let result = verifyOnce(options);
  for (let i = 1; i < attempts && result.headDiffers; i++) result = verifyOnce(options);
  return result.verification;
}

function verifyOnce(options: VerifyOptions): { verification: Verification; headDiffers: boolean } {
  const anchored = readHeadFile(options.dataDir); // before the snapshot: the file is never ahead of the database
  const db = openAuditForReading(options.dataDir);
  try {
    db.exec('BEGIN');
    const chain = new Chain(db, options);
    const hashes = new Set([
      ...(anchored.kind === 'head' ? [anchored.head.sequence] : []),
      ...(options.expected ? [options.expected.sequence] : []),
    ]);
    chain.walk(hashes);
    const headDiffers = headProblem(anchored, chain.head, (n) => chain.hashes.get(n));
    if (headDiffers !== undefined) chain.problem(headDiffers);
    const { expected } = options;
    if (expected !== undefined && chain.hashes.get(expected.sequence) !== expected.hash)
      chain.problem(
        `the head noted elsewhere (${expected.sequence} ${expected.hash.slice(0, 16)}...) is not part of this chain`,
      );
    return { verification: chain.verification(), headDiffers: headDiffers !== undefined };
  } catch (error) {
    const { message } = translateDatabaseError(error, join(options.dataDir, auditFileName));
    return {
      verification: { ok: false, records: 0, first: undefined, head: { sequence: 0, hash: '' }, problems: [message] },
      headDiffers: false,
    };
  } finally {
    db.close();
  }
}

interface Prune {
  readonly throughSequence: number;
  readonly throughHash: string;
}

class Chain {
  readonly #db: DatabaseSync;
  readonly #options: VerifyOptions;
  readonly #problems: string[] = [];
  readonly #anchor: AuditHead;
  #records = 0;
  #first: Verification['first'];
  #lastPrune: Prune | undefined;
  #last: { readonly sequence: number; readonly hash: Uint8Array };
  /** Hashes of the records that were asked for, and of the anchor. */
  readonly hashes = new Map<number, string>();

  constructor(db: DatabaseSync, options: VerifyOptions) {
    this.#db = db;
    this.#options = options;
    const row = db.prepare('SELECT sequence, hash FROM anchor').get();
    this.#anchor =
      row === undefined
        ? { sequence: 0, hash: genesisHash.toString('hex') }
        : { sequence: Number(row['sequence']), hash: hex(row['hash']) };
    this.#last = { sequence: this.#anchor.sequence, hash: Buffer.from(this.#anchor.hash, 'hex') };
  }

  get head(): AuditHead {
    return { sequence: this.#last.sequence, hash: hex(this.#last.hash) };
  }

  problem(text: string): void {
    if (this.#problems.length < problemsMax) this.#problems.push(text);
  }

  walk(wanted: ReadonlySet<number>): void {
    // Finds what the chain does not cover: a changed byte in an index or in a page's structure.
    for (const row of this.#db.prepare(`PRAGMA integrity_check(${problemsMax})`).all()) {
      const text = String(Object.values(row)[0]);
      if (text !== 'ok') this.problem(`the database is damaged: ${text.split('\n')[0]}`);
    }
    this.hashes.set(this.#anchor.sequence, this.#anchor.hash);
    const rows = this.#db
      .prepare('SELECT sequence, time_ms, hash, CAST(record AS BLOB) AS record FROM audit ORDER BY sequence')
      .iterate();
    for (const row of rows) {
      const record = Buffer.from(row['record'] as Uint8Array);
      this.#check(Number(row['sequence']), Number(row['time_ms']), row['hash'] as Uint8Array, record);
      if (wanted.has(this.#last.sequence)) this.hashes.set(this.#last.sequence, hex(this.#last.hash));
      if (++this.#records % progressEvery === 0) this.#options.onProgress?.(this.#records);
    }
    this.#checkAnchor();
  }

  #check(sequence: number, timeMs: number, hash: Uint8Array, record: Buffer): void {
    const previous = this.#last;
    if (sequence !== previous.sequence + 1)
      this.problem(`records ${previous.sequence + 1} to ${sequence - 1} are missing`);
    else if (!chainHash(previous.hash, record).equals(hash))
      this.problem(`record ${sequence} was changed: its hash does not fit its text and the hash before it`);
    // Goes on from what is stored, so that one changed record is one or two problems and not thousands.
    this.#last = { sequence, hash };
    this.#read(sequence, timeMs, record);
  }

  #read(sequence: number, timeMs: number, record: Buffer): void {
    let event: { time?: unknown; event?: unknown; reason?: unknown };
    try {
      event = JSON.parse(record.toString('utf8')) as typeof event;
    } catch (error) {
      return this.problem(`record ${sequence} is not JSON: ${errorMessage(error).slice(0, 60)}`);
    }
    const time = String(event.time);
    this.#first ??= { sequence, time };
    if (Date.parse(time) !== timeMs) this.problem(`record ${sequence} is filed under another time than it says`);
    if (event.event === 'audit.prune') this.#lastPrune = event as unknown as Prune;
    if (event.event === 'audit.break') this.problem(`record ${sequence}, of ${time}, says: ${String(event.reason)}`);
  }

  /** Retention records in the chain what it removed; a beginning that nothing in the chain speaks of was cut off by somebody else. */
  #checkAnchor(): void {
    const { sequence, hash } = this.#anchor;
    const told = this.#lastPrune;
    if (sequence === 0 ? told !== undefined : told?.throughSequence !== sequence || told.throughHash !== hash)
      this.problem(
        `the first records were removed, and no audit.prune record says so (the chain begins after ${sequence})`,
      );
  }

  verification(): Verification {
    return {
      ok: this.#problems.length === 0,
      records: this.#records,
      first: this.#first,
      head: this.head,
      problems: this.#problems,
    };
  }
}

function hex(value: unknown): string {
  return Buffer.from(value as Uint8Array).toString('hex');
}
