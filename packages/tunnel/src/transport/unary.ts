import { PosternError } from '@postern/core';
import type { HeaderField, Headers, Http2Session } from '../http2/index.ts';
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
export function grpcErrorOf(headers: Headers): GrpcError | undefined {
  const text = headers['grpc-status'];
  if (text === undefined || text === '0') return undefined;
  return new GrpcError(statusNames.get(Number(text)) ?? 'UNKNOWN', decodeStatusMessage(headers['grpc-message'] ?? ''));
}

/** Headers of every call (PROTOCOL-HTTP2, "Requests"). */
export function callHeaders(path: string): HeaderField[] {
  return [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':path', path],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ];
}

/** One request, one response. Rejects with `GrpcError`, or with what ended the call. */
export function callUnary(session: Http2Session, path: string, request: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(callHeaders(path));
    const reader = new MessageReader();
    let message: Buffer | undefined;
    let failure: Error | undefined;
    const timer = setTimeout(() => {
      failure = new PosternError('CALL_TIMEOUT', `the server did not answer within ${timeoutMs} ms`);
      stream.close('CANCEL');
    }, timeoutMs);
    stream.once('response', (headers) => (failure ??= grpcErrorOf(headers)));
    stream.once('trailers', (headers) => (failure ??= grpcErrorOf(headers)));
    stream.onData = (chunk) => {
      try {
        message ??= reader.push(chunk)[0];
      } catch (error) {
        failure = error as Error;
        stream.close('PROTOCOL_ERROR');
      }
    };
    stream.once('close', () => {
      clearTimeout(timer);
      failure ??= session.error;
      if (message !== undefined && failure === undefined) resolve(message);
      else reject(failure ?? new PosternError('CALL_EMPTY', 'the server ended the call without an answer'));
    });
    stream.end(grpcMessage(request));
  });
}
