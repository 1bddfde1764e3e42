/** A peer's session: the control call that comes first, pings, welcome. */
import { randomUUID } from 'node:crypto';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  type Certificate,
  type Endpoint,
  options,
  type PeerMessage,
  type ServerMessage,
  tls,
  Tunnel,
  type TunnelClient,
} from './protocol.ts';

export interface PeerSession {
  readonly stub: TunnelClient;
  readonly session: string;
  readonly parkedAccepts: number;
  readonly control: ClientDuplexStream<PeerMessage, ServerMessage>;
  /** Resolves with the words of the end when the server ends the session. */
  readonly ended: Promise<string>;
  close(): void;
}

export async function register(
  endpoint: Endpoint,
  certificate: Certificate,
  role: 'agent' | 'client',
): Promise<PeerSession> {
  const stub = new Tunnel(endpoint.address, tls(endpoint, certificate), options());
  const control = stub.Register();
  control.write({ hello: { role, instance: randomUUID(), version: 'interop' } });
  const ended = new Promise<string>((resolve) => {
    control.once('error', (error) => resolve(error.message));
    control.once('end', () => resolve('end'));
  });
  const welcome = await new Promise<NonNullable<ServerMessage['welcome']>>((resolve, reject) => {
    control.on('data', (message: ServerMessage) => {
      if (message.message === 'welcome') resolve(message.welcome!);
      if (message.message === 'ping') control.write({ pong: { id: message.ping!.id } });
    });
    control.once('error', reject);
  });
  return {
    stub,
    session: welcome.session,
    parkedAccepts: welcome.parked_accepts,
    control,
    ended,
    close: () => {
      control.cancel();
      stub.close();
    },
  };
}
