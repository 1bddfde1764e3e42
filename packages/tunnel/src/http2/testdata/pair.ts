/** For tests: a client and a server joined by TCP, each ours or Node's, and calls that check what they carry. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { type ErrorName, errorCodes, errorName } from '../codes.ts';
import type { Holder, Receiver, StreamMemory } from '../memory.ts';
import { Http2Session } from '../session.ts';
import type { Http2Stream } from '../stream.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;

export class Memory implements StreamMemory {
  window = MiB;
  mark = 64 * KiB;
  readonly loaded = new Set<Holder>();
  readonly promised = new Set<Receiver>();
  windowBytes(receiver: Receiver): number {
    this.promised.add(receiver);
    return this.window;
  }
  markBytes(): number {
    return this.mark;
  }
  load(holder: Holder): void {
    this.loaded.add(holder);
  }
  release(holder: Holder): void {
    this.loaded.delete(holder);
  }
  forget(receiver: Receiver): void {
    this.promised.delete(receiver);
  }
  sent(): void {}
}

export type Fields = Readonly<Record<string, string>>;

/** A call at either end of either implementation. */
export interface Call {
  readonly headers: Fields;
  /** Of all that came before the peer's end. */
  readonly received: Promise<string>;
  readonly response: Promise<Fields>;
  /** Undefined when the peer ended without. */
  readonly trailers: Promise<Fields | undefined>;
  readonly closed: Promise<ErrorName | undefined>;
  respond(headers: Fields, endStream?: boolean): void;
  /** Sends so many bytes; resolves with their hash once they are queued. */
  send(bytes: number): Promise<string>;
  end(trailers?: Fields): void;
  reset(code: ErrorName): void;
}

export const noise = randomBytes(256 * KiB);

function* chunks(bytes: number): Generator<Buffer> {
  for (let sent = 0; sent < bytes;) {
    const from = (sent * 7) % (noise.length / 2);
    const chunk = noise.subarray(from, from + Math.min(bytes - sent, 1 + ((sent * 13) % 70_000)));
    sent += chunk.length;
    yield chunk;
  }
}

export function hashOf(bytes: number): string {
  const hash = createHash('sha256');
  for (const chunk of chunks(bytes)) hash.update(chunk);
  return hash.digest('hex');
}

function later<T>(): PromiseWithResolvers<T> {
  return Promise.withResolvers<T>();
}

export function ours(stream: Http2Stream): Call {
  const hash = createHash('sha256');
  const [received, response, trailers] = [later<string>(), later<Fields>(), later<Fields | undefined>()];
  stream.once('response', (headers) => response.resolve({ ...headers }));
  stream.once('trailers', (headers) => trailers.resolve({ ...headers }));
  stream.once('end', () => {
    received.resolve(hash.digest('hex'));
    trailers.resolve(undefined);
  });
  stream.onData = (slice) => void hash.update(slice);
  stream.once('close', () => received.resolve(`cut: ${stream.error}`));
  return {
    headers: stream.headers ?? {},
    received: received.promise,
    response: response.promise,
    trailers: trailers.promise,
    closed: new Promise((resolve) => stream.once('close', () => resolve(stream.error))),
    respond: (headers, endStream) => stream.respond(Object.entries(headers), endStream),
    send: async (bytes) => {
      for (const chunk of chunks(bytes)) {
        if (stream.push(chunk)) continue;
        await new Promise<void>((resolve) => {
          stream.onRelief = resolve;
        });
      }
      return hashOf(bytes);
    },
    end: (trailers) => {
      if (trailers !== undefined) stream.trailers = Object.entries(trailers);
      stream.end();
    },
    reset: (code) => stream.close(code),
  };
}

export function nodes(stream: http2.Http2Stream, headers: http2.IncomingHttpHeaders = {}): Call {
  const hash = createHash('sha256');
  const [received, response, trailers] = [later<string>(), later<Fields>(), later<Fields | undefined>()];
  let last: Fields | undefined;
  const plain = (headers: object): Fields =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  stream.once('response', (headers: object) => response.resolve(plain(headers)));
  stream.once('trailers', (headers: object) => trailers.resolve(plain(headers)));
  stream.once('wantTrailers', () => stream.sendTrailers(last ?? {}));
  stream.on('error', () => {});
  stream.on('data', (slice: Buffer) => hash.update(slice));
  stream.once('end', () => {
    received.resolve(hash.digest('hex'));
    trailers.resolve(undefined);
  });
  stream.once('close', () => received.resolve(`cut: ${stream.rstCode}`));
  return {
    headers: plain(headers),
    received: received.promise,
    response: response.promise,
    trailers: trailers.promise,
    closed: new Promise((resolve) =>
      stream.once('close', () => resolve(stream.rstCode === 0 ? undefined : errorName(stream.rstCode))),
    ),
    respond: (headers, endStream = false) =>
      (stream as http2.ServerHttp2Stream).respond(headers, { endStream, waitForTrailers: !endStream }),
    send: async (bytes) => {
      for (const chunk of chunks(bytes)) if (!stream.write(chunk)) await once(stream, 'drain');
      return hashOf(bytes);
    },
    end: (trailers) => {
      last = trailers;
      stream.end();
    },
    reset: (code) => stream.close(errorCodes[code]),
  };
}

export type Handler = (call: Call, stream: Http2Stream | http2.ServerHttp2Stream) => void;

export interface Pair {
  /** Calls a path, with more headers. */
  readonly call: (path: string, headers?: Fields) => Call;
  readonly memory: Memory;
  readonly client: Http2Session | http2.ClientHttp2Session;
  readonly server: () => Http2Session | http2.ServerHttp2Session;
}

export const requestHeaders = (path: string, headers: Fields = {}): Fields => ({
  ':method': 'POST',
  ':scheme': 'http',
  ':authority': 'tunnel.example',
  ':path': path,
  ...headers,
});

export type Kind = 'node' | 'ours';

/** A client and a server, joined by TCP. */
export async function pair(
  t: TestContext,
  clientKind: Kind,
  serverKind: Kind,
  handler: Handler,
  settings: http2.Settings = {},
): Promise<Pair> {
  const memory = new Memory();
  let server: Http2Session | http2.ServerHttp2Session | undefined;
  const accepted = later<void>();
  const onSession = (session: typeof server): void => {
    server = session;
    accepted.resolve();
  };
  const nodeServer = http2.createServer({ settings });
  nodeServer.on('session', onSession);
  nodeServer.on('sessionError', () => {});
  nodeServer.on('stream', (stream, headers) => handler(nodes(stream, headers), stream));
  const listener = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    if (serverKind === 'node') return void nodeServer.emit('connection', socket);
    const session = new Http2Session(socket, 'server', memory);
    onSession(session);
    session.on('stream', (stream) => handler(ours(stream), stream));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const socket = net.connect({ port: (listener.address() as net.AddressInfo).port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let client: Pair['client'];
  let call: Pair['call'];
  if (clientKind === 'ours') {
    const session = new Http2Session(socket, 'client', memory);
    await once(session, 'ready');
    call = (path, headers) => ours(session.request(Object.entries(requestHeaders(path, headers))));
    client = session;
  } else {
    const session = http2.connect('http://127.0.0.1', { createConnection: () => socket, settings });
    session.on('error', () => {});
    await once(session, 'remoteSettings');
    call = (path, headers) => nodes(session.request(requestHeaders(path, headers)));
    client = session;
  }
  await accepted.promise;
  t.after(() => {
    socket.destroy();
    listener.close();
  });
  return { call, memory, client, server: () => server! };
}

/** Sends as many bytes as it is asked for, reads all that comes, and says in its trailers what that was. */
export function exchange(call: Call): void {
  if (call.headers[':path'] !== '/exchange') return;
  call.respond({ ':status': '200', 'x-path': call.headers[':path'] });
  const sent = call.send(Number(call.headers['x-bytes']));
  void Promise.all([sent, call.received]).then(([sentHash, receivedHash]) =>
    call.end({ 'x-sent': sentHash, 'x-received': receivedHash }),
  );
}

export async function checkExchange({ call }: Pair, up: number, down: number): Promise<void> {
  const made = call('/exchange', { 'x-bytes': String(down) });
  const sent = made.send(up).then(() => made.end());
  const [response, received, trailers, error] = await Promise.all([
    made.response,
    made.received,
    made.trailers,
    made.closed,
    sent,
  ]);
  assert.equal(response[':status'], '200');
  assert.equal(response['x-path'], '/exchange');
  assert.equal(received, hashOf(down));
  assert.equal(trailers!['x-sent'], hashOf(down));
  assert.equal(trailers!['x-received'], hashOf(up));
  assert.equal(error, undefined);
}

export const pairings: ReadonlyArray<readonly [client: Kind, server: Kind]> = [
  ['ours', 'node'],
  ['node', 'ours'],
  ['ours', 'ours'],
];
