/** Tampering: every way to change, remove, add or cut is seen. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { temporaryDirectory } from '@postern/testing';
import * as fc from 'fast-check';
import { AuditFile } from './audit-file.ts';
import { chainHash, pendingRecord, recordOf } from './chain.ts';
import { type AuditHead, appendAudit, verifyAudit } from './index.ts';

const nowMs = 1_700_000_000_000;

/** Ten records; `prune` removes the first four the regular way. */
function log(dir: string, prune = false): string {
  const dataDir = join(dir, 'data');
  const file = new AuditFile(dataDir, nowMs);
  for (let i = 0; i < 10; i++)
    file.append([pendingRecord(recordOf({ event: 'connection.open', connection: `c${i}` }, nowMs + i * 1000))]);
  if (prune) file.prune(nowMs + 4000, nowMs + 10_000);
  file.close();
  return dataDir;
}

function sql(dataDir: string, statement: string): void {
  const db = new DatabaseSync(join(dataDir, 'audit.db'));
  db.exec(statement);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

function problems(dataDir: string): string {
  return verifyAudit({ dataDir }).problems.join('\n');
}

describe('tampering by SQL', () => {
  const cases: Array<[what: string, statement: string, pattern: RegExp]> = [
    [
      'one letter of a record',
      "UPDATE audit SET record = replace(record, 'c4', 'cX') WHERE sequence = 5",
      /record 5 was changed/,
    ],
    [
      'a record and its own hash',
      "UPDATE audit SET record = replace(record, 'c4', 'cX'), hash = randomblob(32) WHERE sequence = 5",
      /record 5 was changed/,
    ],
    ['a record made no JSON', 'UPDATE audit SET record = substr(record, 2) WHERE sequence = 5', /record 5 is not JSON/],
    ['a hash', 'UPDATE audit SET hash = randomblob(32) WHERE sequence = 10', /record 10 (was changed|is not the one)/],
    ['a time', 'UPDATE audit SET time_ms = time_ms - 1 WHERE sequence = 3', /record 3 is filed under another time/],
    ['a record removed', 'DELETE FROM audit WHERE sequence = 5', /records 5 to 5 are missing/],
    ['the last removed', 'DELETE FROM audit WHERE sequence > 7', /the last 3 records are missing/],
    ['all removed', 'DELETE FROM audit', /the last 10 records are missing/],
    ['the first removed', 'DELETE FROM audit WHERE sequence <= 2', /records 1 to 2 are missing/],
    [
      'the first removed and an anchor made',
      'INSERT INTO anchor SELECT 1, sequence, hash FROM audit WHERE sequence = 2; DELETE FROM audit WHERE sequence <= 2',
      /no audit.prune record says so/,
    ],
    [
      'two swapped',
      'UPDATE audit SET sequence = -4 WHERE sequence = 4; UPDATE audit SET sequence = 4 WHERE sequence = 5; UPDATE audit SET sequence = 5 WHERE sequence = -4',
      /was changed/,
    ],
    ['one put in', "INSERT INTO audit VALUES (11, 1700000000000, randomblob(32), '{}')", /record 11/],
    ['the table dropped', 'DROP TABLE audit', /no such table/],
  ];
  for (const [what, statement, pattern] of cases)
    test(what, () => {
      using dir = temporaryDirectory();
      const dataDir = log(dir.path);
      assert.equal(problems(dataDir), '');
      sql(dataDir, statement);
      assert.match(problems(dataDir), pattern);
    });

  test('after retention: moving the anchor, and undoing the removal', () => {
    using dir = temporaryDirectory();
    const dataDir = log(dir.path, true);
    assert.equal(problems(dataDir), '');
    sql(
      dataDir,
      'UPDATE anchor SET sequence = 6, hash = (SELECT hash FROM audit WHERE sequence = 6); DELETE FROM audit WHERE sequence <= 6',
    );
    assert.match(problems(dataDir), /no audit.prune record says so/);
  });
});

test('a chain rewritten from a record on is told by the head, here and noted elsewhere', () => {
  using dir = temporaryDirectory();
  const dataDir = log(dir.path);
  const { head } = verifyAudit({ dataDir });
  const db = new DatabaseSync(join(dataDir, 'audit.db'));
  db.exec("UPDATE audit SET record = replace(record, 'c8', 'cX') WHERE sequence = 9");
  let hash = db.prepare('SELECT hash FROM audit WHERE sequence = 8').get()!['hash'] as Uint8Array;
  for (const sequence of [9, 10]) {
    hash = chainHash(hash, String(db.prepare('SELECT record FROM audit WHERE sequence = ?').get(sequence)!['record']));
    db.prepare('UPDATE audit SET hash = ? WHERE sequence = ?').run(hash, sequence);
  }
  db.close();
  assert.match(problems(dataDir), /record 10 is not the one that audit.head knows/);
  // The forger rewrites the head file as well: what the server's log and metrics said still convicts him.
  const forged: AuditHead = { sequence: 10, hash: Buffer.from(hash).toString('hex') };
  writeFileSync(join(dataDir, 'audit.head'), `${forged.sequence} ${forged.hash}\n`);
  assert.equal(problems(dataDir), '');
  assert.match(verifyAudit({ dataDir, expected: head }).problems.join(), /noted elsewhere/);
  assert.ok(verifyAudit({ dataDir, expected: forged }).ok);
});

test('a head file removed or damaged, and a server that starts on a log cut short, leave their mark', () => {
  using dir = temporaryDirectory();
  const dataDir = log(dir.path);
  const head = readFileSync(join(dataDir, 'audit.head'), 'utf8');
  rmSync(join(dataDir, 'audit.head'));
  assert.match(problems(dataDir), /audit.head is missing/);
  writeFileSync(join(dataDir, 'audit.head'), 'x');
  assert.match(problems(dataDir), /audit.head is damaged/);
  writeFileSync(join(dataDir, 'audit.head'), head);
  sql(dataDir, 'DELETE FROM audit WHERE sequence > 7');
  appendAudit(dataDir, nowMs, [{ event: 'identity.create', identity: 'a@x.example' }]);
  assert.match(problems(dataDir), /record 8, of .*, says: the last 3 records are missing/);
});

test('one changed byte anywhere in the records or the keys of the file is seen', () => {
  using dir = temporaryDirectory();
  const dataDir = log(dir.path, true);
  sql(dataDir, ''); // everything out of the write-ahead log
  const file = join(dataDir, 'audit.db');
  const good = readFileSync(file);
  const text = good.toString('latin1');
  const places = [...text.matchAll(/\{"time":"[^}]*\}/g)].flatMap((m) => [m.index, m.index + m[0].length - 1]);
  // Only what still counts: retention leaves removed records' bytes in free space.
  const live = new Set(Array.from({ length: 6 }, (_, i) => `"connection":"c${i + 4}"`));
  const records = [...text.matchAll(/\{"time":"[^}]*\}/g)].filter((m) =>
    [...live].some((needle) => m[0].includes(needle)),
  );
  assert.ok(places.length > 0 && records.length >= 6);
  fc.assert(
    fc.property(fc.constantFrom(...records), fc.nat(1000), fc.integer({ min: 1, max: 255 }), (match, at, change) => {
      const bytes = Buffer.from(good);
      const place = match.index + (at % match[0].length);
      bytes[place] = bytes[place]! ^ change;
      writeFileSync(file, bytes);
      assert.equal(verifyAudit({ dataDir }).ok, false);
    }),
    { numRuns: 150 },
  );
  writeFileSync(file, good);
  assert.ok(verifyAudit({ dataDir }).ok);
});

test('any byte of the file changed: an answer, never a crash', () => {
  using dir = temporaryDirectory();
  const dataDir = log(dir.path);
  sql(dataDir, '');
  const file = join(dataDir, 'audit.db');
  const good = readFileSync(file);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(good);
      bytes[at] = bytes[at]! ^ change;
      writeFileSync(file, bytes);
      try {
        verifyAudit({ dataDir });
      } catch (error) {
        assert.equal((error as Error).name, 'PosternError');
      }
    }),
    { numRuns: 200 },
  );
});
