/** Keeps the world in a SQLite file: after each call, what changed. */
import { DatabaseSync } from 'node:sqlite';
import { PosternError } from '@postern/core';
import type { Stored } from './kind.ts';
import type { World } from './world.ts';

export interface StateFile {
  save(): void;
  close(): void;
}

export function openStateFile(path: string, world: World): StateFile {
  const database = open(path);
  const saved = new Map<string, string>();
  for (const row of database.prepare('SELECT kind, id, record FROM records ORDER BY rowid').iterate()) {
    const [kind, id, record] = [String(row['kind']), String(row['id']), String(row['record'])];
    saved.set(`${kind}|${id}`, record);
    world.restore(kind, JSON.parse(record) as Stored);
  }
  const put = database.prepare(
    'INSERT INTO records(kind, id, record) VALUES(?, ?, ?) ON CONFLICT(kind, id) DO UPDATE SET record = excluded.record',
  );
  const remove = database.prepare('DELETE FROM records WHERE kind = ? AND id = ?');
  const save = (): void => {
    const gone = new Set(saved.keys());
    database.exec('BEGIN');
    for (const kind of world.tableNames())
      for (const record of world.table(kind).values()) {
        const key = `${kind}|${record.id}`;
        const text = JSON.stringify(record);
        gone.delete(key);
        if (saved.get(key) === text) continue;
        put.run(kind, record.id, text);
        saved.set(key, text);
      }
    for (const key of gone) {
      const bar = key.indexOf('|');
      remove.run(key.slice(0, bar), key.slice(bar + 1));
      saved.delete(key);
    }
    database.exec('COMMIT');
  };
  return { save, close: () => database.close() };
}

function open(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path);
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS records(kind TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY(kind, id))',
    );
    return database;
  } catch (cause) {
    throw new PosternError('STATE_FILE', `cannot open ${path} as a SQLite state file`, {
      hint: 'name a file in a directory that exists, or leave --state out',
      cause,
    });
  }
}
