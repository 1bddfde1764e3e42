/** Our sessions against Node's own HTTP/2 over TCP, in both roles, and against each other: whatever one says the other understands. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type http2 from 'node:http2';
import { test } from 'node:test';
import { eventually } from '@postern/testing';
import { ConnectionError, errorCodes } from './codes.ts';
import { Http2Session } from './session.ts';
import type { Http2Stream } from './stream.ts';
import {
  type Call,
  checkExchange,
  exchange,
  hashOf,
  MiB,
  ours,
  pair,
  pairings,
  requestHeaders,
} from './testdata/pair.ts';

for (const [client, server] of pairings) {
  const who = `(client: ${client}, server: ${server})`;

  test(`bodies of many sizes arrive whole, both ways at once ${who}`, async (t) => {
    const p = await pair(t, client, server, (call, stream) => {
      if ('carry' in stream && stream.id % 4 === 1) stream.carry();
      exchange(call);
    });
    const sizes = [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 300_000];
    for (const size of sizes) await checkExchange(p, size, sizes[(sizes.indexOf(size) + 3) % sizes.length]!);
    await Promise.all([checkExchange(p, 3 * MiB, 5 * MiB + 1), checkExchange(p, 0, MiB), checkExchange(p, MiB, 0)]);
    await eventually('nothing is held or promised any more', () => p.memory.loaded.size + p.memory.promised.size === 0);
  });

  test(`two hundred streams at once ${who}`, async (t) => {
    const p = await pair(t, client, server, exchange);
    await Promise.all(Array.from({ length: 200 }, (_, i) => checkExchange(p, i * 311, ((i * 37) % 200) * 311)));
    await eventually('nothing is held or promised any more', () => p.memory.loaded.size + p.memory.promised.size === 0);
  });

  test(`a refusal is one frame of headers ${who}`, async (t) => {
    const { call } = await pair(t, client, server, (made) =>
      made.respond({ ':status': '200', 'grpc-status': '7', 'grpc-message': 'no' }, true),
    );
    const made = call('/refused');
    assert.equal((await made.response)['grpc-status'], '7');
    assert.equal(await made.received, hashOf(0));
    assert.equal(await made.trailers, undefined);
    made.end();
    assert.equal(await made.closed, undefined);
  });

  test(`either half may end first ${who}`, async (t) => {
    const served: Call[] = [];
    const { call } = await pair(t, client, server, (made) => {
      served.push(made);
      made.respond({ ':status': '200' });
      if (made.headers[':path'] === '/server-first') void made.send(50_000).then(() => made.end({ 'x-last': '1' }));
      else void made.received.then(async () => (await made.send(50_000), made.end({ 'x-last': '2' })));
    });
    const early = call('/server-first');
    assert.equal(await early.received, hashOf(50_000));
    assert.deepEqual(await early.trailers, { 'x-last': '1' });
    await early.send(70_000);
    early.end();
    assert.equal(await served[0]!.received, hashOf(70_000));
    assert.equal(await early.closed, undefined);
    assert.equal(await served[0]!.closed, undefined);

    const late = call('/client-first');
    await late.send(70_000);
    late.end();
    assert.equal(await served.at(-1)!.received, hashOf(70_000));
    assert.equal(await late.received, hashOf(50_000));
    assert.deepEqual(await late.trailers, { 'x-last': '2' });
    assert.equal(await late.closed, undefined);
  });

  test(`a reset tells the other end why, in either direction, and hurts nobody else ${who}`, async (t) => {
    const served: Call[] = [];
    const p = await pair(t, client, server, (made) => {
      if (made.headers[':path'] === '/exchange') return exchange(made);
      served.push(made);
      made.respond({ ':status': '200' });
    });
    const other = checkExchange(p, MiB, MiB);
    const byClient = p.call('/a');
    await byClient.response;
    void byClient.send(20_000);
    byClient.reset('CANCEL');
    assert.equal(await served[0]!.closed, 'CANCEL');
    const byServer = p.call('/b');
    void byServer.send(20_000);
    await byServer.response;
    served[1]!.reset('INTERNAL_ERROR');
    assert.equal(await byServer.closed, 'INTERNAL_ERROR');
    await other;
    await checkExchange(p, 1000, 1000);
    await eventually('nothing is held or promised any more', () => p.memory.loaded.size + p.memory.promised.size === 0);
  });

  test(`pings are answered, and tell how far the peer is ${who}`, async (t) => {
    const p = await pair(t, client, server, exchange);
    for (const session of [p.client, p.server()])
      if (session instanceof Http2Session) {
        const rttMs = await eventually('a round trip', () => (session.rttMs < Infinity ? session.rttMs : 0));
        assert.ok(rttMs < 10_000);
      } else {
        const opaque = randomBytes(8);
        const answer = await new Promise<Buffer>((resolve, reject) => {
          session.ping(opaque, (error, _ms, payload) => (error ? reject(error) : resolve(payload)));
        });
        assert.deepEqual(answer, opaque);
      }
  });
}

test('headers of several frames are sent, and Node reads them', async (t) => {
  const long = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x-long-${i}`, 'z'.repeat(5000)]));
  const { call } = await pair(
    t,
    'ours',
    'node',
    (made) => made.respond({ ':status': '200', 'x-length': String(made.headers['x-long-9']!.length) }, true),
    { maxHeaderListSize: MiB },
  );
  assert.equal((await call('/long', long).response)['x-length'], '5000');
});

test('headers that are too many cost their own call only', async (t) => {
  const p = await pair(t, 'node', 'ours', exchange);
  const long = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x-long-${i}`, 'Z'.repeat(2000)]));
  assert.equal(await p.call('/exchange', long).closed, 'ENHANCE_YOUR_CALM');
  await checkExchange(p, 1000, 1000);
});

// ---- endings

test('after GOAWAY the calls above its last id are refused, as are new ones, and the others finish', async (t) => {
  const p = await pair(t, 'ours', 'node', (made) => made.respond({ ':status': '200' }));
  const client = p.client as Http2Session;
  const [first, second] = [p.call('/1'), p.call('/2')];
  await Promise.all([first.response, second.response]);
  const goaway = once(client, 'goaway');
  (p.server() as http2.ServerHttp2Session).goaway(0, 1);
  await goaway;
  assert.equal(await second.closed, 'REFUSED_STREAM');
  assert.equal(await p.call('/3').closed, 'REFUSED_STREAM');
  assert.equal(client.destroyed, false);
  first.reset('CANCEL');
  assert.equal(await first.closed, 'CANCEL');
});

test('a Node server that closes lets our calls finish', async (t) => {
  const served: Call[] = [];
  const p = await pair(t, 'ours', 'node', (made) => {
    served.push(made);
    exchange(made);
  });
  const client = p.client as Http2Session;
  const made = p.call('/exchange', { 'x-bytes': '5000' });
  await made.response;
  const goaway = once(client, 'goaway');
  (p.server() as http2.ServerHttp2Session).close();
  await goaway;
  await made.send(50_000);
  made.end();
  assert.equal((await made.trailers)!['x-received'], hashOf(50_000));
  await eventually('the session ends', () => client.destroyed);
  assert.equal(client.error, undefined);
});

test('a Node client that closes gets the answers to the calls it has made', async (t) => {
  const p = await pair(t, 'node', 'ours', exchange);
  const goaway = once(p.server(), 'goaway');
  const made = p.call('/exchange', { 'x-bytes': '5000' });
  await made.response;
  (p.client as http2.ClientHttp2Session).close();
  await goaway;
  await made.send(50_000);
  made.end();
  assert.equal((await made.trailers)!['x-received'], hashOf(50_000));
  await eventually('the session ends', () => (p.server() as Http2Session).destroyed);
});

test('GOAWAY with an error ends the session, and says why', async (t) => {
  const p = await pair(t, 'ours', 'node', (made) => made.respond({ ':status': '200' }));
  const client = p.client as Http2Session;
  const made = p.call('/');
  await made.response;
  const closed = once(client, 'close');
  (p.server() as http2.ServerHttp2Session).goaway(errorCodes.ENHANCE_YOUR_CALM, 1, Buffer.from('too much'));
  await closed;
  assert.equal(await made.closed, undefined);
  assert.ok(client.error instanceof ConnectionError);
  assert.equal(client.error.code, 'ENHANCE_YOUR_CALM');
  assert.match(client.error.message, /too much/);
});

test('a session that is destroyed tells Node so, ends its calls, and takes no more', async (t) => {
  const served: Call[] = [];
  const p = await pair(t, 'node', 'ours', (made) => {
    served.push(made);
    made.respond({ ':status': '200' });
  });
  await p.call('/').response;
  await p.call('/').response;
  const goaway = once(p.client, 'goaway');
  const server = p.server() as Http2Session;
  server.destroy();
  const [code, lastId] = (await goaway) as [number, number];
  assert.deepEqual([code, lastId], [0, 3]);
  for (const call of served) assert.equal(await call.closed, undefined);
  assert.equal(await ours(server.request([])).closed, 'REFUSED_STREAM');
  assert.equal(server.error, undefined);
});

test('once a session is destroyed not a byte more of its calls passes', async (t) => {
  const received: Buffer[] = [];
  let opened = false;
  const p = await pair(t, 'ours', 'ours', (_made, stream) => {
    opened = true;
    (stream as Http2Stream).onData = (slice) => void received.push(slice);
  });
  const client = p.client as Http2Session;
  const stream = client.request(Object.entries(requestHeaders('/')));
  await eventually('the call is there', () => opened);
  stream.push(Buffer.from('secret'));
  client.destroy();
  await once(p.server(), 'close');
  assert.equal(Buffer.concat(received).toString(), '');
});

test('a connection that is lost ends both sessions and all calls', async (t) => {
  const served: Call[] = [];
  const p = await pair(t, 'ours', 'ours', (made) => {
    served.push(made);
    made.respond({ ':status': '200' });
  });
  const made = p.call('/');
  await made.response;
  (p.server() as Http2Session).socket.destroy();
  assert.equal(await made.closed, undefined);
  assert.equal(await served[0]!.closed, undefined);
  assert.ok((p.client as Http2Session).destroyed && (p.server() as Http2Session).destroyed);
});

test('headers that cannot be written cost nothing but the call', async (t) => {
  const p = await pair(t, 'ours', 'node', exchange);
  assert.throws(() => p.call('/exchange', { 'x-bad': '\u{20ac}' }), TypeError);
  await checkExchange(p, 10, 10);
});

test('a peer that allows two streams gets two', async (t) => {
  const served: Call[] = [];
  const settings = { maxConcurrentStreams: 2 };
  const serve = (made: Call): void => {
    served.push(made);
    made.respond({ ':status': '200' });
  };
  const { call } = await pair(t, 'ours', 'node', serve, settings);
  const [first, second] = [call('/'), call('/')];
  assert.equal(await call('/').closed, 'REFUSED_STREAM');
  await Promise.all([first.response, second.response]);
  first.reset('CANCEL');
  assert.equal(await served[0]!.closed, 'CANCEL');
  assert.equal((await call('/').response)[':status'], '200');
});

test('a server may cut thousands of calls at once, and those that are left go on', async (t) => {
  const served: Call[] = [];
  const p = await pair(t, 'ours', 'ours', (made) => {
    if (made.headers[':path'] === '/exchange') exchange(made);
    else served.push(made);
  });
  const calls = Array.from({ length: 3000 }, () => p.call('/parked'));
  await eventually('all are there', () => served.length === 3000);
  const left = checkExchange(p, MiB, MiB);
  for (const call of served) call.reset('CANCEL');
  for (const call of calls) assert.equal(await call.closed, 'CANCEL');
  await left;
});
