/** A changed file is obeyed without a lost question; a broken one is told and ignored; the end is in good order. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { eventually, postern, temporaryDirectory } from '@postern/testing';
import { ask, replyTo, startStub } from './stub-upstream.ts';
import { startProxy } from './world.ts';

const address = (last: number): Buffer => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, last]);
const query = (name: string): Buffer =>
  dnsPacket.encode({ type: 'query', id: 7, flags: 0x100, questions: [{ type: 'A', name }] });
const head = { apiVersion: 'postern.dev/v1', kind: 'DNSProxy' };

test('a reload loses no question, and what was cached under the old routes is gone', async () => {
  await using upstream = await startStub((packet) => {
    const isDestination = packet.toString('latin1').includes('\x04vpce');
    return replyTo(packet, address(isDestination ? 2 : 1), [1, 0, 0]);
  });
  await using proxy = await startProxy({ upstreams: [`127.0.0.1:${upstream.port}`] });
  assert.equal((await ask(proxy.port, query('git.acme.example')))?.at(-1), 1);
  const running = new AbortController();
  let lost = 0;
  let asked = 0;
  const load = (async () => {
    while (!running.signal.aborted) {
      const reply = await ask(proxy.port, query(`n${asked++}.example`), 3000);
      if (reply === undefined || (reply[3]! & 15) !== 0) lost++;
    }
  })();
  for (let i = 0; i < 3; i++) {
    proxy.write({ routes: [{ source: 'git.acme.example', destination: `vpce.d${i}.example` }] });
    await eventually('the new destination', async () => {
      await ask(proxy.port, query('git.acme.example'));
      return upstream.packets.some((packet) => packet.toString('latin1').includes(`\x04vpce\x02d${i}`));
    });
  }
  assert.equal((await ask(proxy.port, query('git.acme.example')))?.at(-1), 2);

  proxy.write({ routes: [{ source: 'git.acme.example', destination: 'git.acme.example' }], upstream: [] });
  await proxy.running.line(/configuration not reloaded/);
  assert.match(proxy.running.stderr, /routes\[0\]\.destination: .*a loop/);
  assert.match(proxy.running.stderr, /unknown key, did you mean upstreams\?/);
  assert.equal((await ask(proxy.port, query('git.acme.example')))?.at(-1), 2, 'the configuration before stays');
  running.abort();
  await load;
  assert.equal(lost, 0, `${lost} of ${asked}`);
  assert.ok(asked > 20);

  // SIGTERM: what is open is answered (here at its second try), then 0.
  upstream.answer = () => undefined;
  const last = ask(proxy.port, query('last.example'));
  await eventually('it was asked', () =>
    upstream.packets.some((packet) => packet.toString('latin1').includes('\x04last')),
  );
  const ended = proxy.running.stop();
  upstream.answer = (packet) => replyTo(packet, address(3), [1, 0, 0]);
  assert.equal((await last)?.at(-1), 3);
  const { code, signal } = await ended;
  assert.deepEqual([code, signal], [0, null]);
});

test('resolv.conf is rewritten when ready, restored on exit, and survives a kill', async () => {
  await using upstream = await startStub((packet) => replyTo(packet, address(1), [1, 0, 0]));
  using dir = temporaryDirectory();
  const path = join(dir.path, 'resolv.conf');
  const original = 'nameserver 127.0.0.9\nsearch ns.svc.cluster.local corp.example\noptions ndots:5 timeout:2\n';
  writeFileSync(path, original);
  const config = {
    admin: undefined,
    upstreams: [`127.0.0.1:${upstream.port}`],
    resolvConf: { path, rewrite: true },
    routes: [{ source: 'git.acme.example', destination: 'vpce.example' }],
  };
  {
    await using proxy = await startProxy(config);
    const lines = readFileSync(path, 'utf8').split('\n');
    assert.deepEqual(lines.slice(0, 3), [
      'nameserver 127.0.0.1',
      'search ns.svc.cluster.local corp.example',
      'options ndots:5 timeout:2',
    ]);
    const product = await ask(proxy.port, query('git.acme.example.corp.example'));
    assert.equal(product![3]! & 15, 3, 'its search list is known');
    await proxy.running.stop('SIGKILL');
  }
  assert.match(readFileSync(path, 'utf8'), /^nameserver 127\.0\.0\.1\n/);
  {
    await using proxy = await startProxy(config);
    assert.equal((await proxy.running.stop()).code, 0);
  }
  assert.equal(readFileSync(path, 'utf8'), original);
  {
    await using proxy = await startProxy(config);
    writeFileSync(path, 'nameserver 10.9.9.9\n');
    await proxy.running.stop();
    assert.match(proxy.running.stderr, /somebody else has written the file/);
  }
  assert.equal(readFileSync(path, 'utf8'), 'nameserver 10.9.9.9\n');
});

test('what is wrong is told at once, with exit code 2, and nothing is started', async () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'c.yaml');
  const run = async (config: object): Promise<[number | null, string]> => {
    writeFileSync(file, JSON.stringify({ ...head, ...config }));
    const { code, stderr } = await postern(['dns-proxy', '--config', file]);
    return [code, stderr];
  };
  const resolv = join(dir.path, 'resolv.conf');
  writeFileSync(resolv, 'nameserver 127.0.0.1\n');
  const [loop, loopText] = await run({ resolvConf: { path: resolv } });
  assert.equal(loop, 2);
  assert.match(loopText, /names no resolver other than this proxy/);
  const [self, selfText] = await run({ listen: '127.0.0.1:5399', upstreams: ['127.0.0.1:5399'] });
  assert.equal(self, 2);
  assert.match(selfText, /upstreams\[0\]: is the address this proxy listens on: a loop/);
  const [wild, wildText] = await run({ listen: '0.0.0.0:5399', upstreams: ['127.0.0.3:5399'] });
  assert.equal(wild, 2);
  assert.match(wildText, /a loop/);
  const [missing, missingText] = await run({ resolvConf: { path: join(dir.path, 'none') } });
  assert.equal(missing, 2);
  assert.match(missingText, /none cannot be read/);
  const [nothing] = [await postern(['dns-proxy', '--config', join(dir.path, 'absent.yaml')])];
  assert.equal(nothing.code, 2);
  assert.equal((await postern(['dns-proxy'])).code, 2);
});

test('--engine coredns prints a Corefile', async () => {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'c.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      ...head,
      upstreams: ['10.0.0.10'],
      routes: [{ source: 'a.b.example', destination: 'c.example' }],
    }),
  );
  const { code, stdout } = await postern(['dns-proxy', '--config', file, '--engine', 'coredns']);
  assert.equal(code, 0);
  assert.match(stdout, /^\.:53 \{\n {4}bind 127\.0\.0\.1\n/m);
  assert.match(stdout, /rewrite stop name exact a\.b\.example\. c\.example\. answer auto/);
});
