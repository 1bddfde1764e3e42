/** Joins a socket and a gRPC call of Frames as the .proto says: data, fin, reset in both directions; the caller half ends the call. */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Socket } from 'node:net';
import type { Frame } from './protocol.ts';

type Call = ClientDuplexStream<Frame, Frame>;

/** Resolves when both directions are finished, with the reset that ended it if there was one. */
export function carry(socket: Socket, call: Call): Promise<{ reset?: string }> {
  return new Promise((resolve) => {
    let finSent = false;
    let finReceived = false;
    let over = false;
    const finish = (reset?: string): void => {
      if (over) return;
      over = true;
      call.end();
      resolve(reset === undefined ? {} : { reset });
    };
    const finished = (): void => {
      if (finSent && finReceived) finish();
    };
    const cut = (reset: string): void => {
      socket.resetAndDestroy();
      finish(reset);
    };
    socket.on('data', (data: Buffer) => {
      if (!call.write({ data })) {
        socket.pause();
        call.once('drain', () => socket.resume());
      }
    });
    socket.once('end', () => {
      call.write({ fin: {} });
      finSent = true;
      finished();
    });
    socket.once('error', () => {
      if (over) return;
      call.write({ reset: { code: 'RESET_CODE_ABORTED', message: 'the TCP peer reset' } });
      finish('ABORTED');
    });
    call.on('data', (frame: Frame) => {
      if (frame.frame === 'data' && frame.data !== undefined) {
        if (!socket.write(frame.data)) {
          call.pause();
          socket.once('drain', () => call.resume());
        }
      } else if (frame.frame === 'fin') {
        socket.end();
        finReceived = true;
        finished();
      } else if (frame.frame === 'reset') cut(frame.reset?.code ?? 'RESET_CODE_UNSPECIFIED');
    });
    call.on('error', (error) => {
      if (!over) cut(error.message);
    });
    call.once('end', () => {
      if (!over && !(finSent && finReceived)) cut('the call ended early');
    });
  });
}
