/** Requests from OpenSSL with every kind of key, and requests that were tampered with. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { need, run, temporaryDirectory } from '@postern/testing';
import { certificateRequest, generateKey, keyThumbprint, spkiOf } from '@postern/tunnel/identity';
import * as fc from 'fast-check';
import { checkRequest } from './certificate-request.ts';
import { IssueRefusal } from './refusal.ts';

async function fromOpenssl(dir: string, newkey: string[], ...more: string[]): Promise<Buffer> {
  const out = join(dir, 'request.der');
  const made = await run('openssl', [
    'req',
    '-new',
    '-newkey',
    ...newkey,
    '-nodes',
    '-keyout',
    join(dir, 'key.pem'),
    '-subj',
    '/CN=root@acme.example/O=Not to be believed',
    '-outform',
    'DER',
    '-out',
    out,
    ...more,
  ]);
  assert.equal(made.code, 0, made.stderr);
  return readFileSync(out);
}

function code(bytes: Buffer): string {
  try {
    checkRequest(bytes);
  } catch (error) {
    if (error instanceof IssueRefusal) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('requests made by OpenSSL', { skip: need('openssl') }, () => {
  const curve = (name: string) => ['ec', '-pkeyopt', `ec_paramgen_curve:${name}`];
  const cases: Array<[expected: string, newkey: string[], ...more: string[]]> = [
    ['accepted', curve('P-256')],
    ['accepted', curve('P-256'), '-sha512'],
    ['accepted', curve('P-384'), '-sha384'],
    ['accepted', ['rsa:2048']],
    ['accepted', ['rsa:3072'], '-sha512'],
    ['accepted', ['ed25519']],
    [
      'accepted',
      curve('P-256'),
      '-addext',
      'subjectAltName=email:root@acme.example',
      '-addext',
      'basicConstraints=critical,CA:TRUE',
    ],
    ['KEY_TYPE', curve('P-521')],
    ['KEY_TYPE', curve('secp256k1')],
    ['KEY_TYPE', [...curve('P-256'), '-pkeyopt', 'ec_param_enc:explicit']],
    ['KEY_TYPE', ['ed448']],
    ['KEY_TYPE', ['rsa:1024']],
    ['KEY_TYPE', ['rsa:2048', '-pkeyopt', 'rsa_keygen_pubexp:3']],
    ['KEY_TYPE', ['rsa:2048'], '-sigopt', 'rsa_padding_mode:pss'],
    ['KEY_TYPE', curve('P-256'), '-sha1'],
  ];
  for (const [expected, newkey, ...more] of cases)
    test(`${expected}: ${[...newkey, ...more].join(' ')}`, async () => {
      using dir = temporaryDirectory();
      assert.equal(code(await fromOpenssl(dir.path, newkey, ...more)), expected);
    });
});

test('a request of ours is accepted and names its key', () => {
  const key = generateKey();
  assert.equal(checkRequest(certificateRequest(key)).thumbprint, keyThumbprint(spkiOf(key.publicKey)));
});

test('no changed byte, no cut and no growth is accepted, and all are refused in order', () => {
  const good = certificateRequest(generateKey());
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(good);
      bytes[at] = bytes[at]! ^ change;
      assert.notEqual(code(bytes), 'accepted');
    }),
    { numRuns: 2000 },
  );
  for (let length = 0; length < good.length; length++) assert.equal(code(good.subarray(0, length)), 'MALFORMED');
  assert.equal(code(Buffer.concat([good, Buffer.from([0])])), 'MALFORMED');
});

test('arbitrary bytes are refused without a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => assert.notEqual(code(Buffer.from(bytes)), 'accepted')),
    { numRuns: 2000 },
  );
});
