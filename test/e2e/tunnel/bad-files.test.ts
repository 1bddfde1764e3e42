/** Wrong files and surroundings: every problem at once with its place, one sentence that says what to do, and nothing started. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Finished, needThat, postern, startPostern } from '@postern/testing';
import { agentEmail, clientEmail, serverYaml, TunnelWorld } from './world.ts';

describe('bad files', () => {
  let world: TunnelWorld;
  before(async () => {
    world = await TunnelWorld.start();
  });
  after(() => world[Symbol.asyncDispose]());

  /** A daemon that must not start. */
  async function fails(role: string, file: string, text: string): Promise<Finished> {
    world.write(file, text);
    await using daemon = startPostern(['tunnel', role, '--config', world.file(file)]);
    const finished = await daemon.finished;
    assert.doesNotMatch(finished.stderr, /"message":"ready"|internal error|\n {4}at /);
    return finished;
  }

  const head = (kind: string): string => `apiVersion: postern.dev/v1\nkind: ${kind}\n`;

  for (const [role, file, text, problems] of [
    [
      'server',
      'bad-server.yaml',
      `${head('TunnelServer')}listen: nowhere\nadmin: 127.0.0.1:0\nserverName: localhost\ndataDir: ./data\npolicyFile: ./policy.yaml\nsourceRange: []\ncertificates: {lifetime: soon}\n`,
      [
        /:3:9: listen: /,
        /:8:1: sourceRange: unknown key, did you mean sourceRanges\?/,
        /:9:\d+: certificates\.lifetime: /,
      ],
    ],
    [
      'agent',
      'bad-agent.yaml',
      `${head('TunnelAgent')}server: localhost\nserverCA: ./ca.pem\nadmin: 127.0.0.1:0\nallow: ["host", "10.0.0.1/8:443", "x:99999"]\n`,
      [
        /:3:9: server: /,
        /: credentials: is missing/,
        /:6:9: allow\[0\]: /,
        /:6:\d+: allow\[1\]: /,
        /:6:\d+: allow\[2\]: /,
      ],
    ],
    [
      'client',
      'bad-client.yaml',
      `${head('TunnelClient')}server: localhost:1\nserverCA: ./ca.pem\ncredentials: ./x.json\nadmin: 127.0.0.1:0\nproxy: {http: 127.0.0.1, sock5: 127.0.0.1:0}\nforwards: [{listen: 127.0.0.1:0}]\nmemoryBudget: 1KiB\n`,
      [
        /:7:\d+: proxy\.http: /,
        /:7:\d+: proxy\.sock5: unknown key, did you mean socks5\?/,
        /:8:\d+: forwards\[0\](\.to)?: /,
        /:9:\d+: memoryBudget: /,
      ],
    ],
    ['agent', 'wrong-kind.yaml', `${head('TunnelClient')}allow: []\n`, [/:2:7: kind: expected "TunnelAgent"/]],
    ['agent', 'not-yaml.yaml', 'a: [1, 2\nb: {', [/:\d+:\d+: /]],
    ['agent', 'empty.yaml', '', [/empty\.yaml:1:1: is empty/]],
    [
      'agent',
      'bomb.yaml',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
        .join('\n')}\n`,
      [/:\d+:\d+: /],
    ],
  ] as const)
    test(`${file}: every problem at once, exit 2`, async () => {
      const { code, stderr } = await fails(role, file, text);
      assert.equal(code, 2, stderr);
      for (const problem of problems) assert.match(stderr, problem);
      for (const line of stderr.trim().split('\n')) assert.match(line, /^\S+\.yaml:\d+:\d+: /);
    });

  const good = (email: string): string => `${world.peerYaml('TunnelAgent', email)}allow: []\n`;

  test('a file that is not there', async () => {
    const { code, stderr } = await postern(['tunnel', 'server', '--config', world.file('none.yaml')]);
    assert.equal(code, 2);
    assert.match(stderr, /configuration file .*none\.yaml does not exist/);
    assert.equal((await postern(['tunnel', 'agent'])).code, 2);
  });

  test('credentials that others can read', async () => {
    copyFileSync(world.credentials(agentEmail), world.file('loose.json'));
    chmodSync(world.file('loose.json'), 0o644);
    const { code, stderr } = await fails(
      'agent',
      'loose.yaml',
      good(agentEmail).replace(world.credentials(agentEmail), './loose.json'),
    );
    assert.equal(code, 2);
    assert.match(stderr, /can be read by other users \(mode 0644\)\n\s+chmod 600 /);
  });

  test('credentials that are none, and ones that are not there', async () => {
    for (const content of [
      '',
      '{}',
      'no json',
      '{"client_email": "x@acme.example", "private_key": "nonsense", "private_key_id": "1"}',
    ]) {
      world.write('odd.json', content, 0o600);
      const { code, stderr } = await fails(
        'agent',
        'odd.yaml',
        good(agentEmail).replace(world.credentials(agentEmail), './odd.json'),
      );
      assert.equal(code, 2, stderr);
      assert.match(stderr, /odd\.json/);
    }
    rmSync(world.file('odd.json'));
    const { code, stderr } = await fails(
      'agent',
      'odd.yaml',
      good(agentEmail).replace(world.credentials(agentEmail), './odd.json'),
    );
    assert.equal(code, 2);
    assert.match(stderr, /odd\.json does not exist/);
  });

  test('a missing CA, and one that is no certificate', async () => {
    for (const [name, content] of [
      ['absent.pem', undefined],
      ['text.pem', 'hello'],
    ] as const) {
      if (content !== undefined) world.write(name, content);
      const { code, stderr } = await fails('agent', 'no-ca.yaml', good(agentEmail).replace('./ca.pem', `./${name}`));
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`server CA .*${name}`));
    }
  });

  test('a busy port, of each listener', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const client = world.peerYaml('TunnelClient', clientEmail);
    for (const [role, text] of [
      ['server', serverYaml(`127.0.0.1:${port}`).replace('./data', './data2')],
      ['client', `${client}proxy: {http: 127.0.0.1:${port}}\n`],
      ['client', `${client}proxy: {socks5: 127.0.0.1:${port}}\n`],
      ['client', `${client}forwards: [{listen: 127.0.0.1:${port}, to: "x.example:1"}]\n`],
      ['agent', good(agentEmail).replace('admin: 127.0.0.1:0', `admin: 127.0.0.1:${port}`)],
    ] as const) {
      if (role === 'server') await world.ok('tunnel', 'init', '--dir', world.file('other'));
      const place =
        role === 'server' ? text.replace('./data2', './other/data').replace('./policy', './other/policy') : text;
      const { code, stderr } = await fails(role, 'busy.yaml', place);
      assert.equal(code, 1, stderr);
      assert.match(
        stderr,
        new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port} \\(\\w+\\): another program uses that port`),
      );
    }
    taken.close();
  });

  test('an admin address for everybody needs a token', async () => {
    const { code, stderr } = await fails(
      'agent',
      'admin.yaml',
      good(agentEmail).replace('admin: 127.0.0.1:0', 'admin: 0.0.0.0:0'),
    );
    assert.equal(code, 2);
    assert.match(stderr, /adminTokenFile/);
  });

  test('a reload of a broken file leaves the daemon as it was', async () => {
    const file = world.file('agent.yaml');
    const before = readFileSync(file, 'utf8');
    world.write('agent.yaml', `${before}\nnonsense: true\n`);
    await world.agent.process.line(/not reloaded.*nonsense/);
    assert.equal(world.agent.process.child.exitCode, null);
    world.write('agent.yaml', before);
    world.agent.process.child.kill('SIGHUP');
    await world.agent.process.line(/configuration reloaded/);
  });

  const faketime = [
    '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
    '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  ].find((path) => existsSync(path));

  for (const [name, shift] of [
    ['behind', '-1h'],
    ['ahead', '+1h'],
  ] as const)
    test(
      `a clock an hour ${name}`,
      { skip: needThat('libfaketime (Debian: faketime)', faketime !== undefined) },
      async () => {
        world.write('skewed.yaml', good(agentEmail));
        await using agent = startPostern(['tunnel', 'agent', '--config', world.file('skewed.yaml')], {
          env: {
            ...process.env,
            LD_PRELOAD: faketime,
            FAKETIME: shift,
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
            DONT_FAKE_MONOTONIC: '1',
          },
        });
        const [line] = await agent.line(/^.*cannot connect.*clock.*$/im);
        assert.match(line, /clock/);
        assert.match(line, /NTP|set (it|the clock)/i);
      },
    );
});

describe('init and identity', () => {
  test('a second init changes nothing, and a second identity does not overwrite', async () => {
    await using world = await TunnelWorld.prepare();
    const files = ['server.yaml', 'policy.yaml', 'ca.pem'];
    const before = files.map((file) => readFileSync(world.file(file), 'utf8'));
    const again = await postern(['tunnel', 'init', '--dir', world.dir]);
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(
      files.map((file) => readFileSync(world.file(file), 'utf8')),
      before,
    );
    const credentials = readFileSync(world.credentials(agentEmail), 'utf8');
    const twice = await postern([
      'tunnel',
      'identity',
      'create',
      'third@acme.example',
      '--dir',
      world.dir,
      '--out',
      world.credentials(agentEmail),
    ]);
    assert.notEqual(twice.code, 0);
    assert.equal(readFileSync(world.credentials(agentEmail), 'utf8'), credentials);
    const list = JSON.parse(await world.ok('tunnel', 'identity', 'list', '--dir', world.dir, '-o', 'json')) as object[];
    assert.equal(list.length, 2);
    for (const email of ['no-at-sign', 'two@a.example,three@a.example', 'x@y z', ''])
      assert.equal(
        (await postern(['tunnel', 'identity', 'create', email, '--dir', world.dir, '--out', world.file('x.json')]))
          .code,
        2,
        email,
      );
    assert.equal(existsSync(world.file('x.json')), false);
    const unknown = await postern(['tunnel', 'identity', 'revoke', 'nobody@acme.example', '--dir', world.dir]);
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr, /nobody@acme\.example/);
  });

  test('a folder that was never initialised is named', async () => {
    const { code, stderr } = await postern(['tunnel', 'identity', 'list', '--dir', '/nonexistent/place']);
    assert.notEqual(code, 0);
    assert.match(stderr, /postern tunnel init/);
  });
});
