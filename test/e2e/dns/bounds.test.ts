/** What must end: answers within a client's patience, connections that are no use, a file that names a proxy that is gone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { eventually, repositoryRoot, Running, temporaryDirectory } from '@postern/testing';
import { stringify } from 'yaml';
import { ask, questionEnd, replyTo, startStub } from './stub-upstream.ts';
import { startProxy } from './world.ts';

/** Before glibc, musl, Go and dig give up. */
const patienceMs = 4800;
const address = Buffer.from('c00c000100010000003c00040a000001', 'hex');

function query(name: string, { id = 7, type = 1 } = {}): Buffer {
  const message = dnsPacket.encode({ type: 'query', id, flags: 0x100, questions: [{ type: 'A', name }] });
  message.writeUInt16BE(type, message.length - 4);
  return message;
}

function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
}

/** A connection that keeps what it receives. */
async function open(port: number): Promise<Socket & { received: Buffer; ended: boolean }> {
  const socket = Object.assign(connect({ port, host: '127.0.0.1', allowHalfOpen: true }), {
    received: Buffer.alloc(0),
    ended: false,
  });
  socket.on('data', (chunk) => (socket.received = Buffer.concat([socket.received, chunk])));
  socket.on('end', () => (socket.ended = true)).on('close', () => (socket.ended = true));
  socket.on('error', () => {});
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

async function askTcp(port: number, message: Buffer): Promise<Buffer> {
  const socket = await open(port);
  socket.write(framed(message));
  await eventually('a reply over TCP', () => socket.received.length > 2, 12_000);
  socket.destroy();
  return socket.received.subarray(2);
}

test('TCP: an upstream that takes connections and says nothing costs less than a client waits', async () => {
  await using silent = await startStub(() => undefined);
  await using good = await startStub((packet) => replyTo(packet, address, [1, 0, 0]));
  await using proxy = await startProxy({
    upstreams: [`127.0.0.1:${silent.port}`, `127.0.0.1:${good.port}`],
    admin: undefined,
    cache: { entries: 0 },
  });
  let startMs = performance.now();
  assert.equal((await askTcp(proxy.port, query('a.example')))[3]! & 15, 0);
  assert.ok(performance.now() - startMs < patienceMs);
  good.answer = () => undefined;
  startMs = performance.now();
  assert.equal((await askTcp(proxy.port, query('b.example')))[3]! & 15, 2, 'SERVFAIL');
  assert.ok(performance.now() - startMs < patienceMs, `${performance.now() - startMs} ms`);
});

test('a chain of routes whose parts are slow, and a truncated answer nobody completes, end in time too', async () => {
  const alias = (target: string): Buffer => {
    const name = query(target).subarray(12, -4);
    return Buffer.concat([Buffer.from([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, name.length]), name]);
  };
  const slow = new Set<string>();
  await using upstream = await startStub((packet, transport) => {
    const name = dnsPacket.decode(packet).questions![0]!.name;
    if (transport === 'tcp') return undefined;
    if (name === 'large.example') return replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8380);
    // Each link answers only at its third try.
    slow.add(`${name} ${slow.size}`);
    const tries = [...slow].filter((one) => one.startsWith(`${name} `)).length;
    const next = Number(name[1]) + 1;
    return tries < 3 ? undefined : replyTo(packet, alias(`p${next}.acme.example`), [1, 0, 0]);
  });
  const link = (i: number) => ({ source: `p${i}.acme.example`, destination: `d${i}.example` });
  await using proxy = await startProxy({
    upstreams: [`127.0.0.1:${upstream.port}`],
    admin: undefined,
    routes: [link(0), link(1), link(2), link(3), { source: 'big.acme.example', destination: 'large.example' }],
  });
  for (const name of ['p0.acme.example', 'big.acme.example']) {
    const startMs = performance.now();
    const reply = await ask(proxy.port, query(name));
    assert.equal(reply === undefined ? undefined : reply[3]! & 15, 2, name);
    assert.ok(performance.now() - startMs < patienceMs, `${name}: ${performance.now() - startMs} ms`);
  }
});

test('a reload leaves the questions that are open their second try', async () => {
  let isOpen = false;
  await using upstream = await startStub((packet) => (isOpen ? replyTo(packet, address, [1, 0, 0]) : undefined));
  await using proxy = await startProxy({
    upstreams: [`127.0.0.1:${upstream.port}`],
    admin: undefined,
    routes: [{ source: 'git.acme.example', destination: 'vpce.example' }],
  });
  proxy.write({ cache: { entries: 5 } });
  const names = ['git.acme.example', ...Array.from({ length: 20 }, (_, i) => `n${i}.example`)];
  const answers = names.map((name) => ask(proxy.port, query(name)));
  await eventually('all were asked', () => upstream.packets.length >= names.length);
  await proxy.running.line(/configuration reloaded/);
  isOpen = true;
  for (const [i, reply] of (await Promise.all(answers)).entries()) assert.equal(reply?.at(-1), 1, names[i]);
});

test('TCP: more connections than there is room for, half-closed ones, and what is no question', async () => {
  let isOpen = false;
  await using upstream = await startStub((packet) => (isOpen ? replyTo(packet, address, [1, 0, 0]) : undefined));
  await using proxy = await startProxy({ upstreams: [`127.0.0.1:${upstream.port}`], admin: undefined });

  const half = await open(proxy.port);
  half.write(Buffer.concat([framed(query('h1.example', { id: 1 })), framed(query('h2.example', { id: 2 }))]));
  half.end();
  await eventually('both were asked', () => upstream.packets.length >= 2);
  const idle: Awaited<ReturnType<typeof open>>[] = [];
  for (let i = 0; i < 560; i++) idle.push(await open(proxy.port));
  isOpen = true;
  const late = await askTcp(proxy.port, query('late.example', { id: 9 }));
  assert.equal(late.readUInt16BE(0), 9, 'the newest is served');
  await eventually('those that were silent longest have gone', () => idle.slice(0, 40).every((one) => one.ended));
  assert.equal(idle.at(-1)!.ended, false);
  await eventually('the half-closed one has both answers and is closed', () => half.ended);
  assert.equal(half.received.length, 2 * (2 + query('h1.example').length + address.length));
  for (const socket of idle) socket.destroy();

  const response = query('a.example');
  response[2] = 0x81;
  const wrong = await open(proxy.port);
  wrong.write(framed(response));
  await eventually('a response is no question', () => wrong.ended);
  assert.equal(wrong.received.length, 0);
});

test('a private name in an option of a question for another private name stays here', async () => {
  await using upstream = await startStub((packet) => replyTo(packet, address, [1, 0, 0]));
  await using proxy = await startProxy({
    admin: undefined,
    upstreams: [`127.0.0.1:${upstream.port}`],
    routes: [
      { source: 'git.acme.example', destination: 'vpce.example' },
      { source: 'db.acme.example', destination: 'db.example' },
    ],
  });
  for (const name of ['git.acme.example', 'db.acme.example']) {
    const data = query('db.acme.example').subarray(12, -4);
    const opt = Buffer.concat([
      Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, data.length + 4, 0xfd, 0xe9, 0, data.length]),
      data,
    ]);
    const message = Buffer.concat([query(name), opt]);
    message.writeUInt16BE(1, 10);
    assert.equal((await ask(proxy.port, message))![3]! & 15, 5, name);
  }
  assert.equal(upstream.packets.length, 0);
});

test('an update that is answered by a bare header is answered', async () => {
  await using upstream = await startStub((packet) => {
    const reply = Buffer.from(packet.subarray(0, 12));
    reply.writeUInt16BE(0xa800, 2);
    reply.fill(0, 4);
    return reply;
  });
  await using proxy = await startProxy({ admin: undefined, upstreams: [`127.0.0.1:${upstream.port}`] });
  const update = query('zone.example', { type: 6 });
  update.writeUInt16BE(5 << 11, 2);
  const reply = (await ask(proxy.port, update))!;
  assert.equal(reply.readUInt16BE(0), 7);
  assert.equal(reply.subarray(2).toString('hex'), 'a8000000000000000000');
  assert.equal(questionEnd(upstream.packets[0]!), update.length);
});

test('resolv.conf is restored also where the process ends because its launcher was killed', async () => {
  using dir = temporaryDirectory();
  const path = join(dir.path, 'resolv.conf');
  const original = 'nameserver 127.0.0.9\n';
  writeFileSync(path, original);
  const file = join(dir.path, 'dns-proxy.yaml');
  const head = { apiVersion: 'postern.dev/v1', kind: 'DNSProxy', listen: '127.0.0.1:0' };
  writeFileSync(file, stringify({ ...head, resolvConf: { path, rewrite: true } }));
  const launcher = join(repositoryRoot, 'tools/run.mjs');
  await using running = new Running(process.execPath, [
    launcher,
    'packages/cli/src/main.ts',
    'dns-proxy',
    '--config',
    file,
  ]);
  await running.line(/"ready"/);
  assert.match(readFileSync(path, 'utf8'), /^nameserver 127\.0\.0\.1\n/);
  assert.equal((await running.stop('SIGKILL')).signal, 'SIGKILL');
  assert.equal(readFileSync(path, 'utf8'), original);
});
