/** For tests: a peer that says whatever it likes, frame by frame, to a session of ours. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { type ErrorName, errorName, flag, frameType, preface } from '../codes.ts';
import { frameHeader, settingsAckFrame, settingsFrame } from '../frames.ts';
import { encodeHeaders, type HeaderField } from '../hpack/index.ts';
import { Http2Session } from '../session.ts';
import { Memory } from './pair.ts';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer | string | number[] = []): Buffer {
  const bytes = Buffer.from(payload as string);
  return Buffer.concat([frameHeader(bytes.length, type, flags, stream), bytes]);
}

export const requestFields: readonly HeaderField[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/'],
];

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export const headers = (
  stream: number,
  fields: readonly HeaderField[] = requestFields,
  flags: number = flag.endHeaders,
): Buffer => frame(frameType.headers, flags, stream, encodeHeaders(fields));
export const rst = (stream: number, code = 8): Buffer => frame(frameType.rstStream, 0, stream, u32(code));
export const data = (stream: number, bytes: number | string, flags = 0): Buffer =>
  frame(frameType.data, flags, stream, typeof bytes === 'number' ? Buffer.alloc(bytes, 0x61) : bytes);
export const windowUpdate = (stream: number, bytes: number): Buffer =>
  frame(frameType.windowUpdate, 0, stream, u32(bytes));
export const ping = frame(frameType.ping, 0, 0, 'are you ');

export class RawPeer {
  readonly socket: net.Socket;
  readonly session: Http2Session;
  readonly memory: Memory;
  readonly frames: Frame[] = [];
  closed = false;
  #rest = Buffer.alloc(0);
  #wake = Promise.withResolvers<void>();

  constructor(socket: net.Socket, session: Http2Session, memory: Memory) {
    this.socket = socket;
    this.session = session;
    this.memory = memory;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake.resolve();
    });
  }

  #read(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#rest, chunk]);
    if (bytes.subarray(0, preface.length).equals(preface)) bytes = bytes.subarray(preface.length);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const end = 9 + bytes.readUIntBE(0, 3);
      const [type, flags, stream] = [bytes[3]!, bytes[4]!, bytes.readUInt32BE(5)];
      this.frames.push({ type, flags, stream, payload: bytes.subarray(9, end) });
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  send(...frames: readonly Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
  }

  /** A first such frame, or undefined when the connection ends without. */
  async find(what: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(what);
      if (found !== undefined || this.closed) return found;
      await this.#wake.promise;
    }
  }

  /** Why the session was ended: the code in its GOAWAY. */
  async goaway(): Promise<ErrorName | 'LOST'> {
    const found = await this.find(({ type }) => type === frameType.goaway);
    return found === undefined ? 'LOST' : errorName(found.payload.readUInt32BE(4));
  }

  async reset(stream: number): Promise<ErrorName | 'LOST'> {
    const found = await this.find((f) => (f.type === frameType.rstStream && f.stream === stream) || f.type === 7);
    return found?.type === frameType.rstStream ? errorName(found.payload.readUInt32BE(0)) : 'LOST';
  }

  #pings = 0;
  /** Once this is answered, all that was sent before has been read, and the session lives. */
  async alive(): Promise<void> {
    const opaque = Buffer.from(`alive${String(this.#pings++).padStart(3, '0')}`);
    this.send(frame(frameType.ping, 0, 0, opaque));
    const answer = await this.find(
      ({ type, flags, payload }) => type === 7 || (type === frameType.ping && flags === 1 && payload.equals(opaque)),
    );
    assert.equal(answer?.type, frameType.ping, `ended: ${String(this.session.error)}`);
  }
}

/** A session of ours in the role given, and a raw peer of it that has said nothing yet. */
export async function silentPeer(t: TestContext, role: 'server' | 'client'): Promise<RawPeer> {
  const listener = net.createServer({ noDelay: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'connection') as Promise<[net.Socket]>;
  const socket = net.connect({ port: (listener.address() as net.AddressInfo).port, host: '127.0.0.1', noDelay: true });
  const memory = new Memory();
  const peer = new RawPeer(socket, new Http2Session((await accepted)[0], role, memory), memory);
  listener.close();
  t.after(() => (socket.destroy(), peer.session.destroy()));
  return peer;
}

/** One that has opened its connection as it should. */
export async function rawPeer(
  t: TestContext,
  role: 'server' | 'client' = 'server',
  settings: ReadonlyArray<readonly [number, number]> = [],
): Promise<RawPeer> {
  const peer = await silentPeer(t, role);
  const hello = [settingsFrame(settings), settingsAckFrame];
  peer.send(...(role === 'server' ? [preface, ...hello] : hello));
  await peer.find(({ type, flags }) => type === frameType.settings && flags === flag.ack);
  return peer;
}
