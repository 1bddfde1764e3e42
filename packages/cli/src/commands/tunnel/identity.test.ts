/** `tunnel init`, `identity ...` and `audit ...` as a user types them. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { postern, temporaryDirectory } from '@postern/testing';

interface Listed {
  readonly identity: string;
  readonly status: string;
  readonly keys: ReadonlyArray<{ readonly keyId: string }>;
}

const email = 'dc1@acme.example';
const tunnel = (...args: string[]) => postern(['tunnel', ...args]);

async function initialised(dir: string): Promise<string> {
  const made = await tunnel('init', '--dir', dir, '--server-name', 'tunnel.acme.example');
  assert.equal(made.code, 0, made.stderr);
  return dir;
}

describe('tunnel init', { concurrency: true }, () => {
  test('writes what the guide lists; a second run changes nothing and says so', async () => {
    using temp = temporaryDirectory();
    const dir = await initialised(join(temp.path, 'server'));
    assert.deepEqual(readdirSync(dir).toSorted(), ['ca.pem', 'data', 'policy.yaml', 'server.yaml']);
    assert.equal(statSync(join(dir, 'data')).mode & 0o777, 0o700);
    assert.match(
      readFileSync(join(dir, 'ca.pem'), 'utf8'),
      /^-----BEGIN CERTIFICATE-----\n[^-]*-----END CERTIFICATE-----\n$/,
    );
    writeFileSync(join(dir, 'policy.yaml'), '# mine\n');
    const before = readdirSync(dir)
      .filter((name) => name !== 'data')
      .map((name) => readFileSync(join(dir, name), 'utf8'));
    const again = await tunnel('init', '--dir', dir, '--server-name', 'other.example');
    assert.equal(again.code, 0);
    assert.equal(again.stdout.match(/^kept /gm)?.length, 4);
    assert.deepEqual(
      readdirSync(dir)
        .filter((name) => name !== 'data')
        .map((name) => readFileSync(join(dir, name), 'utf8')),
      before,
    );
  });

  test('a bad name or address: exit 2, nothing written', async () => {
    using temp = temporaryDirectory();
    const dir = join(temp.path, 'server');
    for (const args of [
      ['--server-name', 'not a name'],
      ['--listen', '50050'],
    ]) {
      assert.equal((await tunnel('init', '--dir', dir, ...args)).code, 2);
      assert.equal(existsSync(dir), false);
    }
  });
});

describe('tunnel identity and audit', { concurrency: true }, () => {
  test('create, list, revoke, and the record of each', async () => {
    using temp = temporaryDirectory();
    const dir = await initialised(join(temp.path, 'server'));
    const out = join(temp.path, 'dc1.json');
    assert.equal((await tunnel('identity', 'create', email, '--dir', dir, '--out', out)).code, 0);
    assert.equal(statSync(out).mode & 0o777, 0o600);
    const file = JSON.parse(readFileSync(out, 'utf8')) as Record<string, string>;
    assert.deepEqual([file['type'], file['client_email']], ['service_account', email]);

    const overwrite = await tunnel('identity', 'create', 'dc2@acme.example', '--dir', dir, '--out', out);
    assert.deepEqual([overwrite.code, /exists; credentials are never overwritten/.test(overwrite.stderr)], [2, true]);
    const twice = await tunnel('identity', 'create', email, '--dir', dir, '--out', join(temp.path, 'b.json'));
    assert.deepEqual([twice.code, /exists already\n {2}add --add-key/.test(twice.stderr)], [1, true]);
    assert.equal(existsSync(join(temp.path, 'b.json')), false, 'a refused creation leaves no file');

    const listed = JSON.parse((await tunnel('identity', 'list', '--dir', dir, '-o', 'json')).stdout) as Listed[];
    assert.deepEqual(
      listed.map((i) => [i.identity, i.status, i.keys[0]!.keyId]),
      [[email, 'active', file['private_key_id']]],
    );

    assert.equal((await tunnel('identity', 'revoke', email, '--dir', dir)).code, 0);
    const typo = await tunnel('identity', 'revoke', 'dc7@acme.example', '--dir', dir);
    assert.deepEqual([typo.code, /did you mean dc1@acme.example/.test(typo.stderr)], [1, true]);

    const { stdout } = await tunnel('audit', '--dir', dir, '--event', 'identity.revoke');
    assert.match(stdout, /^\S+ \S+ {2}identity\.revoke +dc1@acme\.example/);
    assert.equal((await tunnel('audit', 'verify', '--dir', dir)).code, 0);
    const db = new DatabaseSync(join(dir, 'data', 'audit.db'));
    db.exec("UPDATE audit SET record = replace(record, 'dc1', 'dc2') WHERE sequence = 1");
    db.close();
    const tampered = await tunnel('audit', 'verify', '--dir', dir);
    assert.deepEqual([tampered.code, /record 1 was changed/.test(tampered.stdout)], [1, true]);
  });

  test('a key made elsewhere is trusted without a credentials file', async () => {
    using temp = temporaryDirectory();
    const [here, there] = [await initialised(join(temp.path, 'a')), await initialised(join(temp.path, 'b'))];
    const file = join(temp.path, 'dc1.json');
    await tunnel('identity', 'create', email, '--dir', here, '--out', file);
    const trusted = await tunnel('identity', 'create', email, '--dir', there, '--public-key', file);
    assert.equal(trusted.code, 0, trusted.stderr);
    const keys = await Promise.all(
      [here, there].map(
        async (dir) =>
          (JSON.parse((await tunnel('identity', 'list', '--dir', dir, '-o', 'json')).stdout) as Listed[])[0]!.keys[0]!
            .keyId,
      ),
    );
    assert.equal(keys[0], keys[1]);
    assert.equal((await tunnel('identity', 'create', email, '--dir', there)).code, 2, 'neither --out nor --public-key');
  });

  test('a name that could be read as two, a directory that is none: exit 2', async () => {
    using temp = temporaryDirectory();
    const dir = await initialised(join(temp.path, 'server'));
    const out = join(temp.path, 'x.json');
    assert.equal((await tunnel('identity', 'create', 'a@x.example,b@x.example', '--dir', dir, '--out', out)).code, 2);
    assert.equal((await tunnel('identity', 'list', '--dir', join(temp.path, 'nowhere'))).code, 2);
    assert.equal((await tunnel('audit', 'verify', '--dir', join(temp.path, 'nowhere'))).code, 2);
    assert.equal(existsSync(out), false);
  });
});
