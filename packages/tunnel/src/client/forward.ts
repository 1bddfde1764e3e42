import { createServer, type Server } from 'node:net';
import type { Host } from '@postern/core';
import { resetSocket } from '../transport/index.ts';
import type { Proxy } from './proxy.ts';

/** A static forward: every connection goes to one destination. A refused one is reset: never accepted and then silent. */
export function createForward(proxy: Proxy, to: { readonly host: Host; readonly port: number }): Server {
  return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    void proxy.serve('forward', socket, to.host, to.port, {
      accept: () => {},
      refuse: () => resetSocket(socket),
    });
  });
}
