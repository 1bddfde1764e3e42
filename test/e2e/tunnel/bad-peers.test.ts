/** Peers that send garbage, stall or exaggerate: a bounded amount of memory, and only their own connection. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as http2Connect } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { prove } from '../../conformance/tunnel-interop/identity.ts';
import type { Certificate } from '../../conformance/tunnel-interop/protocol.ts';
import { busy, chatter } from './busy.ts';
import type { Target } from './targets.ts';
import { clientEmail, TunnelWorld } from './world.ts';

describe('bad peers', () => {
  let world: TunnelWorld;
  let host: Target;
  let ca: Buffer;
  let certificate: Certificate;
  let bystander: Awaited<ReturnType<typeof busy>>;
  let residentBefore = 0;

  const resident = (): number => {
    if (process.platform !== 'linux') return 0;
    const status = readFileSync(`/proc/${world.server.process.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
  };

  before(async () => {
    world = await TunnelWorld.start();
    host = await chatter();
    ca = readFileSync(world.file('ca.pem'));
    certificate = await prove(
      { address: `localhost:${world.serverPort}`, roots: ca },
      world.credentials(clientEmail),
      'localhost',
    );
    bystander = await busy(world.httpPort, `host.corp.example:${host.port}`);
    residentBefore = resident();
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
  });

  function dial(): Socket {
    const socket = connect(world.serverPort, '127.0.0.1');
    socket.on('error', () => {});
    return socket;
  }

  function http2(session?: Certificate): ClientHttp2Session {
    const client = http2Connect(`https://localhost:${world.serverPort}`, {
      ca,
      ...(session === undefined ? {} : { cert: session.chainPem, key: session.keyPem }),
    });
    client.on('error', () => {});
    return client;
  }

  /** Sends bytes as the body of a call; resolves with its gRPC status, or "closed" when it was just ended. */
  async function call(client: ClientHttp2Session, path: string, body: Buffer, headers = {}): Promise<string> {
    const stream = client.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let status = 'closed';
    const note = (h: object): void => {
      const value = (h as Record<string, unknown>)['grpc-status'];
      if (typeof value === 'string') status = value;
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('error', () => {});
    stream.resume();
    stream.write(body);
    await Promise.race([once(stream, 'close'), once(client, 'close')]).catch(() => {});
    return status;
  }

  const grpc = (length: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, body]);
  };

  test('garbage instead of TLS', async () => {
    const sockets = Array.from({ length: 50 }, dial);
    for (const socket of sockets) {
      socket.resume();
      socket.write(randomBytes(4096));
    }
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
  });

  test('garbage instead of HTTP/2', async () => {
    const sockets = Array.from({ length: 10 }, () => {
      const socket = tlsConnect({
        port: world.serverPort,
        host: '127.0.0.1',
        servername: 'localhost',
        ca,
        ALPNProtocols: ['h2'],
      });
      socket.on('error', () => {});
      socket.resume();
      socket.once('secureConnect', () => socket.write(randomBytes(4096)));
      return socket;
    });
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
  });

  test('a handshake that stalls is ended, and holds up nobody', { timeout: 30_000 }, async () => {
    const startedMs = performance.now();
    const sockets = Array.from({ length: 20 }, dial);
    for (const socket of sockets) socket.resume();
    // The next peer gets through at once.
    await prove({ address: `localhost:${world.serverPort}`, roots: ca }, world.credentials(clientEmail), 'localhost');
    assert.ok(performance.now() - startedMs < 4000);
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
    assert.ok(performance.now() - startedMs < 10_000);
  });

  test('an Issue request above 16 KiB', async () => {
    const client = http2();
    const status = await call(client, '/postern.tunnel.v1.Identity/Issue', grpc(20_000, Buffer.alloc(20_000)));
    assert.notEqual(status, '0');
    client.destroy();
  });

  test('an Issue request that never comes whole is dropped within 5 s', { timeout: 20_000 }, async () => {
    const client = http2();
    const startedMs = performance.now();
    const status = await call(client, '/postern.tunnel.v1.Identity/Issue', grpc(1000, Buffer.alloc(10)));
    assert.notEqual(status, '0');
    assert.ok(performance.now() - startedMs < 8000);
    client.destroy();
  });

  test('anything but Issue without a certificate', async () => {
    const client = http2();
    for (const path of [
      '/postern.tunnel.v1.Tunnel/Connect',
      '/postern.tunnel.v1.Tunnel/Register',
      '/postern.tunnel.v1.Identity/Renew',
    ])
      assert.equal(await call(client, path, grpc(0, Buffer.alloc(0))), '16', path);
    client.destroy();
  });

  test('a frame that says it is 2 MiB, or is no protobuf at all', async () => {
    const connection = { 'postern-target': `host.corp.example:${host.port}` };
    for (const body of [
      grpc(2 * 2 ** 20, Buffer.alloc(100)),
      grpc(8, randomBytes(8).fill(0xff)),
      Buffer.from([9, 0, 0, 0, 1, 1]), // an unknown compression flag
    ]) {
      const client = http2(certificate);
      const register = client.request({
        ':method': 'POST',
        ':path': '/postern.tunnel.v1.Tunnel/Register',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      register.on('error', () => {});
      register.resume();
      await call(client, '/postern.tunnel.v1.Tunnel/Connect', body, connection);
      client.destroy();
    }
  });

  test('headers beyond any reason', async () => {
    const client = http2(certificate);
    await call(client, '/postern.tunnel.v1.Tunnel/Connect', Buffer.alloc(0), { 'x-padding': 'x'.repeat(60_000) });
    client.destroy();
  });

  test('a rapid reset', async () => {
    const client = http2(certificate);
    const closed = once(client, 'close').catch(() => {});
    for (let i = 0; i < 3000 && !client.destroyed; i++) {
      const stream = client.request({
        ':method': 'POST',
        ':path': '/postern.tunnel.v1.Tunnel/Connect',
        'content-type': 'application/grpc',
        te: 'trailers',
        'postern-target': 'nowhere.example:1',
      });
      stream.on('error', () => {});
      stream.close(8);
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000))]);
    client.destroy();
  });

  test('after all that the bystander has lost nothing, and the server is as small as before', async (t) => {
    const before = bystander.lastByteMs();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(bystander.lastByteMs() > before);
    const grownMiB = (resident() - residentBefore) / 2 ** 20;
    t.diagnostic(`the server grew by ${grownMiB.toFixed(0)} MiB`);
    assert.ok(grownMiB < 96);
    assert.equal(world.server.process.child.exitCode, null);
    assert.doesNotMatch(world.server.process.stderr, /internal error|uncaught/i);
  });
});
