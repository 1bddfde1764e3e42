import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import {
  ConnectionError,
  defaultWindowBytes,
  errorName,
  type ErrorName,
  flag,
  frameType,
  preface,
  setting,
  windowBytesMax,
} from './codes.ts';
import { FloodGuard } from './flood-guard.ts';
import { type FrameHandler, FrameReader } from './frame-reader.ts';
import {
  goawayFrame,
  headersFrames,
  pingFrame,
  rstStreamFrame,
  settingsAckFrame,
  settingsFrame,
  windowUpdateFrame,
} from './frames.ts';
import { HeaderBlock, headersFragment } from './header-block.ts';
import { readHeaders } from './header-list.ts';
import { encodeHeaders, type HeaderField, HeaderListTooLargeError, HpackDecoder, HpackError } from './hpack/index.ts';
import type { StreamMemory } from './memory.ts';
import { Output } from './output.ts';
import { PrefaceReader } from './preface-reader.ts';
import { RoundTrips } from './round-trips.ts';
import { defaultPeerSettings, type PeerSettings, readSettings } from './settings.ts';
import { Http2Stream, type StreamHost } from './stream.ts';

const MiB = 2 ** 20;

/** Streams of one session: parked Accept calls and connections. Far above one agent's load, far below the 2^31 ids. */
export const streamsPerSessionMax = 20_000;
/** A request carries a target and an id: 8 KiB of headers is generous. */
const headerBytesMax = 8192;
const headersMax = 32;
/** What a stream that carries nothing yet may be sent: control messages are small. `Http2Stream.carry` asks for more. */
const initialWindowBytes = 16 * 1024;
/**
 * Credited as bytes arrive, whatever a stream's reader does, so it only has to exceed what one round trip carries; the windows of the
 * streams are what bounds memory.
 */
const connectionWindowBytes = 64 * MiB;
/** DATA is handed on in slices, so a large frame costs nothing; it saves a header and a cut for every 16 KiB. */
const frameBytesMax = 256 * 1024;
/** The largest id; a session that has used them all is to be replaced. */
const streamIdMax = 2 ** 31 - 1;

interface SessionEvents {
  /** The peer's SETTINGS are there: it speaks HTTP/2, and calls may be made. */
  ready: [];
  /** At a server: a call came in. */
  stream: [Http2Stream];
  /** No new calls will be taken: the peer goes, or the ids are used up. */
  goaway: [];
  /** Over; `error` says why, when it was not asked for. */
  close: [];
}

/**
 * HTTP/2 over one connection (RFC 9113), as much of it as gRPC needs: no push, no priorities, and a window for each stream that is sized by
 * what the stream does and what the process can hold.
 */
export class Http2Session extends EventEmitter<SessionEvents> implements FrameHandler, StreamHost {
  readonly socket: Duplex;
  readonly memory: StreamMemory;
  /** Sent as `:authority` of every call (RFC 9113 section 8.3.1); proxies between want it. Set by the client. */
  authority: string | undefined;
  destroyed = false;
  /** Why it ended; undefined while it lives, and when it was ended from here without a reason. */
  error: Error | undefined;
  readonly #isServer: boolean;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #reader: FrameReader;
  readonly #preface: PrefaceReader | undefined;
  readonly #output: Output;
  readonly #hpack = new HpackDecoder({ listBytesMax: headerBytesMax, listCountMax: headersMax });
  readonly #floods = new FloodGuard(performance.now());
  readonly #roundTrips: RoundTrips;
  #peer: PeerSettings = defaultPeerSettings;
  #peerReady = false;
  /** Our SETTINGS are acknowledged: until then a peer may take a stream's window for the protocol's default. */
  #acknowledged = false;
  #going = false;
  #nextId: number;
  #lastPeerId = 0;
  #block: HeaderBlock | undefined;
  /** The DATA frame that is being read: its stream, its size, and what of it is still to come: padding, in the end. */
  #dataStream: Http2Stream | undefined;
  #dataBytes = 0;
  #dataLeft = 0;
  #receiveWindow = connectionWindowBytes;
  #uncredited = 0;

  constructor(socket: Duplex, role: 'client' | 'server', memory: StreamMemory) {
    super();
    this.socket = socket;
    this.memory = memory;
    this.#isServer = role === 'server';
    this.#nextId = this.#isServer ? 2 : 1;
    this.#reader = new FrameReader(this, frameBytesMax);
    this.#preface = this.#isServer ? new PrefaceReader() : undefined;
    this.#output = new Output(socket, memory, () =>
      this.#fail('ENHANCE_YOUR_CALM', 'a peer does not read the answers it asks for'),
    );
    this.#roundTrips = new RoundTrips((opaque) => this.control(pingFrame(opaque, false)));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => (this.error ??= error));
    socket.once('end', () => this.destroy());
    socket.once('close', () => this.destroy());
    if (!this.#isServer) this.control(preface);
    this.control(
      settingsFrame([
        ...(this.#isServer ? [] : [[setting.enablePush, 0] as const]),
        [setting.maxConcurrentStreams, streamsPerSessionMax],
        [setting.initialWindowSize, initialWindowBytes],
        [setting.maxFrameSize, frameBytesMax],
        [setting.maxHeaderListSize, headerBytesMax],
      ]),
    );
    this.control(windowUpdateFrame(0, connectionWindowBytes - defaultWindowBytes));
  }

  /** The least round trip seen; Infinity before the first few. */
  get rttMs(): number {
    return this.#roundTrips.leastMs;
  }

  /** Makes a call. Where none can be made, the stream closes at once with REFUSED_STREAM. */
  request(fields: Iterable<HeaderField>): Http2Stream {
    const id = this.#nextId;
    const stream = this.#newStream(id);
    if (this.destroyed || this.#going || this.#streams.size >= this.#peer.concurrentStreamsMax) {
      stream.finish('REFUSED_STREAM');
      return stream;
    }
    const authority: readonly HeaderField[] = this.authority === undefined ? [] : [[':authority', this.authority]];
    const headers = this.headers(id, [...authority, ...fields], false); // first: it throws when they cannot be written
    this.#nextId += 2;
    if (this.#nextId > streamIdMax) this.#goesAway();
    this.#streams.set(id, stream);
    stream.headersSent = true;
    this.control(headers);
    return stream;
  }

  #newStream(id: number): Http2Stream {
    return new Http2Stream(id, this, { send: this.#peer.initialWindowBytes, receive: initialWindowBytes });
  }

  /** Ends it and all it carries, now; not a byte more passes. */
  destroy(error?: Error): void {
    if (this.destroyed) return;
    this.#end('NO_ERROR', '', error);
  }

  #fail(code: ErrorName, message: string): void {
    if (!this.destroyed) this.#end(code, message, new ConnectionError(code, message));
  }

  #end(code: ErrorName, message: string, error: Error | undefined): void {
    this.destroyed = true;
    this.error ??= error;
    this.#reader.stop();
    this.#roundTrips.stop();
    // Before the last frames are written: what the streams have queued must not go with them.
    for (const stream of this.#streams.values()) stream.finish(undefined);
    if (!this.socket.destroyed && !this.socket.writableEnded) {
      this.#output.flush();
      this.socket.write(goawayFrame(this.#lastPeerId, code, message));
    }
    this.socket.destroy();
    process.nextTick(() => this.emit('close'));
  }

  // ---- what streams ask for

  control(frame: Buffer): void {
    if (!this.destroyed) this.#output.control(frame);
  }

  headers(streamId: number, fields: Iterable<HeaderField>, endStream: boolean): Buffer {
    return headersFrames(streamId, encodeHeaders(fields), endStream, this.#peer.frameBytesMax);
  }

  ready(stream: Http2Stream, bytes: number): void {
    if (!this.destroyed) this.#output.ready(stream, bytes);
  }

  flush(): void {
    if (!this.destroyed) this.#output.flush();
  }

  streamClosed(stream: Http2Stream): void {
    this.#output.forget(stream);
    this.#streams.delete(stream.id);
    if (this.#dataStream === stream) this.#dataStream = undefined;
  }

  // ---- reading

  #read(chunk: Buffer): void {
    if (this.destroyed) return;
    try {
      const rest = this.#preface === undefined ? chunk : this.#preface.push(chunk);
      if (rest !== undefined) this.#reader.push(rest);
    } catch (error) {
      if (error instanceof ConnectionError) this.#fail(error.code, error.message);
      else if (error instanceof HpackError) this.#fail('COMPRESSION_ERROR', error.message);
      else throw error;
    }
  }

  dataBegins(streamId: number, flowBytes: number): void {
    this.#expect(frameType.data);
    this.#receiveWindow -= flowBytes;
    if (this.#receiveWindow < 0) throw new ConnectionError('FLOW_CONTROL_ERROR', 'more than the connection may carry');
    this.#uncredited += flowBytes;
    if (this.#uncredited * 4 >= connectionWindowBytes) {
      this.control(windowUpdateFrame(0, this.#uncredited));
      this.#receiveWindow += this.#uncredited;
      this.#uncredited = 0;
    }
    const stream = this.#streams.get(streamId);
    this.#dataStream = undefined;
    this.#dataLeft = flowBytes;
    this.#dataBytes = flowBytes;
    if (stream === undefined) return this.#ofNoStream(streamId, 'DATA');
    if (stream.remoteEnded) return this.#cut(stream, 'STREAM_CLOSED');
    if (!this.#isServer && stream.headers === undefined) return this.#cut(stream, 'PROTOCOL_ERROR');
    const toleratedBytes = this.#acknowledged ? 0 : defaultWindowBytes - initialWindowBytes;
    if (!stream.takeWindow(flowBytes, toleratedBytes)) return this.#cut(stream, 'FLOW_CONTROL_ERROR');
    this.#dataStream = stream;
  }

  data(slice: Buffer): void {
    this.#dataLeft -= slice.length;
    this.#dataStream?.receive(slice);
  }

  dataEnds(endStream: boolean): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    if (this.#dataBytes === 0 && !endStream) this.#cheap();
    if (stream === undefined) return;
    if (this.#dataLeft > 0) stream.receivePadding(this.#dataLeft);
    if (endStream) stream.receiveEnd();
  }

  frame(type: number, flags: number, streamId: number, payload: Buffer): void {
    this.#expect(type);
    switch (type) {
      case frameType.headers:
        return this.#onHeaders(flags, streamId, payload);
      case frameType.continuation:
        return this.#onContinuation(flags, streamId, payload);
      case frameType.windowUpdate:
        return this.#onWindowUpdate(streamId, payload);
      case frameType.rstStream:
        return this.#onReset(streamId, payload);
      case frameType.settings:
        return this.#onSettings(flags, streamId, payload);
      case frameType.ping:
        return this.#onPing(flags, streamId, payload);
      case frameType.goaway:
        return this.#onGoaway(streamId, payload);
      case frameType.pushPromise:
        throw new ConnectionError('PROTOCOL_ERROR', 'PUSH_PROMISE was not asked for');
      default:
        this.#cheap(); // PRIORITY, and what is not known, says nothing (sections 5.3 and 5.5)
    }
  }

  /** The first frame is SETTINGS, and nothing comes between HEADERS and its CONTINUATION. */
  #expect(type: number): void {
    if (!this.#peerReady && type !== frameType.settings)
      throw new ConnectionError('PROTOCOL_ERROR', 'the first frame is not SETTINGS');
    if ((this.#block !== undefined) !== (type === frameType.continuation))
      throw new ConnectionError('PROTOCOL_ERROR', 'a header block is not continuous');
  }

  /** A frame that moves nothing. */
  #cheap(): void {
    if (!this.#floods.take(performance.now()))
      throw new ConnectionError('ENHANCE_YOUR_CALM', 'too many frames that move nothing');
  }

  /** The peer broke the rules of one stream. Counted like its own resets: it could as well provoke ours (CVE-2025-8671). */
  #cut(stream: Http2Stream, code: ErrorName): void {
    this.#cheap();
    stream.close(code);
  }

  #isOurs(streamId: number): boolean {
    return (streamId % 2 === 0) === this.#isServer;
  }

  /** What was under way when a stream was closed is ignored; of a stream that never was it is an error (section 5.1). */
  #ofNoStream(streamId: number, what: string): void {
    if (this.#isOurs(streamId) ? streamId >= this.#nextId : streamId > this.#lastPeerId)
      throw new ConnectionError('PROTOCOL_ERROR', `${what} on a stream that was never opened`);
  }

  #onHeaders(flags: number, streamId: number, payload: Buffer): void {
    if (streamId === 0) throw new ConnectionError('PROTOCOL_ERROR', 'HEADERS on stream 0');
    const fragment = headersFragment(payload, (flags & flag.padded) !== 0, (flags & flag.priority) !== 0);
    const block = new HeaderBlock(streamId, (flags & flag.endStream) !== 0, fragment);
    if ((flags & flag.endHeaders) === 0) this.#block = block;
    else this.#onBlock(block);
  }

  #onContinuation(flags: number, streamId: number, payload: Buffer): void {
    const block = this.#block!;
    block.continue(streamId, payload);
    if ((flags & flag.endHeaders) === 0) return;
    this.#block = undefined;
    this.#onBlock(block);
  }

  /** Every block is decoded, also that of a call which is refused: the table of the compression must keep step. */
  #onBlock(block: HeaderBlock): void {
    let fields: readonly HeaderField[] | undefined;
    try {
      fields = this.#hpack.decode(block.whole());
    } catch (error) {
      if (!(error instanceof HeaderListTooLargeError)) throw error;
    }
    const { streamId, endStream } = block;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.#onMoreHeaders(stream, fields, endStream);
    else if (this.#isServer && streamId % 2 === 1 && streamId > this.#lastPeerId)
      this.#onCall(streamId, fields, endStream);
    else {
      this.#ofNoStream(streamId, 'HEADERS');
      if (this.#isServer && fields?.[0]?.[0].startsWith(':') === true)
        throw new ConnectionError('PROTOCOL_ERROR', 'a call on an id that is not above the last');
      this.#cheap();
    }
  }

  #onCall(streamId: number, fields: readonly HeaderField[] | undefined, endStream: boolean): void {
    this.#lastPeerId = streamId;
    if (fields === undefined) return this.#refuse(streamId, 'ENHANCE_YOUR_CALM');
    const headers = readHeaders(fields, 'request');
    if (headers === undefined) return this.#refuse(streamId, 'PROTOCOL_ERROR');
    if (this.#streams.size >= streamsPerSessionMax) return this.#refuse(streamId, 'REFUSED_STREAM');
    const stream = this.#newStream(streamId);
    stream.headers = headers;
    this.#streams.set(streamId, stream);
    this.emit('stream', stream);
    if (endStream) stream.receiveEnd();
  }

  #refuse(streamId: number, code: ErrorName): void {
    this.#cheap();
    this.control(rstStreamFrame(streamId, code));
  }

  /** The response's headers, or trailers. */
  #onMoreHeaders(stream: Http2Stream, fields: readonly HeaderField[] | undefined, endStream: boolean): void {
    if (fields === undefined) return this.#cut(stream, 'ENHANCE_YOUR_CALM');
    if (stream.remoteEnded) return this.#cut(stream, 'STREAM_CLOSED');
    if (!this.#isServer && stream.headers === undefined) {
      const headers = readHeaders(fields, 'response');
      if (headers === undefined) return this.#cut(stream, 'PROTOCOL_ERROR');
      if (headers[':status']!.startsWith('1')) return endStream ? this.#cut(stream, 'PROTOCOL_ERROR') : this.#cheap(); // interim
      stream.headers = headers;
      stream.emit('response', headers);
    } else {
      const trailers = endStream ? readHeaders(fields, 'trailers') : undefined;
      if (trailers === undefined) return this.#cut(stream, 'PROTOCOL_ERROR');
      stream.emit('trailers', trailers);
    }
    if (endStream) stream.receiveEnd();
  }

  #onWindowUpdate(streamId: number, payload: Buffer): void {
    if (payload.length !== 4) throw new ConnectionError('FRAME_SIZE_ERROR', 'WINDOW_UPDATE of another size than 4');
    const bytes = payload.readUInt32BE(0) & 0x7fff_ffff;
    if (streamId === 0) {
      if (bytes === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a window update of nothing');
      if (this.#output.sendWindow + bytes > windowBytesMax)
        throw new ConnectionError('FLOW_CONTROL_ERROR', 'the window of the connection is above 2^31-1');
      return this.#output.credit(bytes);
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return this.#ofNoStream(streamId, 'WINDOW_UPDATE');
    if (bytes === 0) this.#cut(stream, 'PROTOCOL_ERROR');
    else if (stream.sendWindow + bytes > windowBytesMax) this.#cut(stream, 'FLOW_CONTROL_ERROR');
    else stream.creditSend(bytes);
  }

  #onReset(streamId: number, payload: Buffer): void {
    if (payload.length !== 4) throw new ConnectionError('FRAME_SIZE_ERROR', 'RST_STREAM of another size than 4');
    if (streamId === 0) throw new ConnectionError('PROTOCOL_ERROR', 'RST_STREAM on stream 0');
    const stream = this.#streams.get(streamId);
    // A server may cut as many calls as we have made: each was ours to make, and thousands end at once when a right is revoked.
    if (this.#isServer || stream === undefined) this.#cheap();
    if (stream === undefined) this.#ofNoStream(streamId, 'RST_STREAM');
    else stream.finish(errorName(payload.readUInt32BE(0)));
  }

  #onSettings(flags: number, streamId: number, payload: Buffer): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'SETTINGS on a stream');
    if ((flags & flag.ack) !== 0) {
      if (payload.length > 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'an acknowledgement with settings');
      this.#acknowledged = true;
      return;
    }
    this.#cheap();
    const before = this.#peer.initialWindowBytes;
    this.#peer = readSettings(payload, this.#peer);
    this.#output.peerFrameBytesMax = this.#peer.frameBytesMax;
    const change = this.#peer.initialWindowBytes - before;
    // The windows of running streams change with it, below zero if need be (section 6.9.2).
    if (change !== 0)
      for (const stream of this.#streams.values()) {
        if (stream.sendWindow + change > windowBytesMax)
          throw new ConnectionError('FLOW_CONTROL_ERROR', 'SETTINGS take a window above 2^31-1');
        stream.creditSend(change);
      }
    this.control(settingsAckFrame);
    if (this.#peerReady) return;
    this.#peerReady = true;
    this.#roundTrips.start();
    this.emit('ready');
  }

  #onPing(flags: number, streamId: number, payload: Buffer): void {
    if (payload.length !== 8) throw new ConnectionError('FRAME_SIZE_ERROR', 'PING of another size than 8');
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'PING on a stream');
    if ((flags & flag.ack) !== 0) return this.#roundTrips.answered(payload);
    this.#cheap();
    this.control(pingFrame(payload, true));
  }

  #onGoaway(streamId: number, payload: Buffer): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'GOAWAY on a stream');
    if (payload.length < 8) throw new ConnectionError('FRAME_SIZE_ERROR', 'GOAWAY is shorter than 8');
    const last = payload.readUInt32BE(0) & 0x7fff_ffff;
    const code = errorName(payload.readUInt32BE(4));
    if (code !== 'NO_ERROR') {
      const why = payload.subarray(8, 8 + 256).toString();
      return this.destroy(
        new ConnectionError(code, `the peer ended the session: ${code}${why === '' ? '' : `, ${why}`}`),
      );
    }
    for (const stream of this.#streams.values())
      if (this.#isOurs(stream.id) && stream.id > last) stream.finish('REFUSED_STREAM');
    this.#goesAway();
  }

  #goesAway(): void {
    if (this.#going) return;
    this.#going = true;
    this.emit('goaway');
  }
}
