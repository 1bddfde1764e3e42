/** The peer's credentials, its request and its proof, judged by OpenSSL and jose. */
import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigError, PosternError } from '@postern/core';
import { systemClock } from '@postern/daemon';
import { need, run, temporaryDirectory } from '@postern/testing';
import { jwtVerify } from 'jose';
import { spkiOf } from '../pki/index.ts';
import { certificateRequest, generateKey, loadCredentials, serviceAccountProofs, signProof } from './index.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

function pem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** What Google writes, field for field. */
function googleFile(changes: Record<string, unknown> = {}): string {
  const value = {
    type: 'service_account',
    project_id: 'acme-prod',
    private_key_id: '0123456789abcdef0123456789abcdef01234567',
    private_key: pem(rsa.privateKey),
    client_email: 'tunnel-agent@acme-prod.iam.gserviceaccount.com',
    client_id: '112233445566778899000',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: 'https://oauth2.googleapis.com/token',
    auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
    client_x509_cert_url:
      'https://www.googleapis.com/robot/v1/metadata/x509/tunnel-agent%40acme-prod.iam.gserviceaccount.com',
    universe_domain: 'googleapis.com',
    ...changes,
  };
  return JSON.stringify(value, null, 2);
}

function load(text: string, mode = 0o600) {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'dc1.json');
  writeFileSync(file, text, { mode: 0o600 });
  chmodSync(file, mode);
  return loadCredentials(file);
}

function refusal(text: string, mode?: number): PosternError {
  try {
    load(text, mode);
  } catch (error) {
    if (error instanceof PosternError) return error;
    throw error;
  }
  return assert.fail('was accepted');
}

describe('credentials file', () => {
  test("Google's own shape works, RSA and EC keys", () => {
    const credentials = load(googleFile());
    assert.equal(credentials.email, 'tunnel-agent@acme-prod.iam.gserviceaccount.com');
    assert.deepEqual([credentials.algorithm, credentials.projectId], ['RS256', 'acme-prod']);
    assert.doesNotMatch(inspect(credentials, { depth: 9 }) + JSON.stringify(credentials), /PRIVATE|MII/);
    assert.equal(load(googleFile({ private_key: pem(generateKey().privateKey) })).algorithm, 'ES256');
  });

  test('tabs, Windows line ends and a field unknown today are fine', () => {
    assert.ok(
      load(JSON.stringify(JSON.parse(googleFile({ new_field: { a: 1 } })), null, '\t').replaceAll('\n', '\r\n')),
    );
  });

  test('loose permissions: one sentence and what to do', () => {
    const error = refusal(googleFile(), 0o640);
    assert.match(error.message, /credentials file .*dc1.json can be read by other users \(mode 0640\)/);
    assert.match(error.hint!, /^chmod 600 /);
    assert.equal(error.exitCode, 2);
  });

  test('all problems at once, none of them quoting the key', () => {
    const broken = googleFile({ type: 'external_account', client_email: 'a b', private_key_id: '' });
    const error = refusal(broken);
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(
      error.diagnostics.map((d) => `${d.line}:${d.path}`),
      ['2:type', '4:private_key_id', '6:client_email'],
    );
    for (const text of [
      googleFile().replace('"private_key":', '"private_key" '),
      googleFile({ private_key: 'SECRETSECRET' }),
      'SECRETSECRET',
      '[]',
      '',
      googleFile({ private_key: pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey) }),
      googleFile({ private_key: pem(generateKeyPairSync('ed25519').privateKey) }),
    ]) {
      const { message, exitCode } = refusal(text);
      assert.equal(exitCode, 2);
      assert.match(message, /dc1\.json:\d+:\d+: /);
      assert.doesNotMatch(message, /SECRETSECRET|BEGIN|MII/);
    }
  });
});

describe('certificate request', () => {
  test('OpenSSL verifies it and finds the key, no name and no attributes', { skip: need('openssl') }, async () => {
    using dir = temporaryDirectory();
    const key = generateKey();
    const file = join(dir.path, 'request.der');
    writeFileSync(file, certificateRequest(key));
    const shown = await run('openssl', ['req', '-inform', 'DER', '-in', file, '-verify', '-noout', '-text', '-pubkey']);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stderr + shown.stdout, /verify OK/);
    assert.match(shown.stdout, /Subject: ?\n/);
    const published = /-----BEGIN PUBLIC KEY-----[^]*-----END PUBLIC KEY-----/.exec(shown.stdout)![0];
    assert.ok(spkiOf(createPublicKey(published)).equals(spkiOf(key.publicKey)));
  });
});

describe('proof', () => {
  test('carries exactly the claims that tunnel.proto lists', async () => {
    const credentials = load(googleFile());
    const key = generateKey();
    const publicKeySpki = spkiOf(key.publicKey);
    const now = 1_700_000_000_123;
    const token = await signProof(credentials, { serverName: 'tunnel.acme.example', publicKeySpki, now });
    const { payload, protectedHeader } = await jwtVerify(token, rsa.publicKey, { currentDate: new Date(now) });
    const { jti, ...rest } = payload;
    assert.deepEqual(protectedHeader, { alg: 'RS256', kid: '0123456789abcdef0123456789abcdef01234567', typ: 'JWT' });
    assert.deepEqual(rest, {
      cnf: { jkt: createHash('sha256').update(publicKeySpki).digest('base64url') },
      iss: credentials.email,
      sub: credentials.email,
      aud: 'https://tunnel.acme.example/',
      iat: 1_700_000_000,
      exp: 1_700_000_300,
    });
    assert.match(jti!, /^[0-9a-f-]{36}$/);
  });

  test('a source makes a new one each time', async () => {
    const source = serviceAccountProofs(load(googleFile()), systemClock);
    const request = { serverName: '::1', publicKeySpki: spkiOf(generateKey().publicKey) };
    const [a, b] = await Promise.all([source.proof(request), source.proof(request)]);
    assert.notEqual(a, b);
    assert.equal((await jwtVerify(a, rsa.publicKey)).payload.aud, 'https://[::1]/');
  });
});
