/** Releases, their evidence and the audit log in one SQLite file: every step is one transaction that also writes its log entry. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PosternError } from '@postern/core';
import type { ReleaseState } from '../plan/release-machine.ts';
import type { Verdict } from '../gate/index.ts';

export interface Release {
  readonly name: string;
  readonly block: string;
  readonly tenant: string;
  readonly images: readonly string[];
  readonly submitter: string;
  readonly submittedAt: string;
  readonly state: ReleaseState;
  /** The verdict of the last evaluation, one for each image. */
  readonly verdicts: readonly Verdict[];
  /** What was applied, for a rollback. */
  readonly manifests: string | null;
  readonly approver: string | null;
}

export interface Evidence {
  readonly kind: 'scan' | 'tests';
  readonly sha256: string;
  readonly text: string;
  /** The image digest the record binds it to; null: the report binds itself. */
  readonly boundTo: string | null;
}

export interface AuditEntry {
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly release: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

const schema = `
CREATE TABLE IF NOT EXISTS releases (
  name TEXT PRIMARY KEY, block TEXT NOT NULL, number INTEGER NOT NULL, tenant TEXT NOT NULL, images TEXT NOT NULL, submitter TEXT NOT NULL,
  submitted_at TEXT NOT NULL, state TEXT NOT NULL, verdicts TEXT NOT NULL, manifests TEXT, approver TEXT, UNIQUE (block, number)) STRICT;
CREATE TABLE IF NOT EXISTS evidence (
  release TEXT NOT NULL REFERENCES releases (name), kind TEXT NOT NULL, sha256 TEXT NOT NULL, text TEXT NOT NULL, bound_to TEXT, current INTEGER NOT NULL,
  seq INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS audit (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, release TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
`;

/** Another process holds the file for a step at a time; nobody holds it for longer. */
const busyTimeoutMs = 10_000;

type Row = Record<string, string | number | null>;

export class ReleaseStore implements Disposable {
  readonly #db: DatabaseSync;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file);
    this.#db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = ${busyTimeoutMs};`,
    );
    this.#db.exec(schema);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /** All or nothing. */
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

  create(release: Omit<Release, 'name' | 'state' | 'verdicts' | 'manifests' | 'approver'>): string {
    const { n } = this.#db
      .prepare('SELECT coalesce(max(number), 0) + 1 AS n FROM releases WHERE block = ?')
      .get(release.block) as { n: number };
    const name = `${release.block}-${n}`;
    this.#db
      .prepare(
        "INSERT INTO releases (name, block, number, tenant, images, submitter, submitted_at, state, verdicts) VALUES (?, ?, ?, ?, ?, ?, ?, 'submitted', '[]')",
      )
      .run(
        name,
        release.block,
        n,
        release.tenant,
        JSON.stringify(release.images),
        release.submitter,
        release.submittedAt,
      );
    return name;
  }

  /** New evidence of a kind takes the place of the old; the old stays on record. */
  attach(release: string, evidence: readonly Evidence[]): void {
    for (const kind of new Set(evidence.map((one) => one.kind)))
      this.#db.prepare('UPDATE evidence SET current = 0 WHERE release = ? AND kind = ?').run(release, kind);
    for (const { kind, sha256, text, boundTo } of evidence)
      this.#db
        .prepare('INSERT INTO evidence (release, kind, sha256, text, bound_to, current) VALUES (?, ?, ?, ?, ?, 1)')
        .run(release, kind, sha256, text, boundTo);
  }

  evidence(release: string): Evidence[] {
    return (
      this.#db
        .prepare('SELECT kind, sha256, text, bound_to FROM evidence WHERE release = ? AND current = 1 ORDER BY seq')
        .all(release) as Row[]
    ).map((row) => ({
      kind: row['kind'] as Evidence['kind'],
      sha256: String(row['sha256']),
      text: String(row['text']),
      boundTo: row['bound_to'] as string | null,
    }));
  }

  get(name: string): Release {
    const row = this.#db.prepare('SELECT * FROM releases WHERE name = ?').get(name) as Row | undefined;
    if (row === undefined)
      throw new PosternError('RELEASE', `there is no release ${name}`, {
        hint: 'postern sandbox release status lists them',
        exitCode: 2,
      });
    return toRelease(row);
  }

  list(block?: string): Release[] {
    const rows =
      block === undefined
        ? this.#db.prepare('SELECT * FROM releases ORDER BY block, number').all()
        : this.#db.prepare('SELECT * FROM releases WHERE block = ? ORDER BY number').all(block);
    return (rows as Row[]).map(toRelease);
  }

  update(
    name: string,
    fields: {
      readonly state?: ReleaseState;
      readonly verdicts?: readonly Verdict[];
      readonly manifests?: string;
      readonly approver?: string | null;
    },
  ): void {
    if (fields.state !== undefined)
      this.#db.prepare('UPDATE releases SET state = ? WHERE name = ?').run(fields.state, name);
    if (fields.verdicts !== undefined)
      this.#db.prepare('UPDATE releases SET verdicts = ? WHERE name = ?').run(JSON.stringify(fields.verdicts), name);
    if (fields.manifests !== undefined)
      this.#db.prepare('UPDATE releases SET manifests = ? WHERE name = ?').run(fields.manifests, name);
    if (fields.approver !== undefined)
      this.#db.prepare('UPDATE releases SET approver = ? WHERE name = ?').run(fields.approver, name);
  }

  audit(entry: Omit<AuditEntry, 'seq' | 'hash'>): void {
    const last = this.#db.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get() as
      | { seq: number; hash: string }
      | undefined;
    const seq = (last?.seq ?? 0) + 1;
    const detail = JSON.stringify(entry.detail);
    this.#db
      .prepare('INSERT INTO audit (seq, at, actor, action, release, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(
        seq,
        entry.at,
        entry.actor,
        entry.action,
        entry.release,
        detail,
        link(last?.hash ?? '', [seq, entry.at, entry.actor, entry.action, entry.release, detail]),
      );
  }

  /** The log, of one release or all; each entry's hash covers the one before, and a broken link is an error. */
  log(release?: string): AuditEntry[] {
    const entries: AuditEntry[] = [];
    let before = '';
    for (const row of this.#db.prepare('SELECT * FROM audit ORDER BY seq').all() as Row[]) {
      const fields = [row['seq'], row['at'], row['actor'], row['action'], row['release'], row['detail']];
      if (row['hash'] !== link(before, fields))
        throw new PosternError(
          'AUDIT',
          `entry ${row['seq']} of the audit log does not follow from the one before: the file was changed from outside`,
        );
      before = row['hash'];
      if (release === undefined || row['release'] === release)
        entries.push({
          seq: Number(row['seq']),
          at: String(row['at']),
          actor: String(row['actor']),
          action: String(row['action']),
          release: String(row['release']),
          detail: JSON.parse(String(row['detail'])) as Record<string, unknown>,
          hash: before,
        });
    }
    return entries;
  }
}

function link(before: string, fields: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([before, ...fields]))
    .digest('hex');
}

function toRelease(row: Row): Release {
  return {
    name: String(row['name']),
    block: String(row['block']),
    tenant: String(row['tenant']),
    images: JSON.parse(String(row['images'])) as string[],
    submitter: String(row['submitter']),
    submittedAt: String(row['submitted_at']),
    state: row['state'] as ReleaseState,
    verdicts: JSON.parse(String(row['verdicts'])) as Verdict[],
    manifests: row['manifests'] as string | null,
    approver: row['approver'] as string | null,
  };
}
