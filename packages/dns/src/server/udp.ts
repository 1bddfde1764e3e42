/** The listening UDP socket: a datagram in, a datagram out. */
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import type { ListenAddress } from '@postern/core';
import { translateListenError } from '@postern/daemon/listen-error';
import type { Respond } from '../resolver/resolver.ts';

/** Room for some thousand queries that arrive at once; the system caps it where it must. */
const receiveBufferBytes = 1 << 20;

/** False where no reply will come. */
export type Handle = (message: Buffer, respond: Respond) => boolean;

export interface Listener {
  readonly address: ListenAddress;
  /** Takes nothing new. */
  close(): Promise<void>;
}

export async function listenUdp(listen: ListenAddress, handle: Handle): Promise<Listener> {
  const isV6 = listen.host.includes(':');
  // Clients come as addresses: no look-up, and no wait for the next tick that the default one costs each reply.
  const lookup: SocketOptions['lookup'] = (host, _options, callback) => callback(null, host, isV6 ? 6 : 4);
  const socket: Socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', lookup });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => reject(translateListenError(error, listen, 'listen')));
    socket.bind({ address: listen.host, port: listen.port, exclusive: true }, resolve);
  });
  try {
    socket.setRecvBufferSize(receiveBufferBytes);
  } catch {
    // A smaller buffer loses packets earlier and nothing else.
  }
  // A reply that cannot be sent (the client's port is gone) concerns that client alone.
  socket.removeAllListeners('error').on('error', () => {});
  let open = true;
  socket.on('message', (message, from) => {
    // Port 0 cannot be answered.
    if (from.port === 0) return;
    handle(message, (reply) => {
      if (open) socket.send(reply, 0, reply.length, from.port, from.address);
      return open;
    });
  });
  const { port, address } = socket.address();
  return {
    address: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        if (!open) return resolve();
        open = false;
        socket.close(() => resolve());
      }),
  };
}
