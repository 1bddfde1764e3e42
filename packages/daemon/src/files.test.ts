/** Files a daemon reads: each way one can be wrong is one sentence, a secret that others can read is none. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, PosternError } from '@postern/core';
import { temporaryDirectory } from '@postern/testing';
import { z } from 'zod';
import { readConfig } from './files.ts';
import { readSecretFile, readText } from './text-files.ts';

const failsWith = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PosternError, String(error));
  assert.equal(error.code, code);
  assert.equal(error.exitCode, 2);
  assert.match(error.message, message);
  return true;
};

test('a configuration file is checked whole', () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'a.yaml');
  writeFileSync(file, 'x: 1\n');
  const schema = z.strictObject({ x: z.number(), y: z.string().optional() });
  assert.deepEqual(readConfig(file, schema), { x: 1 });
  writeFileSync(file, 'x: one\nz: 2\n');
  assert.throws(
    () => readConfig(file, schema),
    (error) => error instanceof ConfigError && error.diagnostics.length === 2 && error.diagnostics[0]!.file === file,
  );
});

test('a file that is absent or a folder is named with its role', () => {
  using dir = temporaryDirectory();
  assert.throws(
    () => readText(join(dir.path, 'none'), 'server CA'),
    failsWith('FILE_MISSING', /^server CA .*none does not exist$/),
  );
  mkdirSync(join(dir.path, 'folder'));
  assert.throws(() => readText(join(dir.path, 'folder'), 'server CA'), failsWith('FILE_KIND', /is a directory/));
  assert.throws(
    () => readSecretFile(join(dir.path, 'none'), 'credentials'),
    failsWith('FILE_MISSING', /^credentials /),
  );
});

test('a secret is only read when nobody else can', { skip: process.platform === 'win32' && 'needs file modes' }, () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'secret');
  writeFileSync(file, 'hunter2', { mode: 0o600 });
  assert.equal(readSecretFile(file, 'credentials').reveal(), 'hunter2');
  chmodSync(file, 0o400);
  assert.equal(readSecretFile(file, 'credentials').reveal(), 'hunter2');
  for (const mode of [0o644, 0o640, 0o604, 0o610, 0o666]) {
    chmodSync(file, mode);
    assert.throws(
      () => readSecretFile(file, 'credentials'),
      failsWith('FILE_MODE', /can be read by other users \(mode 06/),
    );
  }
});
