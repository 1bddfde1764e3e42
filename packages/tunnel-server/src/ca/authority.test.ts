/** What every certificate authority must give, judged by OpenSSL and by Node's TLS; and what the embedded one keeps on disk. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { PosternError } from '@postern/core';
import { systemClock } from '@postern/daemon';
import { need, run, temporaryDirectory } from '@postern/testing';
import { generateKey, spkiOf } from '@postern/tunnel/identity';
import { pemOf } from './certificate.ts';
import { type CertificateAuthority, openEmbeddedCa } from './index.ts';

const hour = 3_600_000;

function peer(ca: CertificateAuthority, options: { email?: string; lifetimeMs?: number } = {}) {
  const key = generateKey();
  const nowMs = systemClock.now();
  const request = {
    email: options.email ?? 'dc1@acme.example',
    publicKey: key.publicKey,
    notBeforeMs: nowMs - 5 * 60_000,
    notAfterMs: nowMs + (options.lifetimeMs ?? 24 * hour),
  };
  return ca.issuePeer(request).then((issued) => ({ ...issued, key, leaf: new X509Certificate(issued.chainDer[0]!) }));
}

const implementations: Record<string, (dir: string) => CertificateAuthority> = {
  'embedded authority': (dir) => openEmbeddedCa({ dataDir: join(dir, 'data'), clock: systemClock }),
};

for (const [name, open] of Object.entries(implementations)) {
  describe(name, () => {
    test('a peer certificate says the e-mail, client use, and nothing else', async () => {
      using dir = temporaryDirectory();
      const { leaf, serial, notAfterMs, key } = await peer(open(dir.path));
      assert.equal(leaf.subjectAltName, 'email:dc1@acme.example');
      assert.equal(leaf.subject ?? '', '');
      assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']); // Node's name for the extended key usage
      assert.equal(leaf.ca, false);
      assert.equal(leaf.serialNumber, serial);
      assert.equal(leaf.validToDate.getTime(), notAfterMs);
      assert.ok(Math.abs(leaf.validFromDate.getTime() + 5 * 60_000 - systemClock.now()) < 20_000);
      assert.ok(spkiOf(leaf.publicKey).equals(spkiOf(key.publicKey)));
    });

    test('serials are 128 bits and differ', async () => {
      using dir = temporaryDirectory();
      const ca = open(dir.path);
      const serials = await Promise.all(Array.from({ length: 50 }, async () => (await peer(ca)).serial));
      assert.equal(new Set(serials).size, 50);
      for (const serial of serials) assert.match(serial, /^[0-9A-F]{32}$/);
    });

    test('certifies every kind of key the issuer lets through', async () => {
      using dir = temporaryDirectory();
      const ca = open(dir.path);
      const nowMs = systemClock.now();
      for (const { publicKey } of [
        generateKeyPairSync('ed25519'),
        generateKeyPairSync('rsa', { modulusLength: 2048 }),
        generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      ]) {
        const { chainDer } = await ca.issuePeer({
          email: 'a@x.example',
          publicKey,
          notBeforeMs: nowMs,
          notAfterMs: nowMs + hour,
        });
        assert.ok(new X509Certificate(chainDer[0]!).verify(new X509Certificate(ca.rootsPem()).publicKey));
      }
    });

    test('OpenSSL accepts each certificate for its purpose and for no other', { skip: need('openssl') }, async () => {
      using dir = temporaryDirectory();
      const ca = open(dir.path);
      const { chainDer } = await peer(ca, { email: 'svc@project.iam.gserviceaccount.com' });
      const server = await ca.issueServer('tunnel.acme.example');
      const file = (name: string, text: string) => (writeFileSync(join(dir.path, name), text), join(dir.path, name));
      const [root, leaf, serverPem] = [
        file('ca.pem', ca.rootsPem()),
        file('peer.pem', pemOf(chainDer[0]!)),
        file('server.pem', server.certPem),
      ];
      const verify = (purpose: string, pem: string, ...more: string[]) =>
        run('openssl', ['verify', '-x509_strict', '-CAfile', root, '-purpose', purpose, ...more, pem]);
      for (const [purpose, pem, ...more] of [
        ['sslclient', leaf, '-verify_email', 'svc@project.iam.gserviceaccount.com'],
        ['sslserver', serverPem, '-verify_hostname', 'tunnel.acme.example'],
        ['any', root],
      ] as const) {
        const accepted = await verify(purpose, pem, ...more);
        assert.equal(accepted.code, 0, `${purpose}: ${accepted.stdout}${accepted.stderr}`);
      }
      assert.notEqual((await verify('sslserver', leaf)).code, 0);
      assert.notEqual((await verify('sslclient', serverPem)).code, 0);
      assert.notEqual((await verify('sslserver', serverPem, '-verify_hostname', 'other.example')).code, 0);
      const text = (await run('openssl', ['x509', '-in', leaf, '-noout', '-text'])).stdout;
      assert.match(text, /X509v3 Key Usage: critical\s+Digital Signature\n/);
      assert.match(text, /X509v3 Subject Alternative Name: critical\s+email:svc@project/);
      assert.match(text, /CA:FALSE/);
    });

    for (const serverName of ['tunnel.acme.example', '127.0.0.1', '::1'])
      test(`mutual TLS 1.3 between ${serverName} and a peer`, async () => {
        using dir = temporaryDirectory();
        const ca = open(dir.path);
        const issued = await peer(ca);
        const { certPem, keyPem } = await ca.issueServer(serverName);
        const seen = await handshake(
          { cert: certPem, key: keyPem.reveal(), ca: ca.rootsPem() },
          {
            servername: serverName,
            cert: pemOf(issued.chainDer[0]!),
            key: issued.key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
            ca: ca.rootsPem(),
          },
        );
        assert.deepEqual(seen, { authorized: true, name: 'email:dc1@acme.example' });
      });

    test('a certificate of another authority is refused', async () => {
      using dir = temporaryDirectory();
      using otherDir = temporaryDirectory();
      const ca = open(dir.path);
      const foreign = await peer(open(otherDir.path));
      const { certPem, keyPem } = await ca.issueServer('localhost');
      const seen = await handshake(
        { cert: certPem, key: keyPem.reveal(), ca: ca.rootsPem() },
        {
          servername: 'localhost',
          cert: pemOf(foreign.chainDer[0]!),
          key: foreign.key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
          ca: ca.rootsPem(),
        },
      );
      assert.equal(seen.authorized, false);
    });
  });
}

describe('the embedded root', () => {
  test('is made once, private, and read again', () => {
    using dir = temporaryDirectory();
    const dataDir = join(dir.path, 'data');
    const first = openEmbeddedCa({ dataDir, clock: systemClock });
    assert.equal(statSync(dataDir).mode & 0o777, 0o700);
    assert.equal(statSync(join(dataDir, 'ca-root.pem')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dataDir), ['ca-root.pem']);
    const before = readFileSync(join(dataDir, 'ca-root.pem'));
    const again = openEmbeddedCa({ dataDir, clock: systemClock });
    assert.ok(isDeepStrictEqual(before, readFileSync(join(dataDir, 'ca-root.pem'))));
    assert.equal(again.rootsPem(), first.rootsPem());
    assert.doesNotMatch(again.rootsPem(), /PRIVATE/);
    const root = new X509Certificate(first.rootsPem());
    assert.ok(root.ca && root.verify(root.publicKey));
    assert.ok(root.validToDate.getTime() - systemClock.now() > 3600 * 24 * hour);
    assert.ok(
      systemClock.now() - root.validFromDate.getTime() > 23 * hour,
      'a peer whose clock is behind must reach Issue',
    );
  });

  test('survives a writer killed half way: the leftover is not mistaken for a root', () => {
    using dir = temporaryDirectory();
    const dataDir = join(dir.path, 'data');
    const first = openEmbeddedCa({ dataDir, clock: systemClock }).rootsPem();
    writeFileSync(join(dataDir, 'ca-root.pem.1234.tmp'), '-----BEGIN PRIV');
    assert.equal(openEmbeddedCa({ dataDir, clock: systemClock }).rootsPem(), first);
  });

  test('loose permissions and damage are refused in one sentence', () => {
    using dir = temporaryDirectory();
    const dataDir = join(dir.path, 'data');
    openEmbeddedCa({ dataDir, clock: systemClock });
    const file = join(dataDir, 'ca-root.pem');
    const refusal = (): PosternError => {
      try {
        openEmbeddedCa({ dataDir, clock: systemClock });
      } catch (error) {
        if (error instanceof PosternError) return error;
        throw error;
      }
      return assert.fail('was opened');
    };
    chmodSync(file, 0o640);
    assert.deepEqual([refusal().code, refusal().exitCode], ['FILE_MODE', 2]);
    chmodSync(file, 0o600);
    chmodSync(dataDir, 0o755);
    assert.match(refusal().message, /data directory .* can be read by other users/);
    chmodSync(dataDir, 0o700);
    const text = readFileSync(file, 'utf8');
    for (const damaged of ['', text.slice(0, 100), text.slice(text.indexOf('-----BEGIN CERT'))]) {
      writeFileSync(file, damaged);
      assert.equal(refusal().code, 'CA_DAMAGED');
      assert.equal(readFileSync(file, 'utf8'), damaged, 'never overwritten');
    }
    assert.ok(existsSync(file));
  });
});

/** One handshake; whether the server accepted the peer, and as whom. */
async function handshake(
  server: { cert: string; key: string; ca: string },
  client: { servername: string; cert: string; key: string | Buffer; ca: string },
): Promise<{ authorized: boolean; name: string | undefined }> {
  const listener = createServer({ ...server, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const { servername, ...rest } = client;
  const socket = connect({
    ...rest,
    port: (listener.address() as AddressInfo).port,
    host: '127.0.0.1',
    ...(/^[\d:.]+$/.test(servername) ? {} : { servername }),
    // Node checks an address only when it dialled it: here the name is checked by hand.
    checkServerIdentity: (_host, cert) =>
      (cert.subjectaltname ?? '').includes(servername === '::1' ? '0:0:0:0:0:0:0:1' : servername)
        ? undefined
        : new Error(`not for ${servername}: ${cert.subjectaltname}`),
  });
  await once(socket, 'secureConnect');
  const [incoming] = await accepted;
  const seen = { authorized: incoming.authorized, name: incoming.getPeerX509Certificate()?.subjectAltName };
  socket.destroy();
  incoming.destroy();
  listener.close();
  return seen;
}
