/** Half-close in both orders and at once, with 100 MB after the peer's FIN; resets cross as resets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { eventually, need, run } from '@postern/testing';
import { drain, type Drained, open, pour, target } from './targets.ts';
import { TunnelWorld } from './world.ts';

const bytes = 100_000_000;

describe('half-close', () => {
  let world: TunnelWorld;
  before(async () => {
    world = await TunnelWorld.start();
  });
  after(() => world[Symbol.asyncDispose]());

  test('the caller ends first; 100 MB still come back', async () => {
    let sent = '';
    await using host = await target((socket) => {
      socket.resume();
      socket.once('end', () => {
        void pour(socket, bytes).then((hash) => {
          sent = hash;
          socket.end();
        });
      });
    });
    const socket = await open(world, host.port);
    socket.end('question');
    const got = await drain(socket);
    assert.deepEqual(got, { bytes, hash: sent });
    const closed = await world.audited('connection.close', (e) => e.destination?.endsWith(`:${host.port}`) === true);
    assert.equal(closed.bytesFromAgent, bytes);
    assert.equal(closed.bytesFromClient, 'question'.length);
  });

  test('the host ends first; 100 MB still go there', async () => {
    let arrived: Promise<Drained> | undefined;
    await using host = await target((socket) => {
      socket.end('greeting');
      arrived = drain(socket);
    });
    const socket = await open(world, host.port);
    const greeting = await drain(socket);
    assert.equal(greeting.bytes, 'greeting'.length);
    const hash = await pour(socket, bytes);
    socket.end();
    assert.deepEqual(await arrived, { bytes, hash });
  });

  test('both at once', async () => {
    let there: Promise<Drained> | undefined;
    let sentThere: Promise<string> | undefined;
    const both = async (socket: Socket): Promise<string> => {
      const hash = await pour(socket, bytes / 4);
      socket.end();
      return hash;
    };
    await using host = await target((socket) => {
      there = drain(socket);
      sentThere = both(socket);
    });
    const socket = await open(world, host.port);
    const [hash, here] = await Promise.all([both(socket), drain(socket)]);
    assert.deepEqual(await there, { bytes: bytes / 4, hash });
    assert.deepEqual(here, { bytes: bytes / 4, hash: await sentThere });
  });

  test('EOF arrives once, and neither side is told earlier than it was said', async () => {
    let ends = 0;
    await using host = await target((socket) => {
      socket.on('data', (chunk) => socket.write(chunk));
      socket.on('end', () => ends++);
    });
    const socket = await open(world, host.port);
    for (let i = 0; i < 50; i++) {
      socket.write(`${i}`);
      await once(socket, 'data');
      assert.equal(ends, 0);
    }
    socket.resume();
    socket.end();
    await eventually('the EOF', () => ends === 1);
    assert.equal(socket.readableEnded, false);
    for (const there of host.sockets) there.end();
    await once(socket, 'end');
    assert.equal(ends, 1);
  });

  test('a reset of the host is a reset for the caller', async () => {
    await using host = await target((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const socket = await open(world, host.port);
    socket.resume();
    socket.write('x');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });

  test('a reset of the caller is a reset for the host', async () => {
    let code: string | undefined;
    await using host = await target((socket) => {
      socket.resume();
      socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    });
    const socket = await open(world, host.port);
    socket.write('x');
    await eventually('it arrived', () => host.sockets.size === 1);
    socket.resetAndDestroy();
    await eventually('the reset', () => code === 'ECONNRESET');
  });

  test('nc -N', { skip: need('nc', 'sh') }, async () => {
    await using host = await target((socket) => {
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.once('end', () => socket.end(text.toUpperCase()));
    });
    const netcat = await run('sh', [
      '-c',
      `printf 'after the fin' | nc -N -X connect -x 127.0.0.1:${world.httpPort} host.corp.example ${host.port}`,
    ]);
    assert.equal(netcat.stdout, 'AFTER THE FIN', netcat.stderr);
  });

  test('connections that vanish leave nothing behind', async () => {
    await using host = await target((socket) => socket.pipe(socket));
    for (let i = 0; i < 20; i++) {
      const socket = await open(world, host.port);
      socket.write('x');
      await once(socket, 'data');
      if (i % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
    }
    // A caller that leaves while the dial is under way, too.
    for (let i = 0; i < 20; i++) {
      const socket = connect(world.httpPort, '127.0.0.1');
      socket.write(`CONNECT host.corp.example:${host.port} HTTP/1.1\r\nHost: x\r\n\r\n`, () => socket.destroy());
      socket.on('error', () => {});
    }
    await eventually('every target socket is closed', () => host.sockets.size === 0);
    await eventually('the server counts none', async () => {
      const status = await world.ok('tunnel', 'status', '--admin', String(world.server.ready['admin']), '-o', 'json');
      return (JSON.parse(status) as { connectionsTotal: number }).connectionsTotal === 0;
    });
  });
});
