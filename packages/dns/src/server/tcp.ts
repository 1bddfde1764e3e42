/** The listening TCP socket (RFC 7766): several questions on a connection, answered in any order, within limits. */
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '@postern/core';
import { translateListenError } from '@postern/daemon/listen-error';
import { FrameReader, frameOf } from '../codec/frame.ts';
import type { Handle, Listener } from './udp.ts';

/** A pod holds a handful; beyond this somebody collects them. */
const connectionsMax = 512;
/** RFC 7766 section 6.2.3 asks for seconds: a question every now and then keeps a connection, silence does not. */
const idleMs = 10_000;
/** Unanswered questions on one connection; more wait in the kernel's buffer. */
const openQuestionsMax = 100;
/** A client that asks and does not read: past this its connection ends. */
const unreadBytesMax = 1 << 20;

export async function listenTcp(listen: ListenAddress, handle: Handle): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, handle);
  });
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(translateListenError(error, listen, 'listen')));
    server.listen({ host: listen.host, port: listen.port, ipv6Only: false }, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function serve(socket: Socket, handle: Handle): void {
  const frames = new FrameReader();
  let open = 0;
  let ended = false;
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('end', () => {
    ended = true;
    if (open === 0) socket.end();
  });
  socket.on('data', (chunk) => {
    for (const message of frames.push(chunk)) {
      open++;
      let answered = false;
      handle(message, (reply) => {
        if (socket.destroyed) return false;
        socket.write(frameOf(reply));
        if (socket.writableLength > unreadBytesMax) socket.destroy();
        // A transfer answers one question with many messages.
        if (!answered) {
          answered = true;
          open--;
          if (open < openQuestionsMax && socket.isPaused()) socket.resume();
          if (ended && open === 0) socket.end();
        }
        return !socket.destroyed;
      });
    }
    if (open >= openQuestionsMax) socket.pause();
  });
}
