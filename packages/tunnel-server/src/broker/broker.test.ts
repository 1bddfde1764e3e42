/** The data path whole, in one process: real sockets, real HTTP/2 (without TLS), an agent, a client and the broker between them. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { parseHostPort } from '@postern/core';
import { silentLogger } from '@postern/daemon';
import { eventually } from '@postern/testing';
import { Acceptor } from '@postern/tunnel/agent';
import { createForward, createSocksProxy, Proxy } from '@postern/tunnel/client';
import { Http2Session } from '@postern/tunnel/http2';
import { LinkSession } from '@postern/tunnel/link';
import { compilePolicy, policySchema } from '@postern/tunnel/policy';
import { callHeaders, MemoryBudget, Sweeper } from '@postern/tunnel/transport';
import { dataHeader, finFrame, grpcPaths, openedFrame } from '@postern/tunnel/wire';
import { Broker } from './broker.ts';
import type { ConnectionOutcome } from './connection.ts';
import { PeerSession } from './session.ts';

const policy = compilePolicy(
  policySchema.parse({
    apiVersion: 'postern.dev/v1',
    kind: 'TunnelPolicy',
    rules: [
      {
        name: 'all',
        clients: ['client@x.example'],
        agents: ['agent@x.example'],
        destinations: ['127.0.0.0/29:*', '10.0.0.0/8:81'],
      },
      { name: 'pieces', clients: ['client@x.example'], agents: ['pieces@x.example'], destinations: ['127.0.0.9/32:*'] },
    ],
  }),
);
const allow = policySchema.parse({
  apiVersion: 'postern.dev/v1',
  kind: 'TunnelPolicy',
  rules: [{ name: 'a', clients: ['a@b'], agents: ['a@b'], destinations: ['127.0.0.1/32:*'] }],
}).rules[0]!.destinations;

const events: Array<{ event: string; outcome: ConnectionOutcome }> = [];
const log = (event: string) => (_: unknown, outcome: ConnectionOutcome) => void events.push({ event, outcome });
const budget = new MemoryBudget(256 * 2 ** 20);
const sweeper = new Sweeper({ idleMs: undefined, halfClosedMs: 60_000 });
const broker = new Broker({
  sweeper,
  random: Math.random,
  policy: () => policy,
  openTimeoutMs: () => 5000,
  events: {
    connectionOpen: log('open'),
    connectionRefuse: log('refuse'),
    connectionClose: log('close'),
    agentPause: () => {},
    agentResume: () => {},
  },
});
const http2 = createServer();
const cleanups: Array<() => void> = [];
let nextIdentity = '';
let proxy: Proxy;

/** What the target does with a connection; set by each test. */
let target: (socket: Socket) => void = () => {};
const targetServer = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  target(socket);
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function peer(identity: string, role: 'agent' | 'client', port: number): Promise<LinkSession> {
  nextIdentity = identity;
  const session = new Http2Session(connect(port, '127.0.0.1'), 'client', budget);
  await once(session, 'ready');
  cleanups.push(() => session.destroy());
  const link = new LinkSession(session, { chainPem: '', keyPem: '', issuedAtMs: 0, lifetimeMs: 1e9, clockSkewMs: 0 });
  await link.register({ role, instance: identity, version: 'test' }, () => {});
  return link;
}

let forwardPort: number;
let socksPort: number;
let targetPort: number;

before(async () => {
  http2.on('connection', (socket) => {
    const session = new Http2Session(socket, 'server', budget);
    const peerSession = new PeerSession(
      session,
      { id: nextIdentity, identity: nextIdentity, peer: '', serial: '', lineage: '', sinceMs: 0 },
      Date.now() + 1e9,
      { now: Date.now, onEnd: (s) => broker.sessions.delete(s) },
    );
    broker.sessions.add(peerSession);
    session.on('stream', (stream) => {
      const headers = stream.headers!;
      if (headers[':path'] === grpcPaths.connect)
        broker.connect(peerSession, stream, String(headers['postern-target']));
      else if (headers[':path'] === grpcPaths.accept) broker.accept(peerSession, stream);
      else broker.register(peerSession, stream);
    });
  });
  const port = await listening(http2);
  const agent = await peer('agent@x.example', 'agent', port);
  new Acceptor(agent, {
    dialOptions: () => ({ allow, resolver: {}, dialTimeoutMs: 3000 }),
    budget,
    sweeper,
    log: silentLogger,
    onOutcome: () => {},
  }).fill();
  const client = await peer('client@x.example', 'client', port);
  proxy = new Proxy({
    link: { whenReady: () => Promise.resolve(client), state: { kind: 'ready', session: client } },
    budget,
    sweeper,
    log: silentLogger,
    dialTimeoutMs: 3000,
    onOutcome: () => {},
  });
  targetPort = await listening(targetServer);
  const to = parseHostPort(`127.0.0.1:${targetPort}`);
  assert.ok('host' in to);
  forwardPort = await listening(createForward(proxy, to));
  socksPort = await listening(createSocksProxy(proxy));
});

after(() => {
  for (const cleanup of cleanups.toReversed()) cleanup();
});

function dialForward(): Socket {
  const socket = connect({ port: forwardPort, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  return socket;
}

const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

function readAll(socket: Socket): Promise<string> {
  const hash = createHash('sha256');
  socket.on('data', (chunk: Buffer) => hash.update(chunk));
  return new Promise((resolve, reject) => {
    socket.once('end', () => resolve(hash.digest('hex')));
    socket.once('error', reject);
  });
}

const megabytes = randomBytes(40 * 2 ** 20);

test('bytes arrive whole both ways at once', async () => {
  const received = new Promise<string>((resolve, reject) => {
    target = (socket) => {
      readAll(socket).then(resolve, reject);
      socket.end(megabytes);
    };
  });
  const socket = dialForward();
  socket.end(megabytes);
  const [there, back] = await Promise.all([received, readAll(socket)]);
  assert.equal(there, sha(megabytes));
  assert.equal(back, sha(megabytes));
});

test('the client half-closes first, and the target answers long after', async () => {
  target = (socket) => {
    void readAll(socket).then((hash) => {
      socket.write(hash);
      socket.end(megabytes);
    });
  };
  const socket = dialForward();
  socket.end('question');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const answer = Buffer.concat(chunks);
  assert.equal(answer.subarray(0, 64).toString(), sha(Buffer.from('question')));
  assert.equal(sha(answer.subarray(64)), sha(megabytes));
});

test('the target half-closes first, and the client sends long after', async () => {
  const received = new Promise<string>((resolve, reject) => {
    target = (socket) => {
      socket.end('hello and goodbye');
      readAll(socket).then(resolve, reject);
    };
  });
  const socket = dialForward();
  assert.equal(await readAll(socket), sha(Buffer.from('hello and goodbye')));
  socket.end(megabytes);
  assert.equal(await received, sha(megabytes));
});

test('a reset stays a reset, in both directions', async () => {
  const lost = new Promise<string>((resolve) => {
    target = (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      socket.resume();
      socket.write('x');
    };
  });
  const first = dialForward();
  await once(first, 'data');
  first.resetAndDestroy();
  assert.equal(await lost, 'ECONNRESET');

  target = (socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  };
  const second = connect({ port: forwardPort, host: '127.0.0.1' });
  second.write('x');
  const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
});

test('a stalled reader stops its own sender, is bounded, and stops nobody else', async () => {
  let sent = 0;
  target = (socket) => {
    const push = (): void => {
      while (socket.write(megabytes.subarray(0, 65_536))) sent += 65_536;
      socket.once('drain', push);
    };
    push();
  };
  const stalled = dialForward();
  await once(stalled, 'readable');
  // It stops when every buffer on the way is full: wait until it has made no progress for a while.
  let last = -1;
  await eventually('the sender to stop', async () => {
    if (sent === last) return true;
    last = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return false;
  });
  assert.ok(sent < 80 * 2 ** 20, `${sent} bytes were taken from the sender`);
  target = (socket) => void socket.end(megabytes);
  const other = dialForward();
  other.end();
  assert.equal(await readAll(other), sha(megabytes));
  stalled.destroy();
});

test('a reader that takes its time gets everything: no timer cuts what both ends have finished', async () => {
  target = (socket) => {
    socket.resume();
    socket.end(megabytes.subarray(0, 12 * 2 ** 20));
  };
  const socket = dialForward();
  socket.end();
  // Longer than any grace period that was ever in the code (5 s).
  const untilMs = performance.now() + 7000;
  await eventually('time to pass', () => performance.now() > untilMs);
  assert.equal(await readAll(socket), sha(megabytes.subarray(0, 12 * 2 ** 20)));
});

test('a refused destination is told apart, and audited with its reason', async () => {
  const refuse = async (host: Buffer, port: number): Promise<number> => {
    const socket = connect({ port: socksPort, host: '127.0.0.1' });
    socket.write(Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0]), host, Buffer.from([port >> 8, port & 255])]));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks)[3]!;
  };
  const unused = createServer();
  unused.listen(0, '127.0.0.1');
  await once(unused, 'listening');
  const { port } = unused.address() as AddressInfo;
  unused.close();
  await once(unused, 'close');
  assert.equal(await refuse(Buffer.from([1, 127, 0, 0, 1]), port), 0x05);
  assert.equal(await refuse(Buffer.from([1, 10, 0, 0, 1]), 80), 0x02, 'the policy');
  assert.equal(await refuse(Buffer.from([1, 127, 0, 0, 2]), 80), 0x02, "the agent's list");
  const reasons = events.filter(({ event }) => event === 'refuse').map(({ outcome }) => outcome.reset?.code);
  assert.deepEqual(reasons.slice(-3), ['REFUSED', 'DENIED', 'DENIED_BY_AGENT']);
});

test('an agent whose Opened comes byte by byte, with data in the same piece', async () => {
  const agent = await peer('pieces@x.example', 'agent', (http2.address() as AddressInfo).port);
  const call = agent.http2.request(callHeaders(grpcPaths.accept));
  call.once('response', () => {
    const opened = openedFrame('127.0.0.9:1');
    void (async () => {
      for (const byte of opened.subarray(0, -1)) {
        call.write(Buffer.from([byte]));
        await new Promise((turn) => setImmediate(turn));
      }
      call.write(Buffer.concat([opened.subarray(-1), dataHeader(5), Buffer.from('hello'), finFrame]));
    })();
  });
  const socket = connect({ port: socksPort, host: '127.0.0.1' });
  socket.write(Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 9, 0, 1]));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  assert.equal(Buffer.concat(chunks).subarray(12).toString(), 'hello');
  agent.http2.destroy();
});

test('many connections, many sizes, nothing lost and nothing left', async () => {
  target = (socket) => void socket.pipe(socket);
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const data = megabytes.subarray(i * 1000, i * 1000 + i * 997 + 1);
      const socket = dialForward();
      socket.end(data);
      assert.equal(await readAll(socket), sha(data));
    }),
  );
  await eventually('all to be closed', () => broker.connections.size === 0);
  const closed = events.filter(({ event, outcome }) => event === 'close' && outcome.bytesFromClient === 199 * 997 + 1);
  assert.equal(closed.length, 1);
  assert.equal(closed[0]!.outcome.bytesFromAgent, 199 * 997 + 1);
});
