/** Every way in returns the same bytes: git over HTTPS and SSH, curl through CONNECT, absolute form, SOCKS5 and a forward. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { privateCertificate, startGitHost, type GitHost } from '@postern/lab/git-host';
import { findProgram, need, run } from '@postern/testing';
import { startSshHost } from './ssh-host.ts';
import { TunnelWorld } from './world.ts';

describe('ways in', () => {
  let world: TunnelWorld;
  let gitHost: GitHost;
  let web: Server;
  let webPort = 0;
  let commit = '';
  const body = randomBytes(3_000_001);
  const digest = createHash('sha256').update(body).digest('hex');

  before(async () => {
    web = createHttpServer((request, response) => {
      if (request.method === 'POST') return void request.pipe(response);
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-host': request.headers.host ?? '' });
      response.end(body);
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    webPort = (web.address() as AddressInfo).port;
    world = await TunnelWorld.start({
      forwards: [`host.corp.example:${webPort}`],
      hosts: { 'git.corp.example': '127.0.0.1' },
    });
    commit = makeRepository();
    const certificate = await privateCertificate(['git.corp.example']);
    world.write('corp-ca.pem', certificate.caPem);
    gitHost = await startGitHost({
      ...certificate,
      listen: { host: '127.0.0.1', port: 0 },
      root: world.file('repos'),
    });
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await gitHost.close();
    web.close();
    web.closeAllConnections();
  });

  function git(cwd: string, ...args: string[]): string {
    return execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd,
      encoding: 'utf8',
    }).trim();
  }

  function makeRepository(): string {
    const source = world.file('source');
    mkdirSync(source);
    git(source, 'init', '-q');
    for (let i = 0; i < 20; i++) writeFileSync(join(source, `file-${i}`), randomBytes(100_000));
    git(source, 'add', '.');
    git(source, 'commit', '-qm', 'content');
    git(world.dir, 'clone', '-q', '--bare', source, 'repos/it.git');
    return git(source, 'rev-parse', 'HEAD');
  }

  async function clone(into: string, url: string, config: string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const args = config.flatMap((entry) => ['-c', entry]);
    const finished = await run('git', [...args, 'clone', '-q', url, world.file(into)], {
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0', ...env },
    });
    assert.equal(finished.code, 0, finished.stderr);
    assert.equal(git(world.file(into), 'rev-parse', 'HEAD'), commit);
    assert.equal(git(world.file(into), 'fsck', '--strict'), '');
  }

  test('git over HTTPS through CONNECT', { skip: need('git') }, async () => {
    const url = `https://git.corp.example:${gitHost.address.port}/it.git`;
    // The environment, because a machine may have one set, and it wins over the configuration.
    const trust = { GIT_SSL_CAINFO: world.file('corp-ca.pem') };
    await clone('over-https', url, [`http.proxy=http://127.0.0.1:${world.httpPort}`], trust);
    await clone('over-socks', url, [`http.proxy=socks5h://127.0.0.1:${world.socksPort}`], trust);
  });

  test('git over SSH through SOCKS5', { skip: need('git', 'ssh', 'sshd', 'nc') || needSocksNetcat() }, async () => {
    await using host = await startSshHost();
    const proxy = `nc -X 5 -x 127.0.0.1:${world.socksPort} %h %p`;
    const ssh = `ssh -F none -i ${host.key} -o UserKnownHostsFile=${host.knownHosts} -o StrictHostKeyChecking=yes -o BatchMode=yes -o ProxyCommand='${proxy}'`;
    const url = `ssh://${host.user}@git.corp.example:${host.port}${world.file('repos/it.git')}`;
    await clone('over-ssh', url, [], { GIT_SSH_COMMAND: ssh });
  });

  /** The OpenBSD netcat speaks SOCKS5; the traditional one does not. */
  function needSocksNetcat(): string | false {
    const path = findProgram('nc');
    if (path === undefined) return 'needs nc';
    const help = execFileSync('sh', ['-c', `${path} -h 2>&1 || true`], { encoding: 'utf8' });
    return help.includes('-X ') || help.includes('[-X') ? false : 'needs netcat-openbsd (nc -X)';
  }

  for (const [name, args] of [
    [
      'CONNECT',
      () => ['--proxytunnel', '-x', `http://127.0.0.1:${world.httpPort}`, `http://host.corp.example:${webPort}/`],
    ],
    ['absolute form', () => ['-x', `http://127.0.0.1:${world.httpPort}`, `http://host.corp.example:${webPort}/`]],
    [
      'SOCKS5 with the name',
      () => ['-x', `socks5h://127.0.0.1:${world.socksPort}`, `http://host.corp.example:${webPort}/`],
    ],
    ['SOCKS5 with an address', () => ['-x', `socks5://127.0.0.1:${world.socksPort}`, `http://127.0.0.1:${webPort}/`]],
    ['a forward', () => [`http://127.0.0.1:${world.forwardPort(0)}/`]],
  ] as const) {
    test(`curl through ${name}`, { skip: need('curl') }, async () => {
      const file = world.file('got');
      const got = await run('curl', ['-sS', '--fail', '--max-time', '20', '-o', file, '--noproxy', '', ...args()]);
      assert.equal(got.code, 0, got.stderr);
      assert.equal(createHash('sha256').update(readFileSync(file)).digest('hex'), digest);
    });
  }

  test('an upload in absolute form comes back whole', { skip: need('curl') }, async () => {
    world.write('sent', body.toString('latin1'));
    const proxy = ['-x', `http://127.0.0.1:${world.httpPort}`, `http://host.corp.example:${webPort}/echo`];
    const file = world.file('echoed');
    const upload = ['--data-binary', `@${world.file('sent')}`, '-H', 'Transfer-Encoding: chunked'];
    const got = await run('curl', [
      '-sS',
      '--fail',
      '--max-time',
      '20',
      '-o',
      file,
      '--noproxy',
      '',
      ...upload,
      ...proxy,
    ]);
    assert.equal(got.code, 0, got.stderr);
    assert.ok(readFileSync(file).equals(readFileSync(world.file('sent'))));
  });

  test('curl keeps a connection for several requests in absolute form', { skip: need('curl') }, async () => {
    const url = `http://host.corp.example:${webPort}/`;
    const got = await run('curl', [
      '-sS',
      '--fail',
      '--max-time',
      '20',
      '-x',
      `http://127.0.0.1:${world.httpPort}`,
      '--noproxy',
      '',
      '-o',
      '/dev/null',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{num_connects}\n',
      url,
      url,
    ]);
    assert.equal(got.code, 0, got.stderr);
    assert.deepEqual(got.stdout.trim().split('\n'), ['200 1', '200 0']);
  });

  test('status shows both peers', async () => {
    const text = await world.ok('tunnel', 'status', '--admin', `http://${String(world.server.ready['admin'])}`);
    assert.match(text, /agent\s+dc1@acme\.example/);
    assert.match(text, /client\s+gitserver@acme\.example/);
    const metrics = await (await fetch(`http://${String(world.server.ready['admin'])}/metrics`)).text();
    assert.match(metrics, /^postern_tunnel_connections_total\{[^}]*\} \d+/m);
    for (const page of ['healthz', 'readyz'])
      assert.equal((await fetch(`http://${String(world.server.ready['admin'])}/${page}`)).status, 200);
  });

  test('SIGTERM drains and ends with 0, all three', async () => {
    for (const daemon of [world.client, world.agent, world.server]) {
      const { code } = await daemon.process.stop();
      assert.equal(code, 0, daemon.process.stderr.slice(-2000));
    }
  });
});
