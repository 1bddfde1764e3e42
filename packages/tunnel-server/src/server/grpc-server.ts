import { constants, type ServerHttp2Stream } from 'node:http2';
import { encodeStatusMessage, grpcMessage, grpcStatus, type GrpcStatusName, MessageReader } from '@postern/tunnel/wire';

/** The server's half of gRPC on node:http2. */

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc' } as const;

/** Answers a call with headers now and trailers (status OK) when the stream is ended. */
export function beginResponse(stream: ServerHttp2Stream, metadata: Readonly<Record<string, string>> = {}): void {
  stream.respond({ ...responseHeaders, ...metadata }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
}

/** Refuses a call: one frame of headers with the status ("Trailers-Only"). What the peer still sends is dropped. */
export function refuseCall(
  stream: ServerHttp2Stream,
  status: GrpcStatusName,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond(
    {
      ...responseHeaders,
      ...metadata,
      'grpc-status': String(grpcStatus[status]),
      'grpc-message': encodeStatusMessage(message),
    },
    { endStream: true },
  );
  // The peer may still be sending; NO_ERROR after a complete answer asks it to stop (RFC 9113 section 8.1).
  stream.resume();
  setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}

/** Reads the one message of a unary call: `undefined` when it does not come whole within the bounds. */
export function readUnary(stream: ServerHttp2Stream, timeoutMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const reader = new MessageReader();
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    stream.on('data', (chunk: Buffer) => {
      try {
        const [message] = reader.push(chunk);
        if (message !== undefined) resolve(message);
      } catch {
        resolve(undefined);
      }
    });
    stream.once('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

export function answerUnary(stream: ServerHttp2Stream, response: Buffer): void {
  if (stream.destroyed) return;
  beginResponse(stream);
  stream.end(grpcMessage(response));
}
