/** The audit log: what is appended is found again, in order, through kills, two writers, retention and failing disks. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { createLogger, silentLogger, systemClock } from '@postern/daemon';
import { eventually, needThat, run, Running, temporaryDirectory } from '@postern/testing';
import { type Audit, type AuditEvent, appendAudit, openAudit, readAudit, verifyAudit } from './index.ts';
import { SetClock } from '../identity/testing.ts';

const day = 86_400_000;

function open(dir: string, options: { clock?: SetClock; retentionMs?: number } = {}): Audit {
  return openAudit({
    dataDir: join(dir, 'data'),
    retentionMs: options.retentionMs ?? 30 * day,
    clock: options.clock ?? systemClock,
    log: silentLogger,
  });
}

const connection = (n: number): AuditEvent => ({
  event: 'connection.open',
  connection: `c${n}`,
  identity: 'a@x.example',
  client: 'a@x.example',
  agent: 'b@x.example',
  destination: 'git.corp.example:443',
});
const events = (dir: string, filter = {}) => [...readAudit({ dataDir: join(dir, 'data'), ...filter })];
const verify = (dir: string) => verifyAudit({ dataDir: join(dir, 'data') });

/** A process of its own that runs `code` with the audit room as `audit`. */
function child(code: string): [string, string[]] {
  const room = JSON.stringify(new URL('./index.ts', import.meta.url).href);
  return [
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      `const audit = await import(${room});\n${code}`,
    ],
  ];
}

describe('append', () => {
  test('records are read back in order, filtered, with their time; the chain verifies', async () => {
    using dir = temporaryDirectory();
    const clock = new SetClock();
    await using audit = open(dir.path, { clock });
    for (let i = 0; i < 5000; i++) audit.append(connection(i));
    clock.nowMs += 1000;
    audit.append({ event: 'identity.revoke', identity: 'b@x.example' });
    await audit.flush();
    assert.equal(audit.head().sequence, 5001);
    const all = events(dir.path);
    assert.deepEqual(
      all.map((r) => r.sequence),
      Array.from({ length: 5001 }, (_, i) => i + 1),
    );
    assert.deepEqual(all[7]!.record, { time: new Date(clock.nowMs - 1000).toISOString(), ...connection(7) });
    assert.equal(events(dir.path, { sinceMs: clock.nowMs }).length, 1);
    assert.equal(events(dir.path, { event: 'identity.revoke' }).length, 1);
    assert.equal(events(dir.path, { identity: 'b@x.example' }).length, 5001, 'as itself and as an agent');
    assert.equal(events(dir.path, { identity: 'c@x.example' }).length, 0);
    const { ok, records, head } = verify(dir.path);
    assert.deepEqual({ ok, records, head }, { ok: true, records: 5001, head: audit.head() });
    await audit.close();
    for (const name of readdirSync(join(dir.path, 'data')))
      assert.equal(statSync(join(dir.path, 'data', name)).mode & 0o077, 0, name);
  });

  test('each record is a JSON line too, and the head is logged', async () => {
    using dir = temporaryDirectory();
    const lines: string[] = [];
    const stream = new Writable({ write: (chunk: Buffer, _e, done) => (lines.push(chunk.toString()), done()) });
    await using audit = openAudit({
      dataDir: join(dir.path, 'data'),
      retentionMs: day,
      clock: systemClock,
      log: createLogger({ name: 'tunnel-server', stream }),
    });
    audit.append({ event: 'session.refuse', peer: '192.0.2.1:5', reason: 'EXPIRED' });
    await audit.close();
    const [first, last] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      [first!['message'], (first!['audit'] as AuditEvent).event, first!['severity']],
      ['session.refuse', 'session.refuse', 'INFO'],
    );
    assert.deepEqual([last!['message'], last!['sequence'], last!['hash']], ['audit head', 1, audit.head().hash]);
  });

  test('text from peers is bounded', async () => {
    using dir = temporaryDirectory();
    await using audit = open(dir.path);
    audit.append({
      event: 'session.open',
      identity: 'a@x.example',
      version: 'v'.repeat(1_000_000),
      instance: '\ud800 \u0000 "',
    });
    await audit.close();
    assert.ok(JSON.stringify(events(dir.path)[0]!.record).length < 3000);
    assert.ok(verify(dir.path).ok);
  });

  test('an empty log verifies, and a log that is not there is a sentence', () => {
    using dir = temporaryDirectory();
    assert.throws(() => verify(dir.path), /there is no audit log/);
    appendAudit(join(dir.path, 'data'), Date.now(), []);
    assert.deepEqual([verify(dir.path).ok, verify(dir.path).head.sequence], [true, 0]);
  });
});

describe('several processes', () => {
  test('the command line writes beside the running server: one chain', async () => {
    using dir = temporaryDirectory();
    await using audit = open(dir.path);
    const dataDir = JSON.stringify(join(dir.path, 'data'));
    const code = (name: string) =>
      `for (let i = 0; i < 60; i++) audit.appendAudit(${dataDir}, Date.now(), [{event: 'identity.revoke', identity: '${name}'}]);`;
    const others = ['x', 'y'].map((name) => run(...child(code(name))));
    let n = 0;
    const feed = setInterval(() => audit.append(connection(n++)), 2);
    const ended = await Promise.all(others);
    clearInterval(feed);
    for (const { code, stderr } of ended) assert.equal(code, 0, stderr);
    await audit.close();
    const result = verify(dir.path);
    assert.deepEqual(result.problems, []);
    assert.equal(result.records, n + 120);
    assert.deepEqual(audit.head(), result.head, 'the server knows of the records of others');
  });

  test('kill -9, again and again: no false alarm, nothing lost that was flushed', async () => {
    using dir = temporaryDirectory();
    const dataDir = JSON.stringify(join(dir.path, 'data'));
    const code = `
      const log = { info() {}, warn() {}, error() {} };
      const clock = { now: () => Date.now(), monotonic: () => 0, sleep: async () => {} };
      const a = audit.openAudit({ dataDir: ${dataDir}, retentionMs: 1000, clock, log });
      for (let i = 0; ; i++) { a.append({ event: 'connection.open', connection: String(i) }); if (i % 50 === 0) { await a.flush(); console.log(a.head().sequence); } }`;
    for (let round = 0; round < 6; round++) {
      await using writer = new Running(...child(code));
      await writer.line(/^\d+\n(\d+\n){3}/);
      await new Promise((resolve) => setTimeout(resolve, round * 37));
      await writer.stop('SIGKILL');
      const flushed = Number(writer.stdout.trim().split('\n').at(-1));
      const result = verify(dir.path);
      assert.deepEqual(result.problems, []);
      assert.ok(result.head.sequence >= flushed);
    }
  });
});

describe('retention', () => {
  test('old records go, the chain stays verifiable and says what went', async () => {
    using dir = temporaryDirectory();
    const clock = new SetClock();
    const once = async (...numbers: number[]): Promise<void> => {
      await using audit = open(dir.path, { clock });
      for (const n of numbers) audit.append(connection(n));
    };
    await once(...Array.from({ length: 100 }, (_, i) => i));
    clock.nowMs += 29 * day;
    await once(100);
    assert.equal(verify(dir.path).records, 101);
    clock.nowMs += 2 * day;
    await using audit = open(dir.path, { clock });
    await eventually('the old records are gone', () => events(dir.path).length === 2);
    const [kept, prune] = events(dir.path);
    assert.equal(kept!.record['connection'], 'c100');
    assert.deepEqual(
      [prune!.record.event, prune!.record['throughSequence'], prune!.record['records']],
      ['audit.prune', 100, 100],
    );
    assert.deepEqual(verify(dir.path).problems, []);
    // Records of removals alone do not breed more of them.
    clock.nowMs += 60 * day;
    audit.setRetention(day);
    await eventually('the rest is gone', () => events(dir.path).length === 1);
    clock.nowMs += 60 * day;
    audit.setRetention(day);
    await audit.flush();
    assert.equal(events(dir.path)[0]!.record.event, 'audit.prune');
    await audit.close();
    assert.deepEqual(verify(dir.path).problems, []);
  });
});

describe('failure', () => {
  test('a data directory that vanishes is said, and the records are stored once it is back', async () => {
    using dir = temporaryDirectory();
    const [dataDir, away] = [join(dir.path, 'data'), join(dir.path, 'away')];
    await using audit = open(dir.path);
    audit.append(connection(0));
    await audit.flush();
    assert.equal(audit.failure(), undefined);
    renameSync(dataDir, away);
    audit.append(connection(1));
    await assert.rejects(audit.flush(), /the audit log cannot be written/);
    assert.match(audit.failure()!, /audit\.head.*does not exist/);
    renameSync(away, dataDir);
    audit.append(connection(2));
    await eventually('it recovers', () => audit.failure() === undefined);
    await audit.flush();
    await audit.close();
    assert.deepEqual(
      events(dir.path).map((r) => r.record['connection']),
      ['c0', 'c1', 'c2'],
    );
    assert.deepEqual(verify(dir.path).problems, []);
  });

  const mounts =
    process.platform === 'linux' && process.getuid?.() === 0 && /tmpfs/.test(readFileSync('/proc/filesystems', 'utf8'));
  test(
    'a full disk is said, and the records wait for room',
    { skip: needThat('Linux, root and tmpfs', mounts) },
    async (t) => {
      using dir = temporaryDirectory();
      const disk = join(dir.path, 'data');
      mkdirSync(disk, { mode: 0o700 });
      const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'tmpfs', disk]);
      if (mounted.code !== 0) return t.skip(`needs the right to mount: ${mounted.stderr}`);
      try {
        await using audit = open(dir.path);
        for (let i = 0; i < 4000; i++) audit.append(connection(i));
        await assert.rejects(audit.flush(), /disk is full/);
        assert.match(audit.failure()!, /disk is full/);
        assert.equal((await run('mount', ['-o', 'remount,size=64m', disk])).code, 0);
        await eventually('it recovers', () => audit.failure() === undefined);
        await audit.flush();
        await audit.close();
        assert.equal(events(dir.path).length, 4000);
        assert.deepEqual(verify(dir.path).problems, []);
      } finally {
        await run('umount', ['-l', disk]);
      }
    },
  );
});
