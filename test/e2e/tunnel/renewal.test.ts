/** Certificates of a few seconds: a transfer outlives several of them whole; a peer that does not renew is ended with its certificate. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@postern/testing';
import { prove } from '../../conformance/tunnel-interop/identity.ts';
import { register } from '../../conformance/tunnel-interop/peer.ts';
import { drain, open, target } from './targets.ts';
import { steadyTransfer } from './steady.ts';
import { TunnelWorld } from './world.ts';

const lifetimeMs = 6000;

describe('renewal', () => {
  let world: TunnelWorld;
  before(async () => {
    world = await TunnelWorld.start({
      serverYaml: `certificates: {lifetime: ${lifetimeMs / 1000}s}`,
      identities: ['lazy@acme.example'],
    });
  });
  after(() => world[Symbol.asyncDispose]());

  const endpoint = () => ({ address: `localhost:${world.serverPort}`, roots: readFileSync(world.file('ca.pem')) });

  test('a transfer of four lifetimes is whole, and every renewal is audited', { timeout: 120_000 }, async () => {
    await steadyTransfer(world, 4 * lifetimeMs);
    const renewals = await world.audit('--event', 'certificate.renew');
    assert.ok(renewals.length >= 6, `${renewals.length} renewals`); // two peers, at least three times each
    const closed = await world.audited('connection.close');
    assert.ok(closed.ms! >= 3 * lifetimeMs);
  });

  test('a session that does not renew ends with its certificate, and the certificate is of no more use', async () => {
    const certificate = await prove(endpoint(), world.credentials('lazy@acme.example'), 'localhost');
    assert.ok(certificate.notAfterMs - Date.now() <= lifetimeMs + 1000);
    const session = await register(endpoint(), certificate, 'client');
    await session.ended;
    const lateMs = Date.now() - certificate.notAfterMs;
    assert.ok(lateMs > -1500 && lateMs < 2000, `ended ${lateMs} ms after the certificate`);
    session.close();
    await eventually('the certificate is over', () => Date.now() > certificate.notAfterMs + 100);
    await assert.rejects(register(endpoint(), certificate, 'client'));
    await world.audited('session.close', (e) => e.identity === 'lazy@acme.example');
  });

  test('a connection in the middle of many renewals keeps its half-close', async () => {
    await using host = await target((socket) => {
      void drain(socket).then(({ hash }) => socket.end(hash));
    });
    const socket = await open(world, host.port);
    const startMs = performance.now();
    const hash = createHash('sha256');
    while (performance.now() - startMs < 1.5 * lifetimeMs) {
      hash.update('tick');
      socket.write('tick');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    socket.end();
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    assert.equal(answer, hash.digest('hex'));
  });
});
