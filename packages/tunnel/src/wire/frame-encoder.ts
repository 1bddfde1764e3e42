import { grpcMessage } from './grpc.ts';
import { bytesField, stringField, varintField } from './protobuf.ts';
import { type ResetCode, resetCodes } from './reset-code.ts';

/** `Frame`s as whole gRPC messages, ready to write. */

/** Far below the 4 MiB that grpc-js and grpc-go accept by default, far above what one event-loop turn usually brings. */
export const framePayloadBytesMax = 512 * 1024;

/** What stands before `payloadBytes` of data: gRPC prefix, tag of field 1, length. At most 10 bytes. */
export function dataHeader(payloadBytes: number): Buffer {
  const lengthBytes = payloadBytes < 0x80 ? 1 : payloadBytes < 0x4000 ? 2 : 3;
  const header = Buffer.allocUnsafe(6 + lengthBytes);
  header[0] = 0;
  header.writeUInt32BE(1 + lengthBytes + payloadBytes, 1);
  header[5] = 0x0a; // field 1, length-delimited
  let rest = payloadBytes;
  for (let i = 6; i < header.length; i++) {
    header[i] = i === header.length - 1 ? rest : (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  return header;
}

export function openedFrame(resolvedAddress: string): Buffer {
  return grpcMessage(bytesField(2, stringField(1, resolvedAddress)));
}

export const finFrame: Buffer = grpcMessage(bytesField(3, ''));

export function resetFrame(code: ResetCode, message: string): Buffer {
  return grpcMessage(
    bytesField(4, Buffer.concat([varintField(1, resetCodes[code]), stringField(2, message.slice(0, 512))])),
  );
}
