/** The thumbprint of a real TLS server with a private CA, read through a real discovery document. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { need, run, temporaryDirectory } from '@postern/testing';
import { thumbprint } from './thumbprint.ts';

test('reads the last certificate of the chain and says whether AWS needs it', { skip: need('openssl') }, async () => {
  using dir = temporaryDirectory();
  const key = join(dir.path, 'key.pem');
  const certificate = join(dir.path, 'cert.pem');
  const made = await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
    '-days',
    '1',
    '-subj',
    '/CN=issuer.example',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ]);
  assert.equal(made.code, 0, made.stderr);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    const { port } = server.address() as AddressInfo;
    if (request.url === '/org/x/.well-known/openid-configuration')
      response.end(JSON.stringify({ jwks_uri: `https://127.0.0.1:${port}/keys` }));
    else response.writeHead(404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const found = await thumbprint(`https://127.0.0.1:${port}/org/x`);
    const expected = new X509Certificate(readFileSync(certificate)).fingerprint.replaceAll(':', '').toLowerCase();
    assert.deepEqual([found.thumbprint, found.needed, found.subject], [expected, true, 'issuer.example']);
    assert.match(found.thumbprint, /^[0-9a-f]{40}$/);
    await assert.rejects(thumbprint(`https://127.0.0.1:${port}/other`), /no discovery document/);
    await assert.rejects(thumbprint('http://127.0.0.1'), /is not/);
    await assert.rejects(thumbprint('https://'), /no URL/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
