/** An agent on grpc-js: parks Accept calls, dials what it is asked for if its own list has it, carries. */
import { connect } from 'node:net';
import type { Metadata } from '@grpc/grpc-js';
import { carry } from './carry.ts';
import { type PeerSession, register } from './peer.ts';
import type { Certificate, Endpoint } from './protocol.ts';

export interface InteropAgent {
  readonly session: PeerSession;
  /** Identities of the clients it served, in order. */
  readonly served: readonly string[];
  close(): void;
}

/** A handful is enough for a test; the server says how many it would like. */
const parkedMax = 8;

export async function startAgent(
  endpoint: Endpoint,
  certificate: Certificate,
  allowed: (target: string) => boolean,
): Promise<InteropAgent> {
  const session = await register(endpoint, certificate, 'agent');
  const served: string[] = [];
  let closed = false;
  const park = (): void => {
    if (closed) return;
    const call = session.stub.Accept();
    call.on('error', () => {});
    call.once('metadata', (metadata: Metadata) => {
      const target = String(metadata.get('postern-target')[0] ?? '');
      if (target === '') return;
      served.push(String(metadata.get('postern-client')[0]));
      park();
      if (!allowed(target)) {
        call.write({ reset: { code: 'RESET_CODE_DENIED_BY_AGENT', message: `${target} is not on the list` } });
        call.end();
        return;
      }
      const [, port] = /:(\d+)$/.exec(target)!;
      const socket = connect({ host: '127.0.0.1', port: Number(port), allowHalfOpen: true, noDelay: true });
      socket.once('error', () => {
        if (!socket.connecting && !socket.pending) return;
        call.write({ reset: { code: 'RESET_CODE_REFUSED', message: `${target} refused` } });
        call.end();
      });
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        call.write({ opened: { resolved_address: `127.0.0.1:${port}` } });
        void carry(socket, call);
      });
    });
  };
  for (let i = 0; i < Math.min(parkedMax, session.parkedAccepts); i++) park();
  return {
    session,
    served,
    close: () => {
      closed = true;
      session.close();
    },
  };
}
