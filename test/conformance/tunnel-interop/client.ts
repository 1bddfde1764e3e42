/** A client on grpc-js: opens connections to a destination and carries a local socket over them. */
import type { Socket } from 'node:net';
import { Metadata } from '@grpc/grpc-js';
import { carry } from './carry.ts';
import type { PeerSession } from './peer.ts';
import type { Frame } from './protocol.ts';

export interface Opened {
  readonly connectionId: string;
  readonly resolvedAddress: string;
  /** Carries the socket to its end. */
  carry(socket: Socket): Promise<{ reset?: string }>;
}

/** What the server or the agent said instead of Opened. */
export class RefusedError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code} ${message}`);
    this.code = code;
  }
}

export function openConnection(session: PeerSession, target: string): Promise<Opened> {
  const metadata = new Metadata();
  metadata.set('postern-target', target);
  const call = session.stub.Connect(metadata);
  return new Promise((resolve, reject) => {
    let connectionId = '';
    call.once('metadata', (answer: Metadata) => (connectionId = String(answer.get('postern-connection-id')[0] ?? '')));
    call.once('error', reject);
    const onFrame = (frame: Frame): void => {
      call.off('data', onFrame);
      call.off('error', reject);
      call.pause();
      if (frame.frame === 'opened')
        return resolve({
          connectionId,
          resolvedAddress: frame.opened!.resolved_address,
          carry: (socket) => {
            const done = carry(socket, call);
            call.resume();
            return done;
          },
        });
      call.on('error', () => {});
      call.end();
      call.resume();
      reject(new RefusedError(frame.reset?.code ?? 'no reset', frame.reset?.message ?? ''));
    };
    call.on('data', onFrame);
  });
}
