/** What a caller gets when it fails: the table of the contract, through CONNECT, absolute form, SOCKS5 and a forward. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { eventually, need, run } from '@postern/testing';
import { readSome, refused, target } from './targets.ts';
import { agentEmail, clientEmail, TunnelWorld } from './world.ts';

/** Discards packets by RFC 6666; whether a dial there times out or is unreachable is up to the machine's routes. */
const nowhere = '100::1';

describe('refusals', () => {
  let world: TunnelWorld;
  let closedPort = 0;

  before(async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    closedPort = (server.address() as AddressInfo).port;
    server.close();
    world = await TunnelWorld.start({
      allow: ['*.corp.example:1024-65535', '127.0.0.0/8:*', 'name-only.corp.example:443'],
      hosts: {
        'metadata.corp.example': '169.254.169.254',
        'silent.corp.example': '127.0.0.1',
      },
      rules: `  - name: nobody-serves
    clients: [${clientEmail}]
    agents: [absent@acme.example]
    destinations: ["unserved.example:443"]
  - name: anywhere
    clients: [${clientEmail}]
    agents: [${agentEmail}]
    destinations: ["203.0.113.0/24:443", "[${nowhere}]:9"]
`,
      forwards: ['not-listed.example:443'],
      agentYaml: 'dialTimeout: 1s',
    });
  });
  after(() => world[Symbol.asyncDispose]());

  const line = /^[A-Z_]+ .+ \(connection [0-9a-f-]{36}\)\n$/;

  /** The reply code of a SOCKS5 CONNECT by name. */
  async function socks(host: string, port: number): Promise<number> {
    const socket = connect(world.socksPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(Buffer.from([5, 1, 0]));
    const greeting = await readSome(socket);
    assert.deepEqual([...greeting!], [5, 0]);
    const request = Buffer.from([5, 1, 0, 3, host.length, ...Buffer.from(host), port >> 8, port & 255]);
    socket.write(request);
    const reply = await readSome(socket);
    assert.equal(reply?.[0], 5);
    socket.destroy();
    return reply[1]!;
  }

  const table: ReadonlyArray<
    readonly [why: string, host: string, port: () => number, http: number, socks: readonly number[], code: RegExp]
  > = [
    ['no rule allows it', 'not-listed.example', () => 443, 403, [2], /^DENIED /],
    ['no rule allows the port', 'host.corp.example', () => 1023, 403, [2], /^DENIED /],
    ["the agent's own list refuses the port", 'host.corp.example', () => 80, 403, [2], /^DENIED_BY_AGENT /],
    ['a name leads to metadata', 'metadata.corp.example', () => 8080, 403, [2], /^DENIED_BY_AGENT /],
    ['the host refuses', 'host.corp.example', () => closedPort, 502, [5], /^REFUSED /],
    ['the name is unknown', 'unknown.corp.example', () => 4430, 502, [4], /^NAME_UNKNOWN /],
    ['no agent is connected', 'unserved.example', () => 443, 503, [1], /^NO_AGENT /],
  ];
  for (const [why, host, port, http, replies, code] of table) {
    test(`${why}: ${http}`, async () => {
      const answer = await refused(world, `${host}:${port()}`);
      assert.equal(answer.status, http, answer.body);
      assert.match(answer.body, line);
      assert.match(answer.body, code);
      const id = /connection ([0-9a-f-]+)\)/.exec(answer.body)![1]!;
      const entry = await world.audited('connection.refuse', (e) => e.connection === id);
      assert.equal(entry.client, clientEmail);
      assert.equal(entry.destination, `${host}:${port()}`);
      assert.ok(replies.includes(await socks(host, port())), `SOCKS5 answered ${await socks(host, port())}`);
    });
  }

  test('the same in absolute form', { skip: need('curl') }, async () => {
    const proxy = `http://127.0.0.1:${world.httpPort}`;
    const got = await run('curl', [
      '-sS',
      '-x',
      proxy,
      '--noproxy',
      '',
      '-w',
      '%{http_code}',
      'http://not-listed.example:443/',
    ]);
    assert.match(got.stdout, /^DENIED .+\n403$/);
  });

  test('a dial without answer: 504', async (t) => {
    // A listener whose queue is full drops SYNs on Linux; the only way to a silent host without one's own network.
    if (process.platform !== 'linux') return t.skip('needs Linux: a full accept queue that drops');
    await using silent = await fullQueue();
    const answer = await refused(world, `silent.corp.example:${silent.port}`);
    assert.equal(answer.status, 504, answer.body);
    assert.match(answer.body, /^DIAL_TIMEOUT /);
    assert.equal(await socks('silent.corp.example', silent.port), 6);
  });

  test('a refused forward is closed with a reset, and audited', async () => {
    const socket = connect(world.forwardPort(0), '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    await world.audited('connection.refuse', (e) => e.destination === 'not-listed.example:443');
  });

  test('odd spellings of an address are refused and never guessed', async () => {
    for (const host of ['0177.0.0.1', '2130706433', '0x7f.1', '127.1', '127.0.0.1%00.corp.example', '[::ffff:7f00:1]x'])
      assert.ok([400, 403].includes((await refused(world, `${host}:8080`)).status), host);
    await using echo = await target((socket) => socket.pipe(socket));
    for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', 'HOST.corp.example.']) {
      const socket = connect(world.httpPort, '127.0.0.1');
      socket.write(`CONNECT ${host}:${echo.port} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.match(String(await readSome(socket)), /^HTTP\/1\.1 200 /, host);
      socket.destroy();
    }
  });

  test('a request that is no proxy request is answered, and the proxy lives on', async () => {
    for (const [request, status] of [
      ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['CONNECT nonsense HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['CONNECT host.corp.example:99999 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['\x16\x03\x01\x02\x00\x01', 400],
    ] as const) {
      const socket = connect(world.httpPort, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(request);
      assert.match(String(await readSome(socket)), new RegExp(`^HTTP/1\\.1 ${status} `), JSON.stringify(request));
      socket.destroy();
    }
    const socket = connect(world.socksPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await eventually('SOCKS hangs up on HTTP', () =>
      readSome(socket).then((chunk) => chunk === null || chunk[0] !== 5),
    );
    socket.destroy();
  });

  async function fullQueue(): Promise<{ port: number } & AsyncDisposable> {
    const held: ReturnType<typeof connect>[] = [];
    // A process that listens and never accepts: its kernel queue takes backlog + 1 and drops the rest.
    const script = `const { createServer } = require('node:net'); const s = createServer(); s.listen({port: 0, host: '127.0.0.1', backlog: 1}, () => { process.stderr.write(s.address().port + '\\n'); const end = Date.now() + 60000; while (Date.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000); });`;
    const { Running } = await import('@postern/testing');
    const child = new Running(process.execPath, ['-e', script]);
    const port = Number((await child.line(/^(\d+)$/m))[1]);
    let open = 0;
    for (let i = 0; i < 8; i++) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('connect', () => open++);
      held.push(socket);
    }
    await eventually('the queue is full', () => open >= 2);
    return {
      port,
      [Symbol.asyncDispose]: async () => {
        for (const socket of held) socket.destroy();
        await child[Symbol.asyncDispose]();
      },
    };
  }
});
