/** The proxy between dig and real resolvers: private names by their routes, chains, sizes, transports, what must not change. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { need } from '@postern/testing';
import { answersOf, dig, type Proxy, type Server, startDnsmasq, startProxy, startUnbound, statusOf } from './world.ts';

const large = Array.from({ length: 16 }, (_, i) => `"${String.fromCharCode(97 + i).repeat(200)}"`).join(' ');

const zone = `@ 300 IN SOA ns root 1 2 3 4 30
@ 300 IN NS ns
ns 300 IN A 10.0.0.1
git 60 IN A 10.1.2.3
git 60 IN A 10.1.2.4
git 60 IN TXT ${large}
git 60 IN MX 10 git
git 60 IN TYPE65280 \\# 4 0a0b0c0d
six 60 IN AAAA 2001:db8::6
chain 60 IN CNAME second
second 60 IN A 10.9.9.9
back 60 IN CNAME git.internal.acme.example.
alias 60 IN CNAME git.internal.acme.example.
`;

describe('dig, the proxy, unbound', { skip: need('dig', 'unbound') }, () => {
  let upstream: Server;
  let own: Server;
  let proxy: Proxy;
  before(async () => {
    upstream = await startUnbound(
      [
        'local-zone: "acme.example." static',
        'local-data: "acme.example. 300 IN SOA ns.acme.example. root.acme.example. 1 2 3 4 30"',
      ],
      { zone: 'public.example', records: zone },
    );
    own = await startUnbound([
      'local-zone: "only.example." static',
      'local-data: "git.only.example. 60 IN A 10.77.0.1"',
    ]);
    const route = (source: string, destination: string) => ({ source: `${source}.internal.acme.example`, destination });
    proxy = await startProxy({
      upstreams: [`127.0.0.1:${upstream.port}`],
      routes: [
        route('git', 'git.public.example'),
        route('six', 'six.public.example'),
        route('chain', 'chain.public.example'),
        route('loop', 'loop.public.example'),
        route('back', 'back.public.example'),
        route('none', 'none.public.example'),
        { ...route('own', 'git.only.example'), resolverIP: `127.0.0.1:${own.port}` },
      ],
    });
  });
  after(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
    await own?.[Symbol.asyncDispose]();
  });

  test('a private name has the addresses of its destination, in the spelling it was asked', async () => {
    const { stdout } = await dig(['GiT.Internal.acme.EXAMPLE', 'A'], proxy.port);
    assert.equal(statusOf(stdout), 'NOERROR');
    assert.deepEqual(answersOf(stdout).toSorted(), [
      'GiT.Internal.acme.EXAMPLE. A 10.1.2.3',
      'GiT.Internal.acme.EXAMPLE. A 10.1.2.4',
    ]);
    assert.doesNotMatch(stdout, /flags:[^;]* (aa|ad)/);
  });

  test('a route with a resolver of its own is asked there', async () => {
    const { stdout } = await dig(['own.internal.acme.example', 'A'], proxy.port);
    assert.deepEqual(answersOf(stdout), ['own.internal.acme.example. A 10.77.0.1']);
  });

  test('IPv6 only: AAAA has its address, A is empty and no error', async () => {
    const six = await dig(['six.internal.acme.example', 'AAAA'], proxy.port);
    assert.deepEqual(answersOf(six.stdout), ['six.internal.acme.example. AAAA 2001:db8::6']);
    const four = await dig(['six.internal.acme.example', 'A'], proxy.port);
    assert.equal(statusOf(four.stdout), 'NOERROR');
    assert.deepEqual(answersOf(four.stdout), []);
    assert.match(four.stdout, /AUTHORITY SECTION:\npublic\.example\.\s+\d+\s+IN\s+SOA/);
  });

  test('AAAA of a name with only A is empty and no error; a name that does not exist is NXDOMAIN', async () => {
    const { stdout } = await dig(['git.internal.acme.example', 'AAAA'], proxy.port);
    assert.equal(statusOf(stdout), 'NOERROR');
    assert.deepEqual(answersOf(stdout), []);
    assert.equal(statusOf((await dig(['none.internal.acme.example', 'A'], proxy.port)).stdout), 'NXDOMAIN');
  });

  test('a chain of aliases keeps its links, and only its first owner is renamed', async () => {
    const { stdout } = await dig(['chain.internal.acme.example', 'A'], proxy.port);
    assert.deepEqual(answersOf(stdout), [
      'chain.internal.acme.example. CNAME second.public.example.',
      'second.public.example. A 10.9.9.9',
    ]);
  });

  test('an alias to a private name, asked for by its public name, ends where the route leads', async () => {
    const { stdout } = await dig(['alias.public.example', 'A'], proxy.port);
    assert.deepEqual(answersOf(stdout).toSorted(), [
      'alias.public.example. CNAME git.internal.acme.example.',
      'git.internal.acme.example. A 10.1.2.3',
      'git.internal.acme.example. A 10.1.2.4',
    ]);
  });

  test('a destination that is an alias of another private name follows that route', async () => {
    const { stdout } = await dig(['back.internal.acme.example', 'A'], proxy.port);
    assert.deepEqual(answersOf(stdout).toSorted(), [
      'back.internal.acme.example. CNAME git.internal.acme.example.',
      'git.internal.acme.example. A 10.1.2.3',
      'git.internal.acme.example. A 10.1.2.4',
    ]);
  });

  test('a large TXT comes over TCP, both ways; over UDP it is truncated', async () => {
    for (const name of ['git.internal.acme.example', 'git.public.example']) {
      const { stdout } = await dig([name, 'TXT'], proxy.port);
      assert.match(stdout, /\(TCP\)/, name);
      assert.equal(answersOf(stdout).length, 1);
      assert.ok(stdout.includes('p'.repeat(200)), name);
      const short = await dig([name, 'TXT', '+ignore'], proxy.port);
      assert.match(short.stdout, /flags: qr[^;]* tc/, name);
      const rcvd = Number(/MSG SIZE\s+rcvd: (\d+)/.exec(short.stdout)?.[1]);
      assert.ok(rcvd <= 1232, `${rcvd} bytes`);
      assert.match((await dig([name, 'A', '+tcp'], proxy.port)).stdout, /status: NOERROR/);
    }
    const plain = await dig(['git.internal.acme.example', 'TXT', '+noedns', '+ignore'], proxy.port);
    assert.match(plain.stdout, /flags: qr[^;]* tc/);
    assert.ok(Number(/MSG SIZE\s+rcvd: (\d+)/.exec(plain.stdout)?.[1]) <= 512);
  });

  test('other types and unknown types follow the route too', async () => {
    const mx = await dig(['git.internal.acme.example', 'MX'], proxy.port);
    assert.deepEqual(answersOf(mx.stdout), ['git.internal.acme.example. MX 10 git.public.example.']);
    const unknown = await dig(['git.internal.acme.example', 'TYPE65280'], proxy.port);
    assert.deepEqual(answersOf(unknown.stdout), ['git.internal.acme.example. TYPE65280 \\# 4 0A0B0C0D']);
  });

  test('everything else is as the upstream says it', async () => {
    for (const args of [
      ['git.public.example', 'A', '+norecurse'],
      ['git.public.example', 'TYPE65280', '+ednsopt=65001:cafe'],
      ['nothing.public.example', 'A', '+dnssec'],
      ['1.0.0.127.in-addr.arpa', 'PTR'],
      ['version.bind', 'TXT', 'CH'],
    ]) {
      const comparable = (text: string) =>
        text.replace(/.*(Query time|WHEN|SERVER|DiG|id:).*/g, '').replace(/\bCOOKIE.*/g, '');
      const direct = await dig([...args, '+nocookie'], upstream.port);
      const through = await dig([...args, '+nocookie'], proxy.port);
      const again = await dig([...args, '+nocookie'], proxy.port);
      const flags = (text: string) => /flags: ([^;]*);/.exec(text)?.[1];
      assert.equal(flags(through.stdout), flags(direct.stdout), args.join(' '));
      assert.equal(comparable(through.stdout), comparable(direct.stdout), args.join(' '));
      assert.equal(flags(again.stdout), flags(direct.stdout), args.join(' '));
    }
  });

  test('a caching resolver in front of the proxy believes what it says', { skip: need('dnsmasq') }, async () => {
    await using unbound = await startUnbound(
      ['local-zone: "example." nodefault'],
      undefined,
      `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${proxy.port}\n`,
    );
    await using dnsmasq = await startDnsmasq([`--server=127.0.0.1#${proxy.port}`]);
    for (const { port } of [unbound, dnsmasq]) {
      const ask = async (name: string, type: string) => (await dig([`${name}.example`, type], port)).stdout;
      assert.deepEqual(answersOf(await ask('git.internal.acme', 'A')).toSorted(), [
        'git.internal.acme.example. A 10.1.2.3',
        'git.internal.acme.example. A 10.1.2.4',
      ]);
      assert.equal(answersOf(await ask('chain.internal.acme', 'A')).at(-1), 'second.public.example. A 10.9.9.9');
      assert.equal(answersOf(await ask('alias.public', 'A')).length, 3);
      assert.equal(statusOf(await ask('git.internal.acme', 'AAAA')), 'NOERROR');
      assert.equal(statusOf(await ask('none.internal.acme', 'A')), 'NXDOMAIN');
      assert.match(await ask('git.internal.acme', 'TXT'), /p{200}/);
    }
  });
});
