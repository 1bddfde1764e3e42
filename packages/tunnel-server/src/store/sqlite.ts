import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { errorMessage, PosternError } from '@postern/core';

/** SQLite as the server uses it: one file in the data directory, several processes, each commit whole whatever ends a process. */

/** Long enough for another process's largest transaction on a slow disk; a writer that waits longer says so. */
const busyTimeoutMs = 5_000;

export interface OpenOptions {
  readonly file: string;
  /** Statements that bring an empty file to the present layout. */
  readonly schema: string;
  /** Number of the layout; a file written by a newer Postern is refused rather than misread. */
  readonly version: number;
  /**
   * `full`: a commit survives a power cut. `normal`: it survives the end of the process, and a power cut may take the last
   * moments with it (never the file's integrity).
   */
  readonly durability: 'full' | 'normal';
}

export function openDatabase({ file, schema, version, durability }: OpenOptions): DatabaseSync {
  return translating(file, () => {
    closeSync(openSync(file, 'a', 0o600)); // SQLite would create it with the umask's mode
    const db = new DatabaseSync(file, { timeout: busyTimeoutMs });
    try {
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'};`);
      transaction(db, () => {
        const found = userVersion(db);
        if (found > version) throw tooNew(file, found);
        if (found < version) db.exec(`${schema}; PRAGMA user_version = ${version};`);
      });
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Opens an existing database for reading only. */
export function openDatabaseForReading(file: string, version: number): DatabaseSync {
  return translating(file, () => {
    const db = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
    try {
      const found = userVersion(db);
      if (found > version) throw tooNew(file, found);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Runs `work` with the write lock held from its first statement, so that what it reads is what it changes. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) as sentences. */
const reasons: Readonly<Record<number, readonly [code: string, reason: string]>> = {
  5: ['DATABASE_BUSY', 'another process has held it for too long'],
  8: ['DATABASE_READ_ONLY', 'it cannot be written by this user, or the file system is read-only'],
  10: ['DATABASE_IO', 'the disk failed'],
  11: ['DATABASE_DAMAGED', 'it is damaged'],
  13: ['DATABASE_FULL', 'the disk is full'],
  14: ['DATABASE_OPEN', 'it cannot be opened'],
  26: ['DATABASE_DAMAGED', 'it is not a database'],
};

/** A foreign error from SQLite or the file system, as ours. */
export function translateDatabaseError(error: unknown, file: string): PosternError {
  if (error instanceof PosternError) return error;
  const primary = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) & 0xff : -1;
  const [code, reason] = reasons[primary] ?? ['DATABASE', errorMessage(error)];
  return new PosternError(code, `${file}: ${reason}`, { cause: error });
}

export function translating<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translateDatabaseError(error, file);
  }
}

function userVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}

function tooNew(file: string, found: number): PosternError {
  return new PosternError('DATABASE_VERSION', `${file} was written by a newer Postern (layout ${found})`, {
    hint: 'use that version, or restore the backup from before the upgrade',
  });
}
