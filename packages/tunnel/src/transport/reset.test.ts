/** A reset closes the descriptor whatever the socket was doing; the kernel's own table is the witness. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { eventually } from '@postern/testing';
import { resetSocket } from './reset.ts';

/** A connected pair on loopback; the far end neither reads nor ends. */
async function pair(): Promise<{ near: Socket; far: Socket } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  near.on('error', () => {});
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown];
  far.on('error', () => {});
  return {
    near,
    far,
    [Symbol.asyncDispose]: async () => {
      near.destroy();
      far.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

const moments: Readonly<Record<string, (socket: Socket) => Promise<void>>> = {
  'while nothing happens': async () => {},
  'in the turn in which it ended': async (socket) => void socket.end(),
  'while its FIN is under way': async (socket) => {
    socket.end();
    // end() hands the shutdown to libuv in the next tick; libuv does it in the next turn.
    await new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)));
  },
  'after its FIN': async (socket) => {
    socket.end();
    await once(socket, 'finish');
  },
  'with more written than the kernel takes': async (socket) => {
    socket.write(Buffer.alloc(64 * 2 ** 20));
    socket.end();
  },
};

for (const [moment, reach] of Object.entries(moments))
  test(`a reset ${moment} closes the descriptor`, async () => {
    await using both = await pair();
    const before = sockets();
    await reach(both.near);
    resetSocket(both.near);
    await eventually('one descriptor less', () => sockets() < before);
  });
