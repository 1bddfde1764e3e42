/**
 * The published protocol as @grpc/grpc-js sees it. Nothing in this folder imports the product's code: an agent and a client must be
 * writable from proto/postern/tunnel/v1/tunnel.proto and its comments alone.
 */
import { join } from 'node:path';
import {
  type ChannelOptions,
  type ClientDuplexStream,
  type ClientOptions,
  credentials,
  loadPackageDefinition,
  type Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export const protoFile = join(import.meta.dirname, '../../../proto/postern/tunnel/v1/tunnel.proto');

export interface Frame {
  readonly frame?: 'data' | 'opened' | 'fin' | 'reset';
  readonly data?: Buffer;
  readonly opened?: { readonly resolved_address: string };
  readonly fin?: object;
  readonly reset?: { readonly code: string; readonly message: string };
}

export interface PeerMessage {
  readonly hello?: { role: string; instance: string; version: string };
  readonly ping?: { id: string };
  readonly pong?: { id: string };
  readonly drain?: { within_ms: number };
  readonly pause?: { reason: string };
}

export interface ServerMessage {
  readonly message?: 'welcome' | 'ping' | 'pong' | 'drain';
  readonly welcome?: { readonly session: string; readonly parked_accepts: number };
  readonly ping?: { readonly id: string };
  readonly drain?: { readonly within_ms: number };
}

export interface IssueRequest {
  readonly certificate_request: Buffer;
  readonly proof?: string;
}

export interface IssueResponse {
  readonly certificate_chain: readonly Buffer[];
  readonly not_after_seconds: string;
  readonly server_time_ms: string;
}

type Unary = (
  request: IssueRequest,
  options: { deadline: number },
  done: (error: ServiceError | null, response?: IssueResponse) => void,
) => void;

export interface IdentityClient {
  Issue: Unary;
  Renew: Unary;
  close(): void;
}

export interface TunnelClient {
  Connect(metadata: Metadata): ClientDuplexStream<Frame, Frame>;
  Accept(): ClientDuplexStream<Frame, Frame>;
  Register(): ClientDuplexStream<PeerMessage, ServerMessage>;
  close(): void;
}

type Constructor<T> = new (address: string, tls: ReturnType<typeof credentials.createSsl>, options: ClientOptions) => T;

const loaded = loadPackageDefinition(
  loadSync(protoFile, { keepCase: true, longs: String, enums: String, defaults: false, oneofs: true }),
) as unknown as {
  postern: { tunnel: { v1: { Identity: Constructor<IdentityClient>; Tunnel: Constructor<TunnelClient> } } };
};

export const { Identity, Tunnel } = loaded.postern.tunnel.v1;

export interface Endpoint {
  readonly address: string;
  /** PEM roots, given out of band. */
  readonly roots: Buffer;
}

/** A certificate with its key: what makes a TLS connection a session. */
export interface Certificate {
  readonly chainPem: string;
  readonly keyPem: string;
  readonly notAfterMs: number;
}

/** Every stub a connection of its own: a session is one TLS connection. Retries would repeat a call that may have dialled. */
export function options(): ChannelOptions {
  return {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc-node.flow_control_window': 4 * 2 ** 20,
  };
}

export function tls({ roots }: Endpoint, certificate?: Certificate): ReturnType<typeof credentials.createSsl> {
  if (certificate === undefined) return credentials.createSsl(roots);
  return credentials.createSsl(roots, Buffer.from(certificate.keyPem), Buffer.from(certificate.chainPem));
}
