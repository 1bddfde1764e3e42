/** The admin endpoint against real HTTP: readiness, metrics, tokens, hosts that are not ours, large and slow requests. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { PosternError, Secret } from '@postern/core';
import { Counter, Registry } from 'prom-client';
import { type AdminOptions, type AdminServer, isLoopback, startAdmin } from './admin.ts';

async function admin(options: Partial<AdminOptions> = {}): Promise<AdminServer & AsyncDisposable> {
  const registry = new Registry();
  new Counter({ name: 'postern_things_total', help: 'Things.', registers: [registry] }).inc(3);
  const server = await startAdmin({
    listen: { host: '127.0.0.1', port: 0 },
    registry,
    notReady: () => undefined,
    ...options,
  });
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
}

async function ask(
  server: AdminServer,
  path: string,
  init: { method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: string; type: string }> {
  // node:http and not fetch: a test sets the Host header.
  const call = request({
    ...server.address,
    path,
    method: init.method ?? 'GET',
    ...(init.headers === undefined ? {} : { headers: init.headers }),
  });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode!, body, type: response.headers['content-type'] ?? '' };
}

test('readiness is what the daemon says, health is that it answers', async () => {
  let reason: string | undefined = 'not connected yet';
  await using server = await admin({ notReady: () => reason });
  assert.deepEqual(await ask(server, '/readyz').then((r) => [r.status, r.body]), [503, 'not connected yet\n']);
  assert.equal((await ask(server, '/healthz')).status, 200);
  reason = undefined;
  assert.equal((await ask(server, '/readyz')).status, 200);
});

test('metrics are Prometheus text', async () => {
  await using server = await admin();
  const { status, body, type } = await ask(server, '/metrics');
  assert.equal(status, 200);
  assert.match(type, /^text\/plain; version=/);
  assert.match(body, /^postern_things_total 3$/m);
});

test('routes answer by method; what throws is a 500 and the server lives on', async () => {
  await using server = await admin({
    routes: {
      '/status': (_request, url) => ({ contentType: 'application/json', body: `{"q":"${url.searchParams.get('q')}"}` }),
      'POST /pause': () => ({ status: 202, body: 'paused\n' }),
      '/broken': () => {
        throw new Error('broken inside');
      },
    },
  });
  assert.deepEqual(await ask(server, '/status?q=1'), { status: 200, body: '{"q":"1"}', type: 'application/json' });
  assert.equal((await ask(server, '/status', { method: 'HEAD' })).body, '');
  assert.equal((await ask(server, '/pause', { method: 'POST' })).status, 202);
  assert.equal((await ask(server, '/pause')).status, 404);
  assert.equal((await ask(server, '/status', { method: 'POST' })).status, 404);
  assert.equal((await ask(server, '/broken')).status, 500);
  assert.equal((await ask(server, '/constructor')).status, 404);
  assert.equal((await ask(server, '//evil/../x')).status, 404);
});

test('a name that is not ours in the Host header is refused: DNS rebinding', async () => {
  await using server = await admin();
  for (const host of ['evil.example', 'evil.example:9090', '127.0.0.1.evil.example', '10.0.0.1'])
    assert.equal((await ask(server, '/metrics', { headers: { host } })).status, 403, host);
  for (const host of ['localhost', 'localhost:9090', '127.0.0.1:1', '[::1]:9090'])
    assert.equal((await ask(server, '/metrics', { headers: { host } })).status, 200, host);
});

test('with a token, all but the probes need it', async () => {
  await using server = await admin({ token: new Secret('long and random') });
  assert.equal((await ask(server, '/readyz')).status, 200);
  for (const authorization of ['', 'Bearer wrong', 'Basic long and random'])
    assert.equal((await ask(server, '/metrics', { headers: { authorization } })).status, 401, authorization);
  assert.equal(
    (await ask(server, '/metrics', { headers: { authorization: 'Bearer long and random', host: 'x.example' } })).status,
    200,
  );
});

test('an address for everybody without a token is refused before anything listens', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1'])
    await assert.rejects(
      admin({ listen: { host, port: 0 } }),
      (error) => error instanceof PosternError && error.exitCode === 2 && /adminTokenFile/.test(error.hint ?? ''),
    );
  assert.ok(isLoopback('127.9.9.9') && isLoopback('::1') && isLoopback('localhost'));
  assert.ok(!isLoopback('1270.0.0.1') && !isLoopback('localhost.example') && !isLoopback('::2'));
});

test('a busy port is one sentence that says what to do', async () => {
  await using server = await admin();
  await assert.rejects(admin({ listen: server.address }), (error) => {
    assert.ok(error instanceof PosternError);
    assert.equal(error.code, 'PORT_BUSY');
    assert.match(error.message, /cannot listen on 127\.0\.0\.1:\d+ \(admin\): another program uses that port/);
    assert.ok(error.hint);
    return true;
  });
});

test('headers without end are cut, and close ends what hangs', async () => {
  const server = await admin();
  const socket = connect(server.address.port, server.address.host);
  socket.on('error', () => {});
  let answer = '';
  socket.on('data', (chunk) => (answer += String(chunk)));
  socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(9000)}`);
  await new Promise((resolve) => socket.once('close', resolve)); // it may be a reset: what was sent is not all read
  assert.match(answer, /^(HTTP\/1\.1 431 |$)/);
  const hanging = connect(server.address.port, server.address.host);
  await once(hanging, 'connect');
  hanging.write('GET /healthz HTTP/1.1\r\n');
  hanging.on('error', () => {});
  const closed = new Promise((resolve) => hanging.once('close', resolve));
  await server.close();
  await closed;
});
