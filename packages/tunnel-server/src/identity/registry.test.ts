/** The registry: several processes, revocation that sticks, bounded memory of proofs. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { PosternError } from '@postern/core';
import { eventually, temporaryDirectory } from '@postern/testing';
import { generateKey, parseCredentials } from '@postern/tunnel/identity';
import { type IdentityChange, openIdentities } from './index.ts';
import { SetClock } from './testing.ts';
import { differences } from './watch.ts';

const email = 'dc1@acme.example';

function code(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof PosternError) return error.code;
    throw error;
  }
  return 'done';
}

test('credentials made here are in the shape of Google’s and belong to the trusted key', async () => {
  using dir = temporaryDirectory();
  const identities = openIdentities({ dataDir: join(dir.path, 'data'), clock: new SetClock() });
  const { json, keyId } = await identities.create(email);
  const credentials = parseCredentials('x', json.reveal());
  assert.deepEqual([credentials.email, credentials.keyId, credentials.algorithm], [email, keyId, 'RS256']);
  assert.deepEqual(
    identities.get(email)?.keys.map((key) => key.keyId),
    [keyId],
  );
  for (const field of ['type', 'project_id', 'private_key_id', 'private_key', 'client_email', 'client_id', 'token_uri'])
    assert.ok(field in (JSON.parse(json.reveal()) as object), field);
  for (const name of readdirSync(join(dir.path, 'data')))
    assert.equal(statSync(join(dir.path, 'data', name)).mode & 0o077, 0, name);
  identities.close();
});

test('an identity is created once; --add-key adds; revoked it may be created anew, without its old keys', async () => {
  using dir = temporaryDirectory();
  const identities = openIdentities({ dataDir: join(dir.path, 'data'), clock: new SetClock() });
  const { publicKey } = generateKey();
  identities.trust(email, { keyId: 'a', publicKey });
  assert.equal(
    code(() => identities.trust(email, { keyId: 'b', publicKey })),
    'IDENTITY_EXISTS',
  );
  assert.equal(
    code(() => identities.trust(email, { keyId: 'a', publicKey, addKey: true })),
    'KEY_EXISTS',
  );
  identities.trust(email, { keyId: 'b', publicKey, addKey: true });
  assert.equal(identities.get(email)?.keys.length, 2);
  assert.equal(identities.revoke(email), true);
  assert.equal(identities.revoke(email), false);
  assert.equal(
    code(() => identities.revoke('nobody@acme.example')),
    'UNKNOWN_IDENTITY',
  );
  assert.equal(identities.get(email)?.status.kind, 'revoked');
  identities.trust(email, { keyId: 'c', publicKey });
  assert.deepEqual(
    identities.get(email)?.keys.map((key) => key.keyId),
    ['c'],
  );
  assert.deepEqual(
    identities.list().map((i) => [i.email, i.status.kind, i.epoch]),
    [[email, 'active', 2]],
  );
  identities.close();
});

test('keys and names that could be misread are not trusted', () => {
  using dir = temporaryDirectory();
  const identities = openIdentities({ dataDir: join(dir.path, 'data'), clock: new SetClock() });
  const { publicKey } = generateKey();
  for (const bad of ['', 'dc1', 'a@b,c@d', 'a b@c', 'a@b\n', '"a"@b', 'a@-b', `${'x'.repeat(65)}@b.example`])
    assert.equal(
      code(() => identities.trust(bad, { keyId: 'k', publicKey })),
      'IDENTITY_NAME',
      bad,
    );
  for (const key of [
    generateKeyPairSync('ed25519').publicKey,
    generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey,
  ])
    assert.equal(
      code(() => identities.trust(email, { keyId: 'k', publicKey: key })),
      'KEY_TYPE',
    );
  identities.close();
});

test('another process’s changes are seen in well under a second, also a revocation hidden by a new creation', async () => {
  using dir = temporaryDirectory();
  const dataDir = join(dir.path, 'data');
  const clock = new SetClock();
  const server = openIdentities({ dataDir, clock });
  const cli = openIdentities({ dataDir, clock });
  const { publicKey } = generateKey();
  const seen: IdentityChange[] = [];
  const stop = new AbortController();
  server.watch((change) => seen.push(change), stop.signal);
  const text = () =>
    seen
      .splice(0)
      .map((change) => change.kind)
      .join(' ');
  const soon = async (expected: string, act: () => void): Promise<void> => {
    const started = performance.now();
    act();
    await eventually(expected, () => seen.length >= expected.split(' ').length);
    assert.equal(text(), expected);
    assert.ok(performance.now() - started < 1000);
  };
  await soon('created', () => cli.trust(email, { keyId: 'a', publicKey }));
  await soon('key', () => cli.trust(email, { keyId: 'b', publicKey, addKey: true }));
  await soon('revoked', () => cli.revoke(email));
  await soon('created', () => cli.trust(email, { keyId: 'c', publicKey }));
  await soon('revoked created', () => {
    cli.revoke(email);
    cli.trust(email, { keyId: 'd', publicKey });
  });
  await soon('revoked', () => server.revoke(email));
  stop.abort();
  server.close();
  cli.close();
});

test('differences: a database that forgot an identity revokes it', () => {
  const before = new Map([[email, { epoch: 1, active: true, keys: 'a' }]]);
  assert.deepEqual(differences(before, new Map()), [{ kind: 'revoked', email }]);
  assert.deepEqual(differences(before, before), []);
});

test('certificates count only while their identity’s epoch lasts, and are forgotten a day after their end', () => {
  using dir = temporaryDirectory();
  const clock = new SetClock();
  const identities = openIdentities({ dataDir: join(dir.path, 'data'), clock });
  identities.trust(email, { keyId: 'a', publicKey: generateKey().publicKey });
  const record = (serial: string) =>
    identities.recordCertificate({
      serial,
      email,
      epoch: 1,
      keyId: 'a',
      lineage: 'l',
      issuedMs: clock.nowMs,
      notAfterMs: clock.nowMs + 1000,
    });
  record('01');
  assert.equal(identities.certificate('01')?.email, email);
  assert.equal(identities.certificate('02'), undefined);
  clock.nowMs += 86_402_000;
  record('03');
  assert.equal(identities.certificate('01'), undefined);
  assert.equal(identities.lineage(email, 'l')?.serial, '03');
  identities.revoke(email);
  assert.equal(identities.certificate('03'), undefined);
  identities.close();
});

test('proofs: first, replayed, too many, forgotten after their end', () => {
  using dir = temporaryDirectory();
  const clock = new SetClock();
  const file = join(dir.path, 'data', 'identities.db');
  const identities = openIdentities({ dataDir: join(dir.path, 'data'), clock });
  const ends = clock.nowMs + 1000;
  assert.equal(identities.useProof(email, 'j', ends), 'first');
  assert.equal(identities.useProof(email, 'j', ends), 'replayed');
  assert.equal(identities.useProof('dc2@acme.example', 'j', ends), 'first');
  const db = new DatabaseSync(file);
  db.exec(
    `INSERT INTO proof SELECT '${email}', 'n' || value, ${ends} FROM (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c LIMIT 20000) SELECT value FROM c)`,
  );
  db.close();
  assert.equal(identities.useProof(email, 'k', ends), 'too many');
  clock.nowMs += 1001;
  assert.equal(identities.useProof(email, 'j', clock.nowMs + 1000), 'first');
  identities.close();
});

test('a file that is no database, or a newer one, is named in a sentence', async () => {
  using dir = temporaryDirectory();
  const dataDir = join(dir.path, 'data');
  const clock = new SetClock();
  openIdentities({ dataDir, clock }).close();
  const db = new DatabaseSync(join(dataDir, 'identities.db'));
  db.exec('PRAGMA user_version = 99');
  db.close();
  assert.equal(
    code(() => openIdentities({ dataDir, clock })),
    'DATABASE_VERSION',
  );
  const { writeFileSync, rmSync } = await import('node:fs');
  rmSync(join(dataDir, 'identities.db'));
  writeFileSync(join(dataDir, 'identities.db'), 'not a database, and long enough to be looked at as one '.repeat(100));
  assert.equal(
    code(() => openIdentities({ dataDir, clock })),
    'DATABASE_DAMAGED',
  );
});
