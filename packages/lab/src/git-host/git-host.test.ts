/** The git host against the real git: a clone is whole, a stranger's certificate is not trusted, nothing outside the root is served. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { need, run, temporaryDirectory } from '@postern/testing';
import { parseCgiHead } from './http-backend.ts';
import { privateCertificate, startGitHost } from './index.ts';

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

test('git clones over smart HTTPS with the private root, and refuses without it', { skip: need('git') }, async () => {
  using scratch = temporaryDirectory();
  const source = join(scratch.path, 'source');
  mkdirSync(source);
  git(source, 'init', '-q');
  writeFileSync(join(source, 'file'), 'x'.repeat(100_000));
  git(source, 'add', '.');
  git(source, 'commit', '-qm', 'first');
  git(scratch.path, 'clone', '-q', '--bare', source, 'repos/it.git');
  const certificate = await privateCertificate(['localhost', 'git.corp.example']);
  writeFileSync(join(scratch.path, 'ca.pem'), certificate.caPem);
  await using host = await startGitHost({
    ...certificate,
    listen: { host: '127.0.0.1', port: 0 },
    root: join(scratch.path, 'repos'),
  });
  const url = `https://localhost:${host.address.port}`;
  const env = { ...process.env, GIT_SSL_CAINFO: join(scratch.path, 'ca.pem'), GIT_TERMINAL_PROMPT: '0' };
  const cloned = await run('git', ['clone', '-q', `${url}/it.git`, join(scratch.path, 'clone')], { env });
  assert.equal(cloned.code, 0, cloned.stderr);
  assert.equal(git(join(scratch.path, 'clone'), 'rev-parse', 'HEAD'), git(source, 'rev-parse', 'HEAD'));
  const missing = await run('git', ['ls-remote', `${url}/../source`], { env });
  assert.notEqual(missing.code, 0);
  const stranger = await run('git', ['ls-remote', `${url}/it.git`], { env: process.env });
  assert.match(stranger.stderr, /certificate/i);
});

test('the certificate says what openssl understands', { skip: need('openssl') }, async () => {
  using scratch = temporaryDirectory();
  const { caPem, certPem } = await privateCertificate(['a.example', 'b.example']);
  writeFileSync(join(scratch.path, 'ca.pem'), caPem);
  writeFileSync(join(scratch.path, 'leaf.pem'), certPem);
  const { stdout, status } = spawnSync(
    'openssl',
    [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-verify_hostname',
      'b.example',
      '-CAfile',
      'ca.pem',
      'leaf.pem',
    ],
    { cwd: scratch.path, encoding: 'utf8' },
  );
  assert.equal(status, 0, stdout);
});

test('a CGI head is read with its status', () => {
  assert.deepEqual(parseCgiHead('Status: 404 Not Found\r\nContent-Type: text/plain'), {
    status: 404,
    headers: { 'content-type': 'text/plain' },
  });
  assert.deepEqual(parseCgiHead('X: a: b'), { status: 200, headers: { x: 'a: b' } });
});
