import { createServer, type Server, type Socket } from 'node:net';
import { type Host, parseHost } from '@postern/core';
import type { Proxy } from './proxy.ts';
import { refusals } from './refusal.ts';

/** SOCKS5 (RFC 1928): no authentication, CONNECT, names resolved by the agent. */

/** A greeting and a request are at most 257 + 262 bytes. */
const requestBytesMax = 600;
/** A caller in the same pod sends both at once. */
const requestMs = 10_000;

const commandNotSupported = 0x07;
const addressNotSupported = 0x08;
const generalFailure = 0x01;

export function createSocksProxy(proxy: Proxy): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void handle(proxy, socket));
}

async function handle(proxy: Proxy, socket: Socket): Promise<void> {
  socket.on('error', () => {});
  const request = await readRequest(socket);
  if (request === undefined) return;
  const { host, port, rest } = request;
  await proxy.serve('socks5', socket, host, port, {
    head: rest,
    accept: ({ resolvedAddress }) => void socket.write(reply(0x00, resolvedAddress)),
    refuse: (error) => void socket.end(reply(refusals[error.reset].socks)),
  });
}

interface Request {
  readonly host: Host;
  readonly port: number;
  /** What followed the request. */
  readonly rest: Buffer;
}

/** Reads greeting and request, answering the greeting; undefined when the socket was refused and ended. */
function readRequest(socket: Socket): Promise<Request | undefined> {
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0);
    let greeted = false;
    const timer = setTimeout(() => finish(undefined, 'destroy'), requestMs);
    const finish = (request: Request | undefined, how?: number | 'destroy' | Buffer): void => {
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.pause();
      if (how === 'destroy') socket.destroy();
      else if (how !== undefined) socket.end(typeof how === 'number' ? reply(how) : how);
      resolve(request);
    };
    const onEnd = (): void => finish(undefined, 'destroy');
    const onData = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      if (!greeted) {
        if (held[0] !== 5) return finish(undefined, 'destroy'); // not SOCKS5; nothing we could say would be understood
        const methods = held[1];
        if (methods === undefined || held.length < 2 + methods) return;
        if (!held.subarray(2, 2 + methods).includes(0)) return finish(undefined, Buffer.from([5, 0xff]));
        greeted = true;
        held = held.subarray(2 + methods);
        socket.write(Buffer.from([5, 0]));
      }
      const parsed = parseRequest(held);
      if (typeof parsed === 'number') finish(undefined, parsed);
      else if (parsed !== undefined) finish(parsed);
      else if (held.length > requestBytesMax) finish(undefined, 'destroy');
    };
    socket.on('data', onData);
    socket.once('end', onEnd);
    socket.once('close', () => finish(undefined));
  });
}

/** `5 command 0 type address port`; undefined: more bytes are needed; a number: the refusal. */
function parseRequest(bytes: Buffer): Request | number | undefined {
  if (bytes.length < 5) return undefined;
  if (bytes[0] !== 5) return generalFailure;
  const type = bytes[3]!;
  const length = type === 1 ? 4 : type === 4 ? 16 : type === 3 ? 1 + bytes[4]! : undefined;
  if (length === undefined) return addressNotSupported;
  if (bytes.length < 4 + length + 2) return undefined;
  if (bytes[1] !== 1) return commandNotSupported;
  const host = parseHost(addressText(type, bytes.subarray(4, 4 + length)));
  const port = bytes.readUInt16BE(4 + length);
  if (host.kind === 'invalid' || port === 0) return addressNotSupported;
  return { host, port, rest: bytes.subarray(4 + length + 2) };
}

function addressText(type: number, bytes: Buffer): string {
  if (type === 1) return bytes.join('.');
  if (type === 3) return bytes.subarray(1).toString('utf8');
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':');
}

/** `5 reply 0 type address port`; the bound address is the one the agent is connected to, where that is IPv4. */
function reply(code: number, address?: string): Buffer {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+):(\d+)$/.exec(address ?? '');
  if (match === null) return Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
  const [a, b, c, d, port] = match.slice(1).map(Number) as [number, number, number, number, number];
  return Buffer.from([5, code, 0, 1, a, b, c, d, port >> 8, port & 0xff]);
}
