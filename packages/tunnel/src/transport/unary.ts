import { type ClientHttp2Session, constants, type IncomingHttpHeaders } from 'node:http2';
import { PosternError } from '@postern/core';
import { decodeStatusMessage, grpcMessage, grpcStatus, type GrpcStatusName, MessageReader } from '../wire/index.ts';

/** A call that ended with a gRPC status other than OK. */
export class GrpcError extends PosternError {
  override readonly name = 'GrpcError';
  readonly status: GrpcStatusName;
  constructor(status: GrpcStatusName, message: string) {
    super(status, message);
    this.status = status;
  }
}

const statusNames = new Map<number, GrpcStatusName>(
  Object.entries(grpcStatus).map(([name, number]) => [number, name as GrpcStatusName]),
);

/** The error in a response's headers or trailers; undefined when they say OK or nothing. */
export function grpcErrorOf(headers: IncomingHttpHeaders): GrpcError | undefined {
  const text = headers['grpc-status'];
  if (text === undefined || text === '0') return undefined;
  const message = headers['grpc-message'];
  return new GrpcError(
    statusNames.get(Number(text)) ?? 'UNKNOWN',
    decodeStatusMessage(typeof message === 'string' ? message : ''),
  );
}

/** Headers of every call (PROTOCOL-HTTP2, "Requests"). */
export function callHeaders(path: string): Record<string, string> {
  return { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
}

/** One request, one response. Rejects with `GrpcError`, or with what destroyed the stream. */
export function callUnary(
  session: ClientHttp2Session,
  path: string,
  request: Buffer,
  timeoutMs: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(callHeaders(path));
    const reader = new MessageReader();
    let message: Buffer | undefined;
    let failure: Error | undefined;
    stream.setTimeout(timeoutMs, () => {
      failure = new PosternError('CALL_TIMEOUT', `the server did not answer within ${timeoutMs} ms`);
      stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('response', (headers) => (failure ??= grpcErrorOf(headers)));
    stream.on('trailers', (headers) => (failure ??= grpcErrorOf(headers)));
    stream.on('data', (chunk: Buffer) => {
      try {
        message ??= reader.push(chunk)[0];
      } catch (error) {
        failure = error as Error;
        stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
      }
    });
    stream.on('error', (error) => (failure ??= error));
    stream.on('close', () => {
      if (failure !== undefined) reject(failure);
      else if (message === undefined)
        reject(new PosternError('CALL_EMPTY', 'the server ended the call without an answer'));
      else resolve(message);
    });
    stream.end(grpcMessage(request));
  });
}
