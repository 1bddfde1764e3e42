/** What the proxy sends, byte by byte: relayed messages unchanged, private names nowhere but on their route, forgeries ignored. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { eventually } from '@postern/testing';
import { ask, questionEnd, replyTo, startStub } from './stub-upstream.ts';
import { startProxy } from './world.ts';

/** `c00c`, type 65280, class IN, TTL 60, five bytes of data that look like a pointer. */
const unknownRecord = Buffer.from('c00cff0000010000003c0005c00c00ff01', 'hex');
/** OPT with 1400 bytes, option 65001 = cafe, and the same as the upstream says it: another size, another value. */
const askedOpt = Buffer.from('0000290578000000000006fde90002cafe', 'hex');
const repliedOpt = Buffer.from('00002904d0000080000007fde90003c0ffee', 'hex');
const privateName = 'git.internal.acme.example';

function query(name: string, options: { id?: number; type?: number; opt?: Buffer } = {}): Buffer {
  const message = dnsPacket.encode({
    type: 'query',
    id: options.id ?? 0x1234,
    flags: 0x120,
    questions: [{ type: 'A', name }],
  });
  message.writeUInt16BE(options.type ?? 1, message.length - 4);
  if (options.opt === undefined) return message;
  message.writeUInt16BE(1, 10);
  return Buffer.concat([message, options.opt]);
}

const withoutId = (message: Buffer | undefined): string | undefined => message?.subarray(2).toString('hex');

test('an unrouted message is the same on both sides but for its id, also from the cache', async () => {
  let sent: Buffer | undefined;
  await using upstream = await startStub((packet) => {
    sent = replyTo(packet, Buffer.concat([unknownRecord, repliedOpt]), [1, 0, 1]);
    return sent;
  });
  await using proxy = await startProxy({ admin: undefined, upstreams: [`127.0.0.1:${upstream.port}`] });
  const asked = query('Odd.Example', { type: 65_280, opt: askedOpt });
  const first = await ask(proxy.port, asked);
  assert.equal(withoutId(upstream.packets[0]), withoutId(asked));
  assert.equal(first?.readUInt16BE(0), 0x1234);
  assert.equal(withoutId(first), withoutId(sent));
  const again = await ask(proxy.port, query('Odd.Example', { id: 0x4321, type: 65_280, opt: askedOpt }));
  assert.equal(again?.readUInt16BE(0), 0x4321);
  assert.equal(withoutId(again), withoutId(sent));
  assert.equal(upstream.packets.length, 1, 'the second came from the cache');
  const lower = await ask(proxy.port, query('odd.example', { type: 65_280, opt: askedOpt }));
  assert.equal(lower?.subarray(12, 25).toString('latin1'), '\x03odd\x07example\0', 'the case that was asked');
  assert.equal(upstream.packets.length, 1);
});

test('other kinds of message pass too: an update, a notification, a question with a record behind it', async () => {
  await using upstream = await startStub((packet) =>
    replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8005 | (packet.readUInt16BE(2) & 0x7800)),
  );
  await using proxy = await startProxy({
    admin: undefined,
    upstreams: [`127.0.0.1:${upstream.port}`],
    routes: [{ source: privateName, destination: 'vpce.example' }],
  });
  const record = Buffer.from('0161076578616d706c6500000100010000003c00040a000001', 'hex');
  for (const [opcode, counts] of [
    [4, [1, 0, 0]],
    [5, [0, 1, 0]],
    [0, [0, 0, 1]],
  ] as const) {
    const message = Buffer.concat([query('zone.example'), record]);
    message.writeUInt16BE(opcode << 11, 2);
    for (const [i, count] of counts.entries()) message.writeUInt16BE(count, 6 + 2 * i);
    const reply = await ask(proxy.port, message);
    assert.equal(withoutId(upstream.packets.at(-1)), withoutId(message));
    assert.equal(reply?.readUInt16BE(0), 0x1234);
    assert.equal(reply[3]! & 15, 5);
  }
  assert.equal(upstream.packets.length, 3);
});

test('a private name is in no packet to the default upstream, whatever is asked about it', async () => {
  await using upstream = await startStub((packet) => replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8183));
  await using route = await startStub((packet) =>
    replyTo(packet, Buffer.from('c00c000100010000003c00040a000001', 'hex'), [1, 0, 0]),
  );
  await using proxy = await startProxy({
    upstreams: [`127.0.0.1:${upstream.port}`],
    routes: [
      { source: privateName, destination: 'vpce.example' },
      { source: 'own.internal.acme.example', destination: 'own.example', resolverIP: `127.0.0.1:${route.port}` },
    ],
  });
  const messages: Buffer[] = [];
  for (const type of [1, 28, 5, 6, 16, 33, 43, 46, 64, 65, 251, 252, 255, 65_280])
    messages.push(query(privateName, { type }));
  messages.push(
    query(privateName.toUpperCase()),
    query(`${privateName}.ns.svc.cluster.local`),
    query(`${privateName}.cluster.local`),
  );
  messages.push(query(privateName, { opt: askedOpt }), query('own.internal.acme.example'));
  for (const opcode of [1, 2, 4, 5, 15]) {
    const message = query(privateName);
    message.writeUInt16BE(opcode << 11, 2);
    messages.push(message);
  }
  // An update that adds the private name, once written out and once pointing into its zone; a chaos query; bytes behind the end.
  const zone = query('internal.acme.example');
  zone.writeUInt16BE(5 << 11, 2);
  zone.writeUInt16BE(1, 8);
  messages.push(Buffer.concat([zone, Buffer.from('03676974c00c00010001000000000000', 'hex')]));
  messages.push(Buffer.concat([zone, query(privateName).subarray(12, -4), Buffer.from('00010001000000000000', 'hex')]));
  const chaos = query(privateName);
  chaos.writeUInt16BE(3, chaos.length - 2);
  messages.push(chaos, Buffer.concat([query('a.example'), query(privateName)]));
  for (const message of messages) {
    const reply = await ask(proxy.port, message);
    assert.ok(reply, message.toString('hex'));
  }
  await fetch(`${proxy.admin}/readyz`);
  const wire = keyBytes(privateName);
  const own = keyBytes('own.internal.acme.example');
  for (const packet of [...upstream.packets, ...route.packets]) {
    const text = packet.toString('latin1').toLowerCase();
    assert.ok(!text.includes(wire) && !text.includes(own), packet.toString('hex'));
    assert.doesNotMatch(text, /git.internal/);
  }
  assert.ok(upstream.packets.length > 5);
  assert.ok(
    route.packets.length >= 1 &&
      route.packets.every((packet) => packet.toString('latin1').includes('\x03own\x07example')),
  );
  const metrics = await (await fetch(`${proxy.admin}/metrics`)).text();
  assert.match(metrics, /postern_dns_route_queries_total\{route="own\.internal\.acme\.example"\} 1/);
  assert.match(metrics, /postern_dns_outcomes_total\{outcome="search_product"\} 2/);
});

function keyBytes(name: string): string {
  return name
    .split('.')
    .map((label) => String.fromCharCode(label.length) + label)
    .join('');
}

test('ids and ports are random, and a reply to another question or from nobody is not believed', async () => {
  await using upstream = await startStub((packet) =>
    replyTo(packet, Buffer.from('c00c000100010000000000040a000001', 'hex'), [1, 0, 0]),
  );
  await using proxy = await startProxy({ admin: undefined, upstreams: [`127.0.0.1:${upstream.port}`] });
  for (let i = 0; i < 300; i++) await ask(proxy.port, query(`n${i}.example`));
  assert.ok(new Set(upstream.packets.map((packet) => packet.readUInt16BE(0))).size > 290, 'ids');
  assert.ok(new Set(upstream.ports).size > 50, `${new Set(upstream.ports).size} ports`);

  const good = Buffer.from('c00c000100010000000000040a000001', 'hex');
  const evil = Buffer.from('c00c000100010000000000046666ffff', 'hex');
  for (const forge of [
    (packet: Buffer) => {
      const other = Buffer.from(packet);
      other[13] = other[13]! ^ 1;
      return replyTo(other, evil, [1, 0, 0]);
    },
    (packet: Buffer) => {
      const other = replyTo(packet, evil, [1, 0, 0]);
      other.writeUInt16BE((packet.readUInt16BE(0) + 1) & 0xffff, 0);
      return other;
    },
    (packet: Buffer) => packet, // the question itself
    () => Buffer.from('00', 'hex'),
  ]) {
    let tries = 0;
    upstream.answer = (packet) => (++tries === 1 ? forge(packet) : replyTo(packet, good, [1, 0, 0]));
    const reply = await ask(proxy.port, query(`forged${tries}${Math.random()}.example`));
    assert.equal(reply?.subarray(-4).toString('hex'), '0a000001');
    assert.ok(tries > 1);
  }
});

test('a rewritten answer has no signature, no AD, and the owner of the question', async () => {
  const signature = Buffer.from('c00c002e00010000003c001600010d0200000e10ffffffff00000000000101610000', 'hex');
  const address = Buffer.from('c00c000100010000003c00040a000001', 'hex');
  await using upstream = await startStub((packet) =>
    replyTo(packet, Buffer.concat([address, signature]), [2, 0, 0], 0x85a0),
  );
  await using proxy = await startProxy({
    admin: undefined,
    upstreams: [`127.0.0.1:${upstream.port}`],
    routes: [{ source: privateName, destination: 'vpce.example' }],
  });
  const reply = (await ask(
    proxy.port,
    query('Git.Internal.acme.example', { opt: Buffer.from('0000290578000080000000', 'hex') }),
  ))!;
  assert.equal(reply.readUInt16BE(2) & 0x0420, 0, 'neither AA nor AD');
  const decoded = dnsPacket.decode(reply);
  assert.deepEqual(
    decoded.answers?.map((a) => [a.name, a.type]),
    [['Git.Internal.acme.example', 'A']],
  );
  assert.equal(questionEnd(upstream.packets[0]!), 12 + 14 + 4);
});

test('AAAA that the upstream calls a missing name, though it has an address, is empty and no error', async () => {
  await using upstream = await startStub((packet) =>
    packet.readUInt16BE(questionEnd(packet) - 4) === 1
      ? replyTo(packet, Buffer.from('c00c000100010000003c00040a000001', 'hex'), [1, 0, 0])
      : replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8183),
  );
  await using proxy = await startProxy({
    admin: undefined,
    upstreams: [`127.0.0.1:${upstream.port}`],
    routes: [{ source: privateName, destination: 'vpce.example' }],
  });
  const reply = (await ask(proxy.port, query(privateName, { type: 28 })))!;
  assert.equal(reply[3]! & 15, 0);
  // What Go's resolver asks of an empty answer before it believes it (net/dnsclient_unix.go: lame referral).
  upstream.answer = (packet) => replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8500);
  const empty = (await ask(proxy.port, query(privateName, { type: 28 })))!;
  assert.equal(empty.readUInt16BE(2) & 0x0080, 0x0080, 'RA');
});

test('TCP: questions one after another on a connection, in pieces, and answers to each; a zone transfer streams', async () => {
  await using upstream = await startStub((packet) =>
    replyTo(packet, Buffer.from('c00c000100010000003c00040a000001', 'hex'), [1, 0, 0]),
  );
  await using proxy = await startProxy({ admin: undefined, upstreams: [`127.0.0.1:${upstream.port}`] });
  const socket = connect(proxy.port, '127.0.0.1');
  const received: Buffer[] = [];
  socket.on('data', (chunk) => received.push(chunk));
  const framed = (message: Buffer) =>
    Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
  const all = Buffer.concat([1, 2, 3].map((id) => framed(query(`tcp${id}.example`, { id }))));
  for (const byte of all) socket.write(Buffer.of(byte));
  const bytes = 3 * (2 + query('tcp1.example').length + 16);
  await eventually('three replies', () => Buffer.concat(received).length === bytes);
  const transfer = query('zone.example', { type: 252, id: 9 });
  socket.write(framed(transfer));
  await eventually('the transfer', () => Buffer.concat(received).length > bytes);
  assert.equal(Buffer.concat(received).readUInt16BE(bytes + 2), 9);
  assert.equal(withoutId(upstream.packets.at(-1)), withoutId(transfer));
  socket.destroy();
});

test('many who ask for one private name at once cause one question, and each gets its own id and spelling', async () => {
  let isOpen = false;
  await using upstream = await startStub((packet) =>
    isOpen ? replyTo(packet, Buffer.from('c00c000100010000000000040a000001', 'hex'), [1, 0, 0]) : undefined,
  );
  await using proxy = await startProxy({
    admin: undefined,
    upstreams: [`127.0.0.1:${upstream.port}`],
    routes: [{ source: privateName, destination: 'vpce.example' }],
  });
  const names = Array.from({ length: 40 }, (_, i) =>
    privateName.replace(/./g, (c, at) => (((i >> (at % 6)) & 1) === 1 ? c.toUpperCase() : c)),
  );
  const replies = names.map((name, id) => ask(proxy.port, query(name, { id })));
  await eventually('it was asked', () => upstream.packets.length > 0);
  isOpen = true; // answered at its second try
  for (const [id, reply] of (await Promise.all(replies)).entries()) {
    assert.equal(reply?.readUInt16BE(0), id);
    assert.equal(dnsPacket.decode(reply).questions?.[0]?.name, names[id]);
    assert.equal(reply?.readUInt16BE(6), 1);
  }
  assert.equal(upstream.packets.length, 2);
});
