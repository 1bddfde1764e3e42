import type { HeaderField, Http2Stream } from '@postern/tunnel/http2';
import { encodeStatusMessage, grpcMessage, grpcStatus, type GrpcStatusName, MessageReader } from '@postern/tunnel/wire';

/** The server's half of gRPC: responses, trailers, refusals, unary calls. */

const responseHeaders: readonly HeaderField[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
const statusOk: readonly HeaderField[] = [['grpc-status', '0']];

/** Answers a call with headers now and trailers (status OK) when the stream is ended. */
export function beginResponse(stream: Http2Stream, metadata: Readonly<Record<string, string>> = {}): void {
  stream.trailers = statusOk;
  stream.respond([...responseHeaders, ...Object.entries(metadata)]);
}

/** Refuses a call: one frame of headers with the status ("Trailers-Only"). What the peer still sends is dropped. */
export function refuseCall(
  stream: Http2Stream,
  status: GrpcStatusName,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): void {
  if (stream.closed || stream.headersSent) return;
  stream.respond(
    [
      ...responseHeaders,
      ...Object.entries(metadata),
      ['grpc-status', String(grpcStatus[status])],
      ['grpc-message', encodeStatusMessage(message)],
    ],
    true,
  );
  // The peer may still be sending; NO_ERROR after a complete answer asks it to stop (RFC 9113 section 8.1).
  stream.close('NO_ERROR');
}

/** Reads the one message of a unary call: `undefined` when it does not come whole within the bounds. */
export function readUnary(stream: Http2Stream, timeoutMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const reader = new MessageReader();
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    stream.onData = (chunk) => {
      try {
        const [message] = reader.push(chunk);
        if (message !== undefined) resolve(message);
      } catch {
        resolve(undefined);
      }
    };
    stream.once('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

export function answerUnary(stream: Http2Stream, response: Buffer): void {
  if (stream.closed) return;
  beginResponse(stream);
  stream.end(grpcMessage(response));
}
