/** Upstreams that are dead, refuse, fail, or answer only over UDP; readiness; and SERVFAIL within a bound. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { eventually, need } from '@postern/testing';
import { ask, replyTo, startStub } from './stub-upstream.ts';
import { answersOf, dig, freePort, startDnsmasq, startProxy, statusOf } from './world.ts';

const address = Buffer.from('c00c000100010000000000040a000001', 'hex');
const query = (name: string): Buffer =>
  dnsPacket.encode({ type: 'query', id: 7, flags: 0x100, questions: [{ type: 'A', name }] });
const code = (reply: Buffer | undefined): number | undefined => (reply === undefined ? undefined : reply[3]! & 15);

async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const startMs = performance.now();
  return [await work, performance.now() - startMs];
}

test(
  'a dead first upstream costs the first question half a second and the others nothing',
  { skip: need('dnsmasq', 'dig') },
  async () => {
    // A socket that takes everything and says nothing, as a host behind a firewall.
    const dead = createSocket('udp4');
    await new Promise<void>((resolve) => dead.bind(0, '127.0.0.1', resolve));
    await using second = await startDnsmasq(['--address=/public.example/10.5.5.5']);
    await using proxy = await startProxy({
      upstreams: [`127.0.0.1:${dead.address().port}`, `127.0.0.1:${second.port}`],
      cache: { entries: 0 },
      admin: undefined,
      routes: [{ source: 'git.acme.example', destination: 'git.public.example' }],
    });
    const [first, firstMs] = await timed(dig(['git.acme.example'], proxy.port));
    assert.deepEqual(answersOf(first.stdout), ['git.acme.example. A 10.5.5.5']);
    assert.ok(firstMs < 2000, `${firstMs} ms`);
    for (let i = 0; i < 5; i++) {
      const [reply, ms] = await timed(ask(proxy.port, query(`n${i}.public.example`)));
      assert.equal(code(reply), 0);
      assert.ok(ms < 400, `question ${i}: ${ms} ms`);
    }
    const tcp = await dig(['git.acme.example', '+tcp'], proxy.port);
    assert.equal(statusOf(tcp.stdout), 'NOERROR');
    dead.close();
  },
);

test('an upstream that comes back is used again', async () => {
  await using second = await startStub((packet) => replyTo(packet, address, [1, 0, 0]));
  await using first = await startStub(() => undefined);
  await using proxy = await startProxy({
    admin: undefined,
    cache: { entries: 0 },
    upstreams: [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`],
  });
  assert.equal(code(await ask(proxy.port, query('a.example'))), 0);
  first.answer = (packet) => replyTo(packet, address, [1, 0, 0]);
  await eventually('the first answers alone', async () => {
    const before = second.packets.length;
    assert.equal(code(await ask(proxy.port, query('b.example'))), 0);
    return second.packets.length === before;
  });
});

test('refused, failing and unwilling upstreams: the next is asked at once, and its answer counts', async () => {
  const nobody = await freePort();
  await using failing = await startStub((packet) => replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8182));
  await using unwilling = await startStub((packet) => replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8185));
  await using good = await startStub((packet) => replyTo(packet, address, [1, 0, 0]));
  const at = (port: number) => `127.0.0.1:${port}`;
  const list = [at(nobody), at(failing.port), at(unwilling.port), at(good.port)];
  await using proxy = await startProxy({ admin: undefined, cache: { entries: 0 }, upstreams: list });
  const [reply, ms] = await timed(ask(proxy.port, query('a.example')));
  assert.equal(code(reply), 0);
  assert.ok(ms < 400, `${ms} ms`);
  good.answer = (packet) => replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8185);
  assert.equal(code(await ask(proxy.port, query('b.example'))), 5, 'nobody knows better: what the last one said');
});

test('nobody answers: SERVFAIL within four seconds, at once where nobody listens, and not ready', async () => {
  await using silent = await startStub(() => undefined);
  await using proxy = await startProxy({
    upstreams: [`127.0.0.1:${silent.port}`],
    routes: [{ source: 'a.acme', destination: 'b.acme' }],
  });
  const readyz = async (): Promise<[number, string]> => {
    const response = await fetch(`${proxy.admin}/readyz`);
    return [response.status, await response.text()];
  };
  for (const name of ['x.example', 'a.acme']) {
    const [reply, ms] = await timed(ask(proxy.port, query(name)));
    assert.equal(code(reply), 2);
    assert.ok(ms < 4700, `${ms} ms`);
  }
  await eventually('not ready', async () => {
    const [status, text] = await readyz();
    return status === 503 && text.includes('no upstream answers');
  });
  silent.answer = (packet) => replyTo(packet, address, [1, 0, 0]);
  await eventually('ready', async () => (await readyz())[0] === 200);
  const metrics = await (await fetch(`${proxy.admin}/metrics`)).text();
  assert.match(metrics, /outcomes_total\{outcome="malformed"\} 0\n/, 'the proxy does not count itself');
  silent.answer = () => undefined;
  await eventually('not ready again', async () => (await readyz())[0] === 503);

  await using refused = await startProxy({ admin: undefined, upstreams: [`127.0.0.1:${await freePort()}`] });
  const [reply, ms] = await timed(ask(refused.port, query('x.example')));
  assert.equal(code(reply), 2);
  assert.ok(ms < 1500, `${ms} ms`);
});

test('a large answer for a private name where the upstream is cut off over UDP: TCP, then truncated for the client', async () => {
  const texts = Buffer.concat(
    Array.from({ length: 10 }, () =>
      Buffer.concat([Buffer.from('c00c001000010000003c00c9c8', 'hex'), Buffer.alloc(200, 120)]),
    ),
  );
  await using upstream = await startStub((packet, transport) =>
    transport === 'tcp' ? replyTo(packet, texts, [10, 0, 0]) : replyTo(packet, Buffer.alloc(0), [0, 0, 0], 0x8380),
  );
  await using proxy = await startProxy({
    admin: undefined,
    upstreams: [`127.0.0.1:${upstream.port}`],
    routes: [{ source: 'git.acme.example', destination: 'git.public.example' }],
  });
  const message = query('git.acme.example');
  message.writeUInt16BE(16, message.length - 4);
  for (let i = 0; i < 2; i++) {
    const reply = (await ask(proxy.port, message))!;
    assert.ok(reply.length <= 512 && (reply[2]! & 2) === 2, 'truncated');
  }
  assert.equal(upstream.packets.length, 2, 'once over UDP, once over TCP, then from the cache');
});
