/** The listening TCP socket (RFC 7766): several questions on a connection, answered in any order, within limits. */
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '@postern/core';
import { translateListenError } from '@postern/daemon/listen-error';
import { FrameReader, frameOf } from '../codec/frame.ts';
import type { Handle, Listener } from './udp.ts';

/** A pod holds a handful; beyond this somebody collects them, and the one that has been silent longest makes room. */
const connectionsMax = 512;
/** RFC 7766 section 6.2.3 asks for seconds: a question every now and then keeps a connection, silence does not. */
const idleMs = 10_000;
/** Unanswered questions on one connection; more wait in the kernel's buffer. */
const openQuestionsMax = 100;
/** A client that asks and does not read: past this its connection ends. */
const unreadBytesMax = 1 << 20;

export async function listenTcp(listen: ListenAddress, handle: Handle): Promise<Listener> {
  /** In the order in which they last asked. */
  const connections = new Set<Connection>();
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    if (connections.size >= connectionsMax) {
      const idle = [...connections].find((connection) => connection.open === 0);
      if (idle === undefined) return void socket.destroy();
      connections.delete(idle);
      idle.socket.destroy();
    }
    const connection = new Connection(socket, handle, () => {
      connections.delete(connection);
      connections.add(connection);
    });
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(translateListenError(error, listen, 'listen')));
    server.listen({ host: listen.host, port: listen.port, ipv6Only: false }, resolve);
  });
  // A connection that cannot be accepted (no descriptor left) concerns its client alone.
  server.removeAllListeners('error').on('error', () => {});
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const { socket } of connections) socket.destroy();
      }),
  };
}

class Connection {
  readonly socket: Socket;
  /** Questions without an answer yet. */
  open = 0;
  readonly #handle: Handle;
  readonly #onQuestion: () => void;
  readonly #frames = new FrameReader();
  #ended = false;

  constructor(socket: Socket, handle: Handle, onQuestion: () => void) {
    this.socket = socket;
    this.#handle = handle;
    this.#onQuestion = onQuestion;
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('end', () => {
      this.#ended = true;
      if (this.open === 0) socket.end();
    });
  }

  #read(chunk: Buffer): void {
    for (const message of this.#frames.push(chunk)) {
      this.open++;
      this.#onQuestion();
      let answered = false;
      const expected = this.#handle(message, (reply) => {
        const sent = this.#send(reply);
        // A transfer answers one question with many messages.
        if (!answered) {
          answered = true;
          this.#settle();
        }
        return sent;
      });
      // Whoever sends what is no question would otherwise wait for its answer, and hold the connection.
      if (!expected) return void this.socket.destroy();
    }
    if (this.open >= openQuestionsMax) this.socket.pause();
  }

  #send(reply: Buffer): boolean {
    if (this.socket.destroyed) return false;
    this.socket.write(frameOf(reply));
    if (this.socket.writableLength > unreadBytesMax) this.socket.destroy();
    return !this.socket.destroyed;
  }

  #settle(): void {
    this.open--;
    if (this.socket.destroyed) return;
    if (this.open < openQuestionsMax && this.socket.isPaused()) this.socket.resume();
    if (this.#ended && this.open === 0) this.socket.end();
  }
}
