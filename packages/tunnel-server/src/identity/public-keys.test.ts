/** Keys made elsewhere: each file form gives the same key, and what is wrong is said without quoting it. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { PosternError } from '@postern/core';
import { temporaryDirectory } from '@postern/testing';
import { generateKey, keyThumbprint, parseCredentials, spkiOf } from '@postern/tunnel/identity';
import { openEmbeddedCa } from '../ca/index.ts';
import { newCredentials } from './new-credentials.ts';
import { readPublicKeys } from './public-keys.ts';
import { SetClock } from './testing.ts';

const email = 'svc@project.iam.gserviceaccount.com';

test('PEM, a service account key file, and a published list of certificates', async () => {
  using dir = temporaryDirectory();
  const { json, keyId, publicKey } = await newCredentials(email);
  const clock = new SetClock();
  const ca = openEmbeddedCa({ dataDir: join(dir.path, 'data'), clock });
  const { chainDer } = await ca.issuePeer({
    email,
    publicKey,
    notBeforeMs: clock.now(),
    notAfterMs: clock.now() + 1000,
  });
  const certificate = new X509Certificate(chainDer[0]!).toString();
  const same = (text: string, expectedId: string): void => {
    const [key] = readPublicKeys('f', text, email);
    assert.equal(key!.keyId, expectedId);
    assert.ok(spkiOf(key!.publicKey).equals(spkiOf(publicKey)));
  };
  const thumbprint = keyThumbprint(spkiOf(publicKey));
  same(publicKey.export({ format: 'pem', type: 'spki' }).toString(), thumbprint);
  same(certificate, thumbprint);
  same(json.reveal(), keyId);
  same(JSON.stringify({ [keyId]: certificate }), keyId);
  assert.equal(parseCredentials('f', json.reveal()).keyId, keyId);
  assert.throws(() => readPublicKeys('f', json.reveal(), 'other@x.example'), /f is the key of svc@project/);
});

test('anything else is one sentence, exit code 2, and shows nothing of the file', () => {
  const weak = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    .publicKey.export({ format: 'pem', type: 'spki' })
    .toString();
  for (const text of [
    '',
    'SECRET',
    '{}',
    '[]',
    '{"a": 1}',
    '{"a": "SECRET"}',
    '-----BEGIN PUBLIC KEY-----\nSECRET\n',
    weak,
    '{"private_key": "SECRET"}',
  ])
    assert.throws(
      () => readPublicKeys('keys.json', text, email),
      (error) => error instanceof PosternError && error.exitCode === 2 && !error.message.includes('SECRET'),
      text,
    );
  assert.ok(readPublicKeys('f', generateKey().publicKey.export({ format: 'pem', type: 'spki' }).toString(), email));
});
