/** Issue and renew: every check has a proof that fails only it, and what the peer is told gives nothing away. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { PosternError, Secret } from '@postern/core';
import { temporaryDirectory } from '@postern/testing';
import {
  certificateRequest,
  type Credentials,
  generateKey,
  keyThumbprint,
  serviceAccountProofs,
  spkiOf,
} from '@postern/tunnel/identity';
import { IssueRefusal, type Issued } from './index.ts';
import { about } from './token-times.ts';
import { attempt, type Changes, email, enrol, enrolRsa, serverName, world } from './testing.ts';

const hour = 3600;

async function refusal(work: Promise<Issued>): Promise<IssueRefusal> {
  const error = await work.then(
    () => assert.fail('was issued'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof IssueRefusal, String(error));
  return error;
}

describe('issue', () => {
  test('a right proof gets a certificate for its e-mail and its key, on the record', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const credentials = await enrolRsa(w);
    const key = generateKey();
    const proof = await serviceAccountProofs(credentials, w.clock).proof({
      serverName,
      publicKeySpki: spkiOf(key.publicKey),
    });
    const issued = await w.issuer.issue({
      certificateRequest: certificateRequest(key),
      proof,
      peer: '192.0.2.7:40000',
    });
    const leaf = new X509Certificate(issued.chainDer[0]!);
    assert.equal(leaf.subjectAltName, `email:${email}`);
    assert.ok(spkiOf(leaf.publicKey).equals(spkiOf(key.publicKey)));
    assert.ok(leaf.verify(new X509Certificate(w.rootsPem).publicKey));
    assert.equal(leaf.validToDate.getTime(), issued.notAfterMs);
    assert.equal(w.issuer.certificate(leaf.serialNumber)?.lineage, issued.lineage);
    const { identity, serial, lineage, keyId } = issued;
    assert.equal(keyId, credentials.keyId);
    const notAfter = new Date(issued.notAfterMs).toISOString();
    assert.deepEqual(w.events, [
      { event: 'certificate.issue', identity, peer: '192.0.2.7:40000', serial, lineage, keyId, notAfter },
    ]);
  });

  test('an EC key signs with ES256, and two keys of one identity both count', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const rsa = await enrolRsa(w);
    const pair = generateKey();
    w.identities.trust(email, { keyId: 'ec-1', publicKey: pair.publicKey, addKey: true });
    const ec: Credentials = { ...rsa, keyId: 'ec-1', algorithm: 'ES256', privateKey: new Secret(pair.privateKey) };
    for (const credentials of [rsa, ec])
      assert.equal((await w.issuer.issue(await attempt(w, credentials))).identity, email);
  });

  const cases: Array<[code: string, name: string, change: (nowSeconds: number) => Changes]> = [
    ['AUDIENCE', 'another server', () => ({ claims: { aud: 'https://other.example/' } })],
    ['AUDIENCE', 'the server without the slash', () => ({ claims: { aud: `https://${serverName}` } })],
    ['AUDIENCE', "a workload token's audience", () => ({ claims: { aud: `https://${serverName}/?key=x` } })],
    ['AUDIENCE', "Google's token endpoint", () => ({ claims: { aud: 'https://oauth2.googleapis.com/token' } })],
    ['MALFORMED', 'two audiences', () => ({ claims: { aud: [`https://${serverName}/`, 'https://other.example/'] } })],
    ['MALFORMED', 'no audience', () => ({ claims: { aud: undefined } })],
    ['MALFORMED', 'sub is somebody else', () => ({ claims: { sub: 'root@acme.example' } })],
    ['MALFORMED', 'no jti', () => ({ claims: { jti: undefined } })],
    ['MALFORMED', 'an endless jti', () => ({ claims: { jti: 'x'.repeat(129) } })],
    ['MALFORMED', 'no cnf', () => ({ claims: { cnf: undefined } })],
    ['MALFORMED', 'iss is no identity', () => ({ claims: { iss: 'dc1@acme.example,root@acme.example' } })],
    ['MALFORMED', 'exp as text', (now) => ({ claims: { exp: String(now + 300) } })],
    ['MALFORMED', 'an extension it must understand', () => ({ header: { kid: undefined } })],
    [
      'KEY_BINDING',
      'another key',
      () => ({ claims: { cnf: { jkt: keyThumbprint(spkiOf(generateKey().publicKey)) } } }),
    ],
    ['TOKEN_LIFETIME', 'an hour', (now) => ({ claims: { exp: now + hour } })],
    ['TOKEN_LIFETIME', 'ends before it begins', (now) => ({ claims: { exp: now - 1 } })],
    ['CLOCK_SKEW', 'made in an hour', (now) => ({ claims: { iat: now + hour, exp: now + hour + 300 } })],
    ['CLOCK_SKEW', 'not before in an hour', (now) => ({ claims: { nbf: now + hour } })],
    ['TOKEN_EXPIRED', 'made an hour ago', (now) => ({ claims: { iat: now - hour, exp: now - hour + 300 } })],
    ['UNKNOWN_IDENTITY', 'nobody', () => ({ claims: { iss: 'nobody@acme.example', sub: 'nobody@acme.example' } })],
    ['UNKNOWN_IDENTITY', 'another case', () => ({ claims: { iss: 'DC1@acme.example', sub: 'DC1@acme.example' } })],
    ['UNKNOWN_KEY', 'another kid', () => ({ header: { kid: 'other' } })],
  ];
  for (const [code, name, change] of cases)
    test(`${code}: ${name}`, async () => {
      using dir = temporaryDirectory();
      using w = world(dir.path);
      const credentials = enrol(w);
      const request = await attempt(w, credentials, change(Math.floor(w.clock.now() / 1000)));
      const error = await refusal(w.issuer.issue(request));
      assert.equal(error.code, code);
      const [event] = w.events;
      assert.ok(event?.event === 'certificate.refuse' && event.reason === code && event.peer === request.peer);
      // Nothing was used up: the same machine with the mistake mended gets its certificate.
      assert.ok(await w.issuer.issue(await attempt(w, credentials)));
    });

  test('the clock sentence says by how much, in both directions; a minute is forgiven', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const credentials = enrol(w);
    for (const [offset, pattern] of [
      [hour, /off by about 1 h \(it is ahead/],
      [-hour, /off by about 1 h \(it is behind/],
      [-14 * 60, /off by about 14 min \(it is behind/],
    ] as const) {
      const now = Math.floor(w.clock.now() / 1000) + offset;
      const error = await refusal(
        w.issuer.issue(await attempt(w, credentials, { claims: { iat: now, exp: now + 300 } })),
      );
      assert.match(error.message, pattern);
    }
    for (const offset of [58, -58, -340]) {
      const now = Math.floor(w.clock.now() / 1000) + offset;
      assert.ok(await w.issuer.issue(await attempt(w, credentials, { claims: { iat: now, exp: now + 300 } })));
    }
    assert.deepEqual([45_000, 700_000, 3_600_000, 86_400_000 * 3].map(about), ['45 s', '12 min', '1 h', '3 days']);
  });

  test('whoever has no trusted key learns nothing about identities', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const credentials = enrol(w);
    enrol(w, 'gone@acme.example');
    w.identities.revoke('gone@acme.example');
    const foreign: Credentials = {
      ...credentials,
      privateKey: new Secret(generateKey().privateKey),
    };
    const tries: Changes[] = [
      { signWith: foreign },
      { signWith: foreign, claims: { iss: 'nobody@acme.example' } },
      { signWith: foreign, claims: { iss: 'gone@acme.example' } },
      { signWith: foreign, header: { kid: 'other' } },
      { signWith: foreign, claims: { aud: 'https://other.example/', exp: 1 } },
    ];
    const messages = new Set<string>();
    for (const change of tries)
      messages.add((await refusal(w.issuer.issue(await attempt(w, credentials, change)))).message);
    assert.equal(messages.size, 1);
    assert.deepEqual(
      w.events.map((event) => 'reason' in event && event.reason),
      ['BAD_SIGNATURE', 'UNKNOWN_IDENTITY', 'UNKNOWN_KEY', 'UNKNOWN_KEY', 'BAD_SIGNATURE'],
    );
  });

  test('algorithms are pinned: none, HMAC with the public key, and a sibling of the right one', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const credentials = await enrolRsa(w);
    const good = await attempt(w, credentials);
    const [, body] = good.proof.split('.') as [string, string, string];
    const head = (alg: string) => Buffer.from(JSON.stringify({ alg, kid: credentials.keyId })).toString('base64url');
    for (const proof of [`${head('none')}.${body}.`, `${head('HS256')}.${body}.c2ln`, `${head('RS256')}.${body}.`])
      assert.match((await refusal(w.issuer.issue({ ...good, proof }))).code, /^(ALGORITHM|BAD_SIGNATURE)$/);
    const rs512 = await attempt(w, credentials, { header: { alg: 'RS512' } });
    assert.equal((await refusal(w.issuer.issue(rs512))).code, 'ALGORITHM');
  });

  test('a proof works once, also after a restart, and its time ends the memory of it', async () => {
    using dir = temporaryDirectory();
    const first = world(dir.path);
    const credentials = enrol(first);
    const request = await attempt(first, credentials);
    await first.issuer.issue(request);
    assert.equal((await refusal(first.issuer.issue(request))).code, 'REPLAYED');
    first[Symbol.dispose]();
    using again = world(dir.path, { clock: first.clock });
    assert.equal((await refusal(again.issuer.issue(request))).code, 'REPLAYED');
    first.clock.nowMs += 359_000;
    assert.equal((await refusal(again.issuer.issue(request))).code, 'REPLAYED');
    first.clock.nowMs += 2_000;
    assert.equal((await refusal(again.issuer.issue(request))).code, 'TOKEN_EXPIRED');
  });

  test('simultaneous uses of one proof: one wins', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const request = await attempt(w, enrol(w));
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => w.issuer.issue(request)));
    assert.equal(results.filter((r) => r.status === 'fulfilled').length, 1);
  });

  test('16 KiB and no more', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const request = await attempt(w, enrol(w));
    assert.equal((await refusal(w.issuer.issue({ ...request, proof: 'x'.repeat(16_384) }))).code, 'TOO_LARGE');
    assert.equal(
      (await refusal(w.issuer.issue({ ...request, certificateRequest: Buffer.alloc(16_385) }))).code,
      'TOO_LARGE',
    );
  });

  test('garbage in place of the token is malformed and nothing worse', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const request = await attempt(w, enrol(w));
    for (const proof of [
      '',
      '.',
      '..',
      'a.b.c',
      'e30.e30.',
      'bnVsbA.bnVsbA.',
      `${Buffer.from('{"alg":1}').toString('base64url')}.e30.x`,
      '\u0000.\u0000.\u0000',
      'W10.W10.W10',
    ])
      assert.equal((await refusal(w.issuer.issue({ ...request, proof }))).code, 'MALFORMED', JSON.stringify(proof));
  });

  test('an authority that is down is not the peer’s fault', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const { createIssuer } = await import('./issuer.ts');
    const issuer = createIssuer({
      identities: w.identities,
      ca: {
        rootsPem: () => '',
        issueServer: () => Promise.reject(new Error('down')),
        issuePeer: () => Promise.reject(new Error('down: password=1')),
      },
      clock: w.clock,
      serverName,
      lifetimeMs: () => 1000,
      audit: () => {},
    });
    const error = await issuer.issue(await attempt(w, enrol(w))).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof PosternError && error.code === 'CA_UNAVAILABLE');
    assert.doesNotMatch(error.message, /password/);
  });
});

test('a database that fails is told to the log and not to the peer', async () => {
  using dir = temporaryDirectory();
  using w = world(dir.path);
  const request = await attempt(w, enrol(w));
  w.identities.close();
  const error = await w.issuer.issue(request).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof PosternError && error.code === 'CA_UNAVAILABLE');
  assert.doesNotMatch(error.message, /identities\.db|not open/);
  assert.match(JSON.stringify(w.events.at(-1)), /identities\.db/);
  assert.equal(w.issuer.certificate('01'), undefined);
});

describe('renew', () => {
  test('a new key, the same lineage, until the identity is revoked', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const first = await w.issuer.issue(await attempt(w, enrol(w)));
    w.clock.nowMs += 16 * 3_600_000;
    const renewed = await w.issuer.renew({
      certificateRequest: certificateRequest(generateKey()),
      identity: email,
      lineage: first.lineage,
    });
    assert.deepEqual([renewed.lineage, renewed.identity, renewed.keyId], [first.lineage, email, first.keyId]);
    assert.ok(renewed.notAfterMs > first.notAfterMs && renewed.serial !== first.serial);
    assert.equal(w.events.at(-1)?.event, 'certificate.renew');
    w.identities.revoke(email);
    assert.equal(w.issuer.certificate(renewed.serial), undefined);
    const again = { certificateRequest: certificateRequest(generateKey()), identity: email, lineage: first.lineage };
    assert.equal((await refusal(w.issuer.renew(again))).code, 'REVOKED');
    enrol(w);
    assert.equal((await refusal(w.issuer.renew(again))).code, 'REVOKED', 'created anew: the old lineage stays dead');
    assert.equal(w.issuer.certificate(first.serial), undefined);
  });

  test('only within the identity’s own lineage', async () => {
    using dir = temporaryDirectory();
    using w = world(dir.path);
    const mine = await w.issuer.issue(await attempt(w, enrol(w)));
    enrol(w, 'dc2@acme.example');
    for (const [identity, lineage] of [
      ['dc2@acme.example', mine.lineage],
      [email, 'none'],
      ['nobody@acme.example', mine.lineage],
    ] as const)
      assert.equal(
        (await refusal(w.issuer.renew({ certificateRequest: certificateRequest(generateKey()), identity, lineage })))
          .code,
        'REVOKED',
      );
  });
});

test('a revoked identity that proves itself is told so', async () => {
  using dir = temporaryDirectory();
  using w = world(dir.path);
  const credentials = enrol(w);
  w.identities.revoke(email);
  const error = await refusal(w.issuer.issue(await attempt(w, credentials)));
  assert.deepEqual([error.code, error.message], ['REVOKED', `the identity ${email} has been revoked`]);
  enrol(w);
  assert.equal(
    (await refusal(w.issuer.issue(await attempt(w, credentials)))).code,
    'UNKNOWN_KEY',
    'its old key stays ended',
  );
});

test('a workload token is bound to server and key by its audience, and used once', async () => {
  using dir = temporaryDirectory();
  const issuer = 'https://accounts.google.com';
  const verified: { email: string; audience: string; keyId: string; id: string; expiresMs: number } = {
    email,
    audience: '',
    keyId: 'g1',
    id: 't1',
    expiresMs: 0,
  };
  using w = world(dir.path, { workloadTokens: { issuer, verify: () => Promise.resolve(verified) } });
  const credentials = enrol(w);
  const { key, ...request } = await attempt(w, credentials, { claims: { iss: issuer } });
  verified.expiresMs = w.clock.now() + 3_600_000;
  verified.audience = `https://${serverName}/?key=${keyThumbprint(spkiOf(generateKey().publicKey))}`;
  assert.equal((await refusal(w.issuer.issue(request))).code, 'KEY_BINDING');
  verified.audience = `https://${serverName}/?key=${keyThumbprint(spkiOf(key.publicKey))}`;
  assert.equal((await w.issuer.issue(request)).identity, email);
  assert.equal((await refusal(w.issuer.issue(request))).code, 'REPLAYED');
  Object.assign(verified, { id: 't2', email: 'nobody@acme.example' });
  assert.equal((await refusal(w.issuer.issue(request))).code, 'UNKNOWN_IDENTITY');
  Object.assign(verified, { email, expiresMs: w.clock.now() });
  assert.equal((await refusal(w.issuer.issue(request))).code, 'TOKEN_EXPIRED');
});
