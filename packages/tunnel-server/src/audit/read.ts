import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { PosternError } from '@postern/core';
import { openDatabaseForReading, translateDatabaseError } from '../store/sqlite.ts';
import { auditFileName, auditLayout } from './audit-file.ts';
import type { AuditRecord, StoredEvent } from './event.ts';

/** The audit log, read; beside a running server or without one. */

export interface ReadOptions {
  readonly dataDir: string;
  /** Only records from this moment on, milliseconds since 1970. */
  readonly sinceMs?: number;
  /** Only records about this identity, as itself or as one end of a connection. */
  readonly identity?: string;
  readonly event?: string;
}

/** Opens the log for reading, or says that there is none. */
export function openAuditForReading(dataDir: string): DatabaseSync {
  const file = join(dataDir, auditFileName);
  if (!existsSync(file))
    throw new PosternError('AUDIT_MISSING', `there is no audit log ${file}`, {
      hint: 'give --dir the directory that `postern tunnel init` made; the server writes the log there',
      exitCode: 2,
    });
  return openDatabaseForReading(file, auditLayout);
}

/** Records in the order they were written, one by one: the log may be larger than memory. */
export function* readAudit({ dataDir, sinceMs = 0, identity, event }: ReadOptions): Generator<AuditRecord> {
  const db = openAuditForReading(dataDir);
  try {
    const rows = db.prepare('SELECT * FROM audit WHERE time_ms >= ? ORDER BY sequence').iterate(sinceMs);
    for (const row of rows) {
      const record = eventOf(String(row['record']), Number(row['time_ms']));
      if (event !== undefined && record.event !== event) continue;
      if (identity !== undefined && ![record['identity'], record['client'], record['agent']].includes(identity))
        continue;
      yield { sequence: Number(row['sequence']), hash: Buffer.from(row['hash'] as Uint8Array).toString('hex'), record };
    }
  } catch (error) {
    throw translateDatabaseError(error, join(dataDir, auditFileName));
  } finally {
    db.close();
  }
}

/** A record that was damaged does not hide the others; `audit verify` says which it is. */
function eventOf(text: string, timeMs: number): StoredEvent {
  try {
    const value = JSON.parse(text) as Partial<StoredEvent>;
    if (typeof value.time === 'string' && typeof value.event === 'string') return value as StoredEvent;
  } catch {
    // falls through
  }
  return { time: new Date(timeMs).toISOString(), event: 'unreadable', message: 'run `postern tunnel audit verify`' };
}
