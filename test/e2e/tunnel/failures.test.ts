/** Things break: an agent is killed, the server restarts, somebody comes with the wrong certificate or a bad token. */
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@postern/testing';
import {
  type Claims,
  claimsFor,
  issue,
  newKey,
  prove,
  serviceAccount,
  signProof,
} from '../../conformance/tunnel-interop/identity.ts';
import { register } from '../../conformance/tunnel-interop/peer.ts';
import type { Endpoint } from '../../conformance/tunnel-interop/protocol.ts';
import { busy, chatter } from './busy.ts';
import { foreignCertificate } from './foreign.ts';
import { connectVia, open, refused, type Target } from './targets.ts';
import { agentEmail, clientEmail, TunnelWorld } from './world.ts';

describe('failures', () => {
  let world: TunnelWorld;
  let host: Target;
  before(async () => {
    world = await TunnelWorld.start({
      identities: ['eve@acme.example'],
      serverYaml: 'drainTimeout: 1s',
      agentYaml: 'drainTimeout: 1s',
    });
    host = await chatter();
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
  });

  const endpoint = (): Endpoint => ({
    address: `localhost:${world.serverPort}`,
    roots: readFileSync(world.file('ca.pem')),
  });

  test('an agent killed in the middle of a transfer: the caller is told, another agent takes the next', async () => {
    const connection = await busy(world.httpPort, `host.corp.example:${host.port}`);
    const spare = await world.startAgent('spare');
    await world.connected(spare);
    const second = await busy(world.httpPort, `host.corp.example:${host.port}`);
    await world.agent.process.stop('SIGKILL');
    // Agents are chosen at random: one or both connections were its own.
    await eventually(
      'what it carried has ended',
      async () => (await world.audit('--event', 'connection.close')).length > 0 || host.sockets.size < 2,
    );
    (await open(world, host.port)).destroy();
    await spare.process.stop('SIGKILL');
    await Promise.all([connection.ended, second.ended]);
    assert.equal((await refused(world, `host.corp.example:${host.port}`)).status, 503);
    world.agent = await world.startAgent();
    await world.connected(world.agent);
    (await open(world, host.port)).destroy();
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const)
    test(`the server restarts (${signal}): both peers come back by themselves`, { timeout: 90_000 }, async () => {
      const connection = await busy(world.httpPort, `host.corp.example:${host.port}`);
      await world.restartServer(signal);
      await connection.ended;
      await eventually('a new connection goes through', async () => {
        const socket = await connectVia(world.httpPort, `host.corp.example:${host.port}`);
        if (!('write' in socket)) return false;
        socket.destroy();
        return true;
      });
      await world.ok('tunnel', 'audit', 'verify', '--dir', world.dir);
    });

  test('a certificate of another authority opens no session, whatever it says', async () => {
    const foreign = await foreignCertificate(clientEmail);
    await assert.rejects(register(endpoint(), foreign, 'client'));
    await world.audited('session.refuse');
  });

  test('a server that the given roots did not sign is not trusted', async () => {
    world.write('other-ca.pem', (await foreignCertificate('x@acme.example')).chainPem);
    world.write(
      'stray.yaml',
      `${world.peerYaml('TunnelAgent', 'eve@acme.example').replace('./ca.pem', './other-ca.pem')}allow: []\n`,
    );
    const stray = world.spawn('tunnel', 'agent', '--config', world.file('stray.yaml'));
    await stray.line(/cannot connect: .*(certificate|trust|CA)/i);
    await stray.stop();
  });

  describe('proofs', () => {
    const hour = 3600;
    type Change = (claims: Claims) => Claims;
    const bad: ReadonlyArray<readonly [name: string, change: Change, header?: Claims]> = [
      ['for another server', (c) => ({ ...c, aud: 'https://other.example/' })],
      ['with a list of audiences', (c) => ({ ...c, aud: ['https://localhost/', 'https://other.example/'] })],
      ['without an audience', ({ aud: _aud, ...c }) => c],
      ['for another key', (c) => ({ ...c, cnf: { jkt: 'A'.repeat(43) } })],
      ['for no key', ({ cnf: _cnf, ...c }) => c],
      ['of another identity', (c) => ({ ...c, iss: agentEmail, sub: agentEmail })],
      ['whose issuer and subject differ', (c) => ({ ...c, sub: agentEmail })],
      ['expired', (c) => ({ ...c, iat: Number(c['iat']) - hour, exp: Number(c['exp']) - hour })],
      ['of the future', (c) => ({ ...c, iat: Number(c['iat']) + hour, exp: Number(c['exp']) + hour })],
      ['that lives too long', (c) => ({ ...c, exp: Number(c['iat']) + hour })],
      ['without an end', ({ exp: _exp, ...c }) => c],
      ['without an id', ({ jti: _jti, ...c }) => c],
      ['with times that are no numbers', (c) => ({ ...c, exp: '9999999999' })],
      ['with an unknown key id', (c) => c, { kid: 'unknown' }],
      ['that says alg none', (c) => c, { alg: 'none' }],
      ['with a critical header nobody knows', (c) => c, { crit: ['x'], x: 1 }],
    ];
    for (const [name, change, header = {}] of bad)
      test(`a proof ${name} is refused`, async () => {
        const account = serviceAccount(world.credentials('eve@acme.example'));
        const key = await newKey();
        const proof = signProof(account, change(claimsFor(account, key, 'localhost')), header);
        await assert.rejects(issue(endpoint(), key, proof), /16 UNAUTHENTICATED/);
      });

    test('a replayed proof is refused, a fresh one of the same peer is not', async () => {
      const account = serviceAccount(world.credentials('eve@acme.example'));
      const key = await newKey();
      const proof = signProof(account, claimsFor(account, key, 'localhost'));
      await issue(endpoint(), key, proof);
      await assert.rejects(issue(endpoint(), key, proof), /16 UNAUTHENTICATED/);
      await prove(endpoint(), world.credentials('eve@acme.example'), 'localhost');
    });

    test('a proof signed by a stranger with the right key id is refused', async () => {
      const account = serviceAccount(world.credentials('eve@acme.example'));
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const forged = { ...account, private_key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
      const key = await newKey();
      await assert.rejects(
        issue(endpoint(), key, signProof(forged, claimsFor(account, key, 'localhost'))),
        /16 UNAUTHENTICATED/,
      );
    });

    test('a proof "signed" with the public key as an HMAC secret is refused', async () => {
      const account = serviceAccount(world.credentials('eve@acme.example'));
      const key = await newKey();
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const input = `${part({ alg: 'HS256', kid: account.private_key_id })}.${part(claimsFor(account, key, 'localhost'))}`;
      const secret = createPublicKey(account.private_key).export({ format: 'pem', type: 'spki' });
      const proof = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
      await assert.rejects(issue(endpoint(), key, proof), /16 UNAUTHENTICATED/);
    });

    test('every refusal is audited', async () => {
      const refusals = await world.audit('--event', 'certificate.refuse');
      assert.ok(refusals.length >= bad.length, `${refusals.length} records`);
      assert.ok(refusals.every((entry) => entry.reason !== undefined));
    });
  });

  test('an agent that starts before its server waits for it', { timeout: 120_000 }, async (t) => {
    const port = world.serverPort;
    const startedMs = performance.now();
    await world.server.process.stop();
    t.diagnostic(`the server drained in ${(performance.now() - startedMs).toFixed(0)} ms`);
    await world.agent.process.stop();
    t.diagnostic(`both in ${(performance.now() - startedMs).toFixed(0)} ms`);
    // The agent's file still names the port the server had; nothing listens there now.
    const early = world.spawn('tunnel', 'agent', '--config', world.file('agent.yaml'));
    await early.line(/cannot connect/);
    world.write(
      'server.yaml',
      readFileSync(world.file('server.yaml'), 'utf8').replace(/^listen: .*$/m, `listen: 127.0.0.1:${port}`),
    );
    world.server = await world.startServer();
    await early.line(/"message":"ready"/, 60_000); // it waits up to 15 s between attempts
    assert.equal((await early.stop()).code, 0);
  });
});

test('nothing listens before the audit log and the policy are sound', async () => {
  await using world = await TunnelWorld.prepare();
  world.write('policy.yaml', 'apiVersion: postern.dev/v1\nkind: TunnelPolicy\nrules: [{name: x}]\n');
  await using server = (await import('@postern/testing')).startPostern([
    'tunnel',
    'server',
    '--config',
    world.file('server.yaml'),
  ]);
  const { code, stderr } = await server.finished;
  assert.equal(code, 2, stderr);
  assert.match(stderr, /policy\.yaml:3:\d+: rules\[0\]/);
  assert.doesNotMatch(stderr, /"message":"ready"/);
});
