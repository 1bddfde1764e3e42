import { WireError } from './errors.ts';

/**
 * gRPC over HTTP/2, the parts that are bytes: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * A message is `flag:1 length:4 content`; the flag says compressed, which we neither send nor accept.
 */
export const grpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatusName = keyof typeof grpcStatus;

export const grpcPaths = {
  issue: '/postern.tunnel.v1.Identity/Issue',
  renew: '/postern.tunnel.v1.Identity/Renew',
  connect: '/postern.tunnel.v1.Tunnel/Connect',
  accept: '/postern.tunnel.v1.Tunnel/Accept',
  register: '/postern.tunnel.v1.Tunnel/Register',
} as const;

/** Control messages are small: an issue request with an RSA-4096 request and a long token is below 8 KiB. */
export const controlMessageBytesMax = 16 * 1024;

/** Wraps one message. */
export function grpcMessage(content: Buffer): Buffer {
  const prefix = Buffer.allocUnsafe(5);
  prefix[0] = 0;
  prefix.writeUInt32BE(content.length, 1);
  return Buffer.concat([prefix, content]);
}

/** Cuts a byte stream into control messages, holding at most one message of the given size. */
export class MessageReader {
  readonly #bytesMax: number;
  #held: Buffer = Buffer.alloc(0);

  constructor(bytesMax: number = controlMessageBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** The messages completed by this chunk. Throws `WireError` on a compressed or oversized one. */
  push(chunk: Buffer): Buffer[] {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const messages: Buffer[] = [];
    while (this.#held.length >= 5) {
      if (this.#held[0] !== 0) throw new WireError('a message is compressed; no encoding was agreed on');
      const length = this.#held.readUInt32BE(1);
      if (length > this.#bytesMax) throw new WireError(`a message of ${length} bytes is larger than ${this.#bytesMax}`);
      if (this.#held.length < 5 + length) break;
      messages.push(this.#held.subarray(5, 5 + length));
      this.#held = this.#held.subarray(5 + length);
    }
    return messages;
  }
}

/** `grpc-message` is percent-encoded UTF-8 (PROTOCOL-HTTP2, "Status-Message"). */
export function encodeStatusMessage(text: string): string {
  return text.slice(0, 1024).replace(/[^ -$&-~]/gu, (c) => encodeURIComponent(c.isWellFormed() ? c : '?'));
}

export function decodeStatusMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
