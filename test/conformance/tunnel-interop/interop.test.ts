/** Strangers to our code, written from the .proto on @grpc/grpc-js, work with the server: an agent, a client, and both. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { drain, open, pour, refused, target } from '../../e2e/tunnel/targets.ts';
import { agentEmail, clientEmail, TunnelWorld } from '../../e2e/tunnel/world.ts';
import { startAgent } from './agent.ts';
import { openConnection, RefusedError } from './client.ts';
import { prove } from './identity.ts';
import { register } from './peer.ts';
import { type Endpoint, options, tls, Tunnel } from './protocol.ts';

const otherAgent = 'interop-agent@acme.example';
const otherClient = 'interop-client@acme.example';

test('the strangers know nothing of the product', () => {
  for (const file of readdirSync(import.meta.dirname).filter((name) => !name.endsWith('.test.ts'))) {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!);
    for (const specifier of imported) {
      assert.doesNotMatch(specifier, /^@postern\/|packages\//, `${file} imports ${specifier}`);
      if (specifier.startsWith('.'))
        assert.match(specifier, /^\.\/[a-z-]+\.ts$/, `${file} reaches out to ${specifier}`);
    }
  }
});

describe('grpc-js peers', () => {
  let world: TunnelWorld;
  let endpoint: Endpoint;
  before(async () => {
    world = await TunnelWorld.start({
      identities: [otherAgent, otherClient],
      rules: `  - name: strangers
    clients: [${otherClient}, ${clientEmail}]
    agents: [${otherAgent}]
    destinations: ["*.interop.example:*"]
  - name: stranger-to-ours
    clients: [${otherClient}]
    agents: [${agentEmail}]
    destinations: ["*.corp.example:*"]
`,
    });
    endpoint = { address: `localhost:${world.serverPort}`, roots: readFileSync(world.file('ca.pem')) };
  });
  after(() => world[Symbol.asyncDispose]());

  const certificateFor = (email: string) => prove(endpoint, world.credentials(email), 'localhost');

  /** A loopback pair: what the test holds, and what the stranger carries. */
  async function socketPair(): Promise<[Socket, Socket]> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    const [far] = (await once(server, 'connection')) as [Socket];
    server.close();
    near.on('error', () => {});
    far.on('error', () => {});
    return [near, far];
  }

  const bytes = 20_000_000;

  test('our client reaches a host through the stranger agent, both ways, half-close kept', async () => {
    const agent = await startAgent(endpoint, await certificateFor(otherAgent), (name) => !name.startsWith('denied.'));
    let sent = '';
    let received = '';
    await using host = await target((socket) => {
      void drain(socket).then(async ({ hash }) => {
        received = hash;
        sent = await pour(socket, bytes);
        socket.end();
      });
    });
    const socket = await open(world, host.port, 'host.interop.example');
    const hash = await pour(socket, bytes);
    socket.end();
    const got = await drain(socket);
    assert.equal(received, hash);
    assert.deepEqual(got, { bytes, hash: sent });
    assert.deepEqual(agent.served, [clientEmail]);
    const denied = await refused(world, `denied.interop.example:${host.port}`);
    assert.equal(denied.status, 403);
    assert.match(denied.body, /^DENIED_BY_AGENT /);
    const closed = await world.audited('connection.close', (e) => e.agent === otherAgent);
    assert.equal(closed.bytesFromAgent, bytes);
    agent.close();
  });

  test('the stranger client reaches a host through our agent, the host ending first', async () => {
    const session = await register(endpoint, await certificateFor(otherClient), 'client');
    let arrived: ReturnType<typeof drain> | undefined;
    await using host = await target((socket) => {
      socket.end('greeting');
      arrived = drain(socket);
    });
    const opened = await openConnection(session, `host.corp.example:${host.port}`);
    assert.equal(opened.resolvedAddress, `127.0.0.1:${host.port}`);
    assert.match(opened.connectionId, /^[0-9a-f-]{36}$/);
    const [near, far] = await socketPair();
    const done = opened.carry(far);
    assert.equal((await drain(near)).bytes, 'greeting'.length);
    const hash = await pour(near, bytes);
    near.end();
    assert.deepEqual(await arrived, { bytes, hash });
    assert.deepEqual(await done, {});
    session.close();
  });

  test('both strangers, and what they are told when it fails', async () => {
    const agent = await startAgent(endpoint, await certificateFor(otherAgent), () => true);
    const session = await register(endpoint, await certificateFor(otherClient), 'client');
    await using host = await target((socket) => socket.pipe(socket));
    const opened = await openConnection(session, `host.interop.example:${host.port}`);
    const [near, far] = await socketPair();
    const done = opened.carry(far);
    const [hash, back] = await Promise.all([pour(near, bytes).finally(() => near.end()), drain(near)]);
    assert.deepEqual(back, { bytes, hash });
    assert.deepEqual(await done, {});
    for (const [name, code] of [
      ['elsewhere.example:443', 'RESET_CODE_DENIED'],
      ['unknown.corp.example:4430', 'RESET_CODE_NAME_UNKNOWN'],
    ] as const)
      await assert.rejects(
        openConnection(session, name),
        (error) => error instanceof RefusedError && error.code === code,
      );
    await assert.rejects(openConnection(session, 'nonsense'), /3 INVALID_ARGUMENT/);
    session.close();
    agent.close();
  });

  test('a client may not accept, a peer without a certificate may not do anything', async () => {
    const session = await register(endpoint, await certificateFor(otherClient), 'client');
    const [error] = (await once(session.stub.Accept(), 'error')) as [Error];
    assert.match(error.message, /7 PERMISSION_DENIED/);
    session.close();
    const nobody = new Tunnel(endpoint.address, tls(endpoint), options());
    const [refusal] = (await once(nobody.Register(), 'error')) as [Error];
    assert.match(refusal.message, /16 UNAUTHENTICATED/);
    nobody.close();
  });

  test('the drain of a server is announced before it goes', async () => {
    const session = await register(endpoint, await certificateFor(otherClient), 'client');
    const drained = new Promise<boolean>((resolve) =>
      session.control.on('data', (message) => message.message === 'drain' && resolve(true)),
    );
    const stopped = world.server.process.stop();
    assert.ok(await drained);
    await session.ended;
    session.close();
    assert.equal((await stopped).code, 0);
  });
});
