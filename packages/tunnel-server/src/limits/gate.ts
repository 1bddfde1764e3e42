import type { Socket } from 'node:net';

/** Handshakes under way in all: each costs about 100 KiB and 1 ms of CPU. */
const handshakesMax = 256;

/** Bounds TLS handshakes under way: a flood of half-open ones is turned away and those inside are not harmed. */
export class Gate {
  readonly #inside = new Set<string>();

  /** False: turn it away. */
  enter(socket: Socket): boolean {
    const key = keyOf(socket);
    if (this.#inside.size >= handshakesMax) return false;
    this.#inside.add(key);
    socket.once('close', () => this.#inside.delete(key));
    return true;
  }

  /** The handshake is done. The TLS socket is another object than the TCP socket that entered; the address is the same. */
  through(socket: Socket): void {
    this.#inside.delete(keyOf(socket));
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
