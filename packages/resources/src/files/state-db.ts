import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { errorMessage, PosternError } from '@postern/core';

/** The store's memory beside the files: every object's last good spec, its status, and what happened to it. */

export interface ObjectRow {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: number;
  readonly createdAt: string;
  readonly deletedAt: string | undefined;
  readonly file: string;
  readonly namespaceGiven: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** From the file. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Set by controllers, over the file's; null hides the file's. */
  readonly ownAnnotations: Readonly<Record<string, string | null>>;
  readonly finalizers: readonly string[];
  readonly spec: unknown;
  readonly status: unknown;
}

export interface EventRow {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

/** Per object; older ones go. A link's whole life has about ten kinds of event. */
const eventsPerObjectMax = 50;
/** Raised when the tables change in a way an older Postern would misread. */
const schemaVersion = 1;

const schema = `
CREATE TABLE IF NOT EXISTS object (
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, row TEXT NOT NULL,
  PRIMARY KEY (kind, namespace, name)
) STRICT;
CREATE TABLE IF NOT EXISTS event (
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, reason TEXT NOT NULL,
  message TEXT NOT NULL, count INTEGER NOT NULL, firstAt TEXT NOT NULL, lastAt TEXT NOT NULL,
  PRIMARY KEY (kind, namespace, name, type, reason, message)
) STRICT;
`;

export class StateDb {
  readonly file: string;
  readonly #db: DatabaseSync;
  readonly #put: StatementSync | undefined;
  readonly #inode: number;

  private constructor(file: string, db: DatabaseSync, writable: boolean) {
    this.file = file;
    this.#db = db;
    this.#inode = file === ':memory:' ? 0 : statSync(file).ino;
    this.#put = writable
      ? db.prepare('INSERT OR REPLACE INTO object (kind, namespace, name, version, row) VALUES (?, ?, ?, ?, ?)')
      : undefined;
  }

  /** Opens or makes the database. It holds Secrets while their users are being removed: owner only, as an etcd would be. */
  static open(file: string): StateDb {
    return translated(file, () => {
      if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const fresh = file !== ':memory:' && !existsSync(file);
      const db = new DatabaseSync(file, { timeout: 5000 });
      if (fresh) chmodSync(file, 0o600);
      const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
      if (version > schemaVersion)
        throw new PosternError('STATE_NEWER', `${file} was written by a newer Postern`, { hint: 'upgrade this one' });
      // NORMAL: a lost last write after a power cut is found again from the tags of what it described.
      db.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA user_version = ${schemaVersion}; ${schema}`,
      );
      return new StateDb(file, db, true);
    });
  }

  /** For `status` and `plan`: beside a running controller, and changing nothing. Undefined where no controller has run yet. */
  static read(file: string): StateDb | undefined {
    if (!existsSync(file)) return undefined;
    return translated(file, () => new StateDb(file, new DatabaseSync(file, { readOnly: true, timeout: 5000 }), false));
  }

  /** Whether the file is still where it was opened: an unmounted or replaced folder takes it away. */
  inPlace(): boolean {
    if (this.file === ':memory:') return true;
    try {
      return statSync(this.file).ino === this.#inode;
    } catch {
      return false;
    }
  }

  load(): ObjectRow[] {
    return translated(this.file, () =>
      this.#db
        .prepare('SELECT row FROM object')
        .all()
        .map((row) => JSON.parse(row['row'] as string) as ObjectRow),
    );
  }

  put(row: ObjectRow): void {
    translated(this.file, () =>
      this.#put?.run(row.kind, row.namespace, row.name, row.resourceVersion, JSON.stringify(row)),
    );
  }

  remove({ kind, namespace, name }: Pick<ObjectRow, 'kind' | 'namespace' | 'name'>): void {
    if (this.#put === undefined) return;
    translated(this.file, () => {
      for (const table of ['object', 'event'])
        this.#db
          .prepare(`DELETE FROM ${table} WHERE kind = ? AND namespace = ? AND name = ?`)
          .run(kind, namespace, name);
    });
  }

  /** All or nothing, and one sync to disk for many writes. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  addEvent(
    key: readonly [string, string, string],
    event: Omit<EventRow, 'count' | 'firstAt' | 'lastAt'>,
    at: string,
  ): void {
    this.#db
      .prepare(
        `INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET count = count + 1, lastAt = excluded.lastAt`,
      )
      .run(...key, event.type, event.reason, event.message, at, at);
    this.#db
      .prepare(
        `DELETE FROM event WHERE rowid IN (SELECT rowid FROM event WHERE kind = ? AND namespace = ? AND name = ?
         ORDER BY lastAt DESC, rowid DESC LIMIT -1 OFFSET ${eventsPerObjectMax})`,
      )
      .run(...key);
  }

  events(key: readonly [string, string, string]): EventRow[] {
    return this.#db
      .prepare(
        `SELECT type, reason, message, count, firstAt, lastAt FROM event WHERE kind = ? AND namespace = ? AND name = ?
         ORDER BY lastAt, rowid`,
      )
      .all(...key) as unknown as EventRow[];
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

/** SQLite's own errors, in one place: what is wrong with the file and what to do. */
function translated<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof PosternError) throw error;
    throw new PosternError('STATE', `the state in ${file} cannot be used: ${errorMessage(error)}`, {
      cause: error,
      hint: 'a damaged file can be moved away: what exists is found again by its tags',
    });
  }
}
