import type { ClientSessionOptions, Http2Session, SecureServerOptions } from 'node:http2';
import { constants as crypto } from 'node:crypto';
import { firstWindowBytes, type MemoryBudget } from './budget.ts';

const MiB = 2 ** 20;

/**
 * The connection window. Node credits it as bytes arrive, whatever a stream's reader does, so it only has to exceed what one round
 * trip carries; the per-stream windows are what bounds memory.
 */
const connectionWindowBytes = 64 * MiB;

/** Streams of one session: parked Accept calls and connections. Far above one agent's load, far below the 2^31 ids. */
export const streamsPerSessionMax = 20_000;
/** A request carries a target and an id: 8 KiB of headers is generous. */
const headerBytesMax = 8192;

type Common = Pick<
  SecureServerOptions,
  | 'maxSessionMemory'
  | 'peerMaxConcurrentStreams'
  | 'maxOutstandingPings'
  | 'maxSettings'
  | 'maxHeaderListPairs'
  | 'maxSessionInvalidFrames'
  | 'maxSessionRejectedStreams'
  | 'settings'
>;

/**
 * node:http2 as the measurements say (docs/adr/0002): windows are ours to set, push and unbounded headers off, Node's own
 * session memory limit out of the way (it would refuse *new* streams when *old* ones hold data; the budget does that job).
 */
export function http2Options(budget: MemoryBudget): Common & ClientSessionOptions {
  return {
    maxSessionMemory: 4096, // MB
    peerMaxConcurrentStreams: streamsPerSessionMax,
    maxHeaderListPairs: 32,
    maxOutstandingPings: 10,
    maxSettings: 32,
    maxSessionInvalidFrames: 20,
    maxSessionRejectedStreams: 20,
    settings: {
      enablePush: false,
      initialWindowSize: firstWindowBytes(budget),
      maxConcurrentStreams: streamsPerSessionMax,
      maxHeaderListSize: headerBytesMax,
    },
  };
}

/** Opens the connection window and keeps the streams' windows within the budget. */
export function tuneSession(
  session: Http2Session & { setLocalWindowSize(bytes: number): void },
  budget: MemoryBudget,
): void {
  session.setLocalWindowSize(connectionWindowBytes);
  budget.govern(session);
}

/**
 * TLS 1.3 only. AES-128-GCM first: as fast as 256 where there is AES-NI, ChaCha20 costs 40 % more (measured). No tickets: Node resumes
 * a session without looking at the certificate's end again, so a ticket outlives it.
 */
export const tlsOptions = {
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  secureOptions: crypto.SSL_OP_NO_TICKET,
  ALPNProtocols: ['h2'],
} as const;
