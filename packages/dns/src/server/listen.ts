/** UDP and TCP on one address and one port. */
import { PosternError } from '@postern/core/errors';
import type { ListenAddress } from '@postern/core';
import type { Respond, Transport } from '../resolver/resolver.ts';
import { listenTcp } from './tcp.ts';
import { type Listener, listenUdp } from './udp.ts';

/** With port 0 the system picks a free UDP port, whose TCP twin may be taken: then another. */
const portAttempts = 20;

export async function listenBoth(
  listen: ListenAddress,
  handle: (message: Buffer, transport: Transport, respond: Respond) => boolean,
): Promise<Listener> {
  for (let attempt = 1; ; attempt++) {
    const udp = await listenUdp(listen, (message, respond) => handle(message, 'udp', respond));
    try {
      const tcp = await listenTcp({ host: listen.host, port: udp.address.port }, (message, respond) =>
        handle(message, 'tcp', respond),
      );
      return {
        address: udp.address,
        close: async () => {
          await Promise.all([udp.close(), tcp.close()]);
        },
      };
    } catch (error) {
      await udp.close();
      const isTaken = error instanceof PosternError && error.code === 'PORT_BUSY';
      if (!isTaken || listen.port !== 0 || attempt === portAttempts) throw error;
    }
  }
}
