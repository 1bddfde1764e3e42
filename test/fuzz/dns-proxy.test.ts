/**
 * The running proxy under damaged packets, from clients and from its upstream, for a bounded time (POSTERN_FUZZ_SECONDS, default 5). It
 * must go on answering, answer nothing to what is no question, nothing but FORMERR to what cannot be read, stay within its memory,
 * and put the private name into no packet to the default upstream.
 */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { eventually } from '@postern/testing';
import { ask, replyTo, startStub } from '../e2e/dns/stub-upstream.ts';
import { startProxy } from '../e2e/dns/world.ts';

const seconds = Number(process.env['POSTERN_FUZZ_SECONDS'] ?? 5);
const seed = Number(process.env['POSTERN_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const privateName = 'git.internal.acme.example';
const rssMiBMax = 120;

/** Mulberry32: small, and the seed repeats a run. */
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
let state = seed;
const below = (n: number): number => Math.floor(random() * n);

function damaged(message: Buffer): Buffer {
  let bytes = Buffer.from(message);
  for (let i = below(6); i > 0; i--) {
    const at = below(bytes.length + 1);
    switch (below(5)) {
      case 0:
        if (at < bytes.length) bytes[at] = below(256);
        break;
      case 1:
        bytes = bytes.subarray(0, at);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([0xc0, below(64)]), bytes.subarray(at)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        break;
      default:
        if (bytes.length > 12) bytes[4 + below(8)] = below(4);
    }
  }
  return bytes.subarray(0, 4096);
}

function seeds(): Buffer[] {
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    options: [{ code: 10, data: Buffer.alloc(8) }],
  } as unknown as dnsPacket.Answer;
  const encode = (name: string, more: dnsPacket.Packet = {}): Buffer =>
    dnsPacket.encode({ type: 'query', id: below(65_536), flags: 0x100, questions: [{ type: 'A', name }], ...more });
  const record: dnsPacket.Answer = { type: 'MX', name: 'a.example', data: { preference: 1, exchange: 'b.example' } };
  return [
    encode('a.example'),
    encode(privateName),
    encode(privateName, { additionals: [opt] }),
    encode('internal.acme.example', { authorities: [{ type: 'A', name: privateName, data: '10.0.0.1' }] }),
    encode('b.example', { additionals: [opt] }),
    encode('c.example', { answers: [record, record] }),
  ];
}

const wire = privateName
  .split('.')
  .map((label) => String.fromCharCode(label.length) + label)
  .join('');

/** Anywhere in the packet, but as the end of the name asked for: a name below a private one is another name. */
function mentionsPrivateName(packet: Buffer): boolean {
  const text = packet.toString('latin1').toLowerCase();
  let at = 12;
  while (at < packet.length && !text.startsWith(`${wire}\0`, at) && packet[at] !== 0) at += 1 + packet[at]!;
  const isBelow = at > 12 && text.startsWith(`${wire}\0`, at);
  return `${text.slice(0, 12)}${isBelow ? text.slice(at + wire.length + 1) : text.slice(12)}`.includes(`${wire}\0`);
}

test(`damaged packets for ${seconds} s (seed ${seed})`, { timeout: (seconds + 60) * 1000 }, async () => {
  const good = Buffer.from('c00c000100010000003c00040a000001', 'hex');
  const alias = Buffer.from('c00c000500010000003c0002c00cc00c000100010000003c00040a000001', 'hex');
  await using upstream = await startStub((packet) => {
    const reply = replyTo(packet, below(2) === 0 ? good : alias, below(2) === 0 ? [1, 0, 0] : [2, 0, 0]);
    return below(3) === 0 ? damaged(reply) : reply;
  });
  const leaks: string[] = [];
  const count = { packets: 0 };
  const look = setInterval(() => {
    for (const packet of upstream.packets.splice(0)) {
      count.packets++;
      if (mentionsPrivateName(packet)) leaks.push(packet.toString('hex'));
    }
  }, 50).unref();
  await using proxy = await startProxy({
    upstreams: [`127.0.0.1:${upstream.port}`],
    routes: [{ source: privateName, destination: 'vpce.example' }],
  });

  const client = createSocket('udp4');
  await new Promise<void>((resolve) => client.connect(proxy.port, '127.0.0.1', resolve));
  const sent = new Map<number, Buffer>();
  const wrong: string[] = [];
  client.on('error', () => {});
  client.on('message', (reply) => {
    const asked = reply.length < 12 ? undefined : sent.get(reply.readUInt16BE(0));
    if (asked === undefined || asked.length < 12 || (asked[2]! & 0x80) !== 0)
      wrong.push(`answer to nothing: ${reply.toString('hex')}`);
    else if (!isReadable(asked) && ![1, 4].includes(reply[3]! & 15))
      wrong.push(`${asked.toString('hex')} -> ${reply.toString('hex')}`);
  });
  const endMs = performance.now() + seconds * 1000;
  let id = 0;
  // Each id once: a reply that comes late must not be held against a later message.
  while (performance.now() < endMs && id < 65_000) {
    for (let i = 0; i < 50; i++) {
      const message = damaged(seeds()[below(6)]!);
      id += 1;
      if (message.length >= 2) message.writeUInt16BE(id, 0);
      sent.set(id, message);
      client.send(message);
    }
    if (below(10) === 0) {
      const socket = connect(proxy.port, '127.0.0.1');
      socket
        .on('error', () => {})
        .on('connect', () => socket.end(damaged(Buffer.concat([Buffer.from([0, 30]), seeds()[below(6)]!]))));
      socket.resume();
    }
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  client.close();

  upstream.answer = (packet) => replyTo(packet, good, [1, 0, 0]);
  await eventually('it still answers', async () => {
    // New names: what the damaged replies left in the cache is theirs to keep.
    const fresh = dnsPacket.encode({
      type: 'query',
      id: 1,
      questions: [{ type: 'A', name: `n${below(1e9)}.example` }],
    });
    const reply = await ask(proxy.port, fresh, 1000);
    return reply !== undefined && (reply[3]! & 15) === 0 && reply.readUInt16BE(6) === 1;
  });
  clearInterval(look);
  assert.deepEqual(wrong.slice(0, 3), []);
  assert.deepEqual(leaks.slice(0, 3), []);
  assert.ok(count.packets > 100, `${count.packets} packets came through`);
  assert.doesNotMatch(proxy.running.stderr, /internal error/);
  if (process.platform === 'linux') {
    const rssKiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${proxy.running.child.pid}/status`, 'utf8'))?.[1]);
    assert.ok(rssKiB / 1024 < rssMiBMax, `${rssKiB} KiB resident`);
  }
});

/** A reader of its own, so that the proxy is not judged by itself: one question with a plain name, and records that fill the message. */
function isReadable(message: Buffer): boolean {
  let at = 12;
  if (message.readUInt16BE(4) !== 1) return false;
  const name = (isQuestion: boolean): boolean => {
    for (let bytes = 0; ;) {
      const length = message[at];
      if (length === undefined) return false;
      if (length >= 0xc0 && !isQuestion) {
        at += 2;
        return at <= message.length;
      }
      if (length > 63) return false;
      at += 1 + length;
      bytes += 1 + length;
      if (bytes > 255) return false;
      if (length === 0) return true;
    }
  };
  if (!name(true) || at + 4 > message.length) return false;
  at += 4;
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  for (let i = 0; i < records; i++) {
    if (!name(false) || at + 10 > message.length) return false;
    at += 10 + message.readUInt16BE(at + 8);
    if (at > message.length) return false;
  }
  return at === message.length;
}
