/** Configuration, routes, search products, chains, resolv.conf and the Corefile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, formatDiagnostic, loadDocument } from '@postern/core';
import * as fc from 'fast-check';
import { keyOfWire, wireOfText } from '../codec/name.ts';
import type { DnsRecord } from '../codec/records.ts';
import { configSchema, isSelf, parseResolver } from './config.ts';
import { corefile } from './corefile.ts';
import { originalOf, parseResolvConf, rewrittenResolvConf } from './resolv-conf.ts';
import { follow } from './rewrite.ts';
import { RouteTable } from './routes.ts';

const head = 'apiVersion: postern.dev/v1\nkind: DNSProxy\n';
const load = (text: string) => loadDocument('f.yaml', head + text, configSchema);
function problems(text: string): string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.diagnostics.map(formatDiagnostic);
    throw error;
  }
  return [];
}

test('a file with only routes has every default', () => {
  const config = load('routes: [{source: Git.Acme.Example., destination: vpce.example, resolverIP: "2001:db8::1"}]');
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 53 });
  assert.deepEqual(config.routes, [
    { source: 'git.acme.example', destination: 'vpce.example', resolverIP: { address: '2001:db8::1', port: 53 } },
  ]);
  assert.deepEqual(config.cache, { entries: 10_000, maxTTL: 60_000 });
  assert.deepEqual(config.resolvConf, { path: '/etc/resolv.conf', rewrite: false });
});

test('every problem at once, each with its place', () => {
  const found = problems(`listen: 127.0.0.1:5300
upstreams: ["127.0.0.1:5300", "dns.example"]
routes:
  - {source: a.example, destination: a.example}
  - {source: "*.b.example", destination: c.example}
  - {source: d.example, destination: e.example}
  - {source: D.example, destination: f.example}
  - {source: e.example, destination: d.example}
  - {source: g.example, destination: 10.0.0.1, resolverIp: 10.0.0.2}
cache: {entries: -1, maxTTL: sixty}
`);
  const places = [
    /^f\.yaml:4:13: upstreams\[0\]: is the address this proxy listens on: a loop$/,
    /^f\.yaml:4:31: upstreams\[1\]: "dns\.example" is not the address of a resolver/,
    /^f\.yaml:6:38: routes\[0\]\.destination: "a\.example" is the source itself: a loop$/,
    /^f\.yaml:7:14: routes\[1\]\.source: "\*\.b\.example"/,
    /^f\.yaml:8:38: routes\[2\]\.destination: "e\.example" is itself routed \(routes\[4\]\): the routes form a loop$/,
    /^f\.yaml:9:14: routes\[3\]\.source: "d\.example" has a route already \(routes\[2\]\)$/,
    /^f\.yaml:10:38: routes\[4\]\.destination: "d\.example" is itself routed/,
    /^f\.yaml:11:38: routes\[5\]\.destination: "10\.0\.0\.1" is an address; a route leads from a name to a name$/,
    /^f\.yaml:11:\d+: routes\[5\]\.resolverIp: unknown key, did you mean resolverIP\?$/,
    /^f\.yaml:12:\d+: cache\.entries: /,
    /^f\.yaml:12:\d+: cache\.maxTTL: "sixty" is not a duration/,
  ];
  for (const place of places)
    assert.ok(
      found.some((line) => place.test(line)),
      `${place}\n${found.join('\n')}`,
    );
});

test('a chain of routes names its end', () => {
  const [chain] = problems('routes: [{source: a.b, destination: c.d}, {source: c.d, destination: e.f}]');
  assert.match(chain!, /itself routed \(routes\[1\]\): write the end of the chain, e\.f/);
});

test('resolvers are addresses, with and without a port', () => {
  assert.deepEqual(parseResolver('10.0.0.2'), { address: '10.0.0.2', port: 53 });
  assert.deepEqual(parseResolver('10.0.0.2:5353'), { address: '10.0.0.2', port: 5353 });
  assert.deepEqual(parseResolver('[2001:db8::1]:5353'), { address: '2001:db8::1', port: 5353 });
  assert.deepEqual(parseResolver('[2001:db8::1]'), { address: '2001:db8::1', port: 53 });
  for (const bad of ['', 'dns.google', '10.0.0.2:0', '10.0.0.2:65536', '10.0.0.300', 'tcp://10.0.0.2', '10.0.0.2/32'])
    assert.ok('reason' in parseResolver(bad), bad);
});

test('a proxy knows itself', () => {
  const at = (host: string) => ({ host, port: 53 });
  const to = (address: string, port = 53) => ({ address, port });
  assert.equal(isSelf(to('127.0.0.1'), at('127.0.0.1')), true);
  assert.equal(isSelf(to('127.0.0.1'), at('localhost')), true);
  assert.equal(isSelf(to('127.0.0.1', 54), at('127.0.0.1')), false);
  assert.equal(isSelf(to('127.0.0.11'), at('127.0.0.1')), false); // Docker's resolver
  assert.equal(isSelf(to('127.0.0.11'), at('0.0.0.0')), true);
  assert.equal(isSelf(to('10.0.0.5'), at('0.0.0.0'), ['10.0.0.5']), true);
  assert.equal(isSelf(to('::1'), at('::')), true);
  assert.equal(isSelf(to('::1'), at('0.0.0.0')), false);
});

test('search products are known, hosts that only look like them are not', () => {
  const table = new RouteTable(
    [
      { source: 'git.acme.example', destination: 'x.example' },
      { source: 'git', destination: 'y.example' },
      { source: 'web.prod', destination: 'z.example' },
    ],
    ['corp.example', 'svc.cluster.local'],
  );
  const isProduct = (name: string): boolean => table.isSearchProduct(keyOfWire(wireOfText(name)));
  for (const name of [
    'git.acme.example.corp.example',
    'git.acme.example.ns.svc.cluster.local',
    'git.acme.example.cluster.local',
  ])
    assert.equal(isProduct(name), true, name);
  for (const name of [
    'git.acme.example',
    'git.corp.example',
    'git.acme.example.edgekey.net',
    'xgit.acme.example.corp.example',
    'web.prod.ns.svc.cluster.local',
    'cluster.local',
  ])
    assert.equal(isProduct(name), false, name);
});

test('a private name inside a label or behind the question is seen, a name below it passes', () => {
  const table = new RouteTable([{ source: 'git.acme.example', destination: 'x.example' }]);
  const key = keyOfWire(wireOfText('git.acme.example'));
  const message = (name: string, rest = ''): [string, number] => [`${'h'.repeat(12)}${name}${rest}`, 12 + name.length];
  assert.equal(table.mentions(...message('\x01a\x03xyz\0', `\0\x01\0\x01option${key}`)), true);
  assert.equal(table.mentions(...message(`\x12${key}\0`)), true); // one label that spells the name, root included
  assert.equal(table.mentions(...message(`\x01b${key}`)), false);
  assert.equal(table.mentions(...message('\x03git\x04corp\x07example\0')), false);
  assert.equal(table.mentions(...message('\x05other\x04acme\x07example\0')), false);
});

const alias = (owner: string, target: string): DnsRecord => ({
  ...address(owner),
  type: 5,
  rdata: wireOfText(target),
});
function address(owner: string): DnsRecord {
  const wire = wireOfText(owner);
  return { owner: wire, key: keyOfWire(wire), type: 1, class: 1, ttl: 1, rdata: Buffer.of(10, 0, 0, 1) };
}

test('chains end, are cut where they come back, and loops are told', () => {
  const routes = new RouteTable([
    { source: 'a.x', destination: 'b.y' },
    { source: 'c.x', destination: 'd.y' },
  ]);
  const start = keyOfWire(wireOfText('a.x'));
  const walk = (records: DnsRecord[], type = 1) => follow(records, start, routes, type);
  assert.deepEqual(walk([address('a.x')]), { kind: 'end', answers: [address('a.x')] });
  const through = [alias('a.x', 'e.y'), alias('e.y', 'f.y'), address('f.y')];
  assert.deepEqual(walk(through), { kind: 'end', answers: through });
  assert.deepEqual(walk([alias('a.x', 'e.y'), alias('e.y', 'a.x'), address('a.x')]), {
    kind: 'end',
    answers: [address('a.x')],
  });
  assert.deepEqual(walk([alias('a.x', 'e.y'), alias('e.y', 'a.x')]), { kind: 'loop' });
  assert.deepEqual(walk([alias('a.x', 'e.y'), alias('e.y', 'f.y'), alias('f.y', 'e.y')]), { kind: 'loop' });
  const onward = walk([alias('a.x', 'c.x'), address('c.x')]);
  assert.ok(onward.kind === 'private' && onward.route.source === 'c.x' && onward.links.length === 1);
  assert.equal(walk([alias('a.x', 'c.x')], 5).kind, 'end');
});

test('following ends for any records', () => {
  const routes = new RouteTable([{ source: 'a.x', destination: 'b.y' }]);
  const name = fc.constantFrom('a.x', 'b.x', 'c.x', 'd.x');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, name), { maxLength: 12 }), (links) => {
      follow(
        links.map(([from, to]) => alias(from, to)),
        keyOfWire(wireOfText('a.x')),
        routes,
        1,
      );
    }),
  );
});

test('resolv.conf: read, rewritten, and its original found again', () => {
  const original =
    '# theirs\nnameserver 10.0.0.10\nnameserver 10.0.0.11\nsearch ns.svc.cluster.local corp.example\noptions ndots:5';
  assert.deepEqual(parseResolvConf(original), {
    nameservers: ['10.0.0.10', '10.0.0.11'],
    search: ['ns.svc.cluster.local', 'corp.example'],
    kept: ['search ns.svc.cluster.local corp.example', 'options ndots:5'],
  });
  const rewritten = rewrittenResolvConf(original, '127.0.0.1');
  assert.deepEqual(parseResolvConf(rewritten).nameservers, ['127.0.0.1']);
  assert.deepEqual(parseResolvConf(rewritten).kept, parseResolvConf(original).kept);
  assert.ok(
    rewritten.length > original.length,
    'longer than what it overwrites, so that no old line is left behind it',
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      assert.equal(originalOf(rewrittenResolvConf(text, '::1')), text);
    }),
  );
  assert.equal(originalOf(original), undefined);
});

test('the Corefile: routes with a resolver of their own come first and take exactly their name', () => {
  const text = corefile({
    listen: { host: '127.0.0.1', port: 53 },
    admin: { host: '127.0.0.1', port: 9153 },
    upstreams: [
      { address: '10.0.0.10', port: 53 },
      { address: '2001:db8::1', port: 53 },
    ],
    routes: [
      { source: 'git.acme.example', destination: 'vpce.example' },
      { source: 'reg.acme.example', destination: 'vpce2.example', resolver: { address: '10.0.0.2', port: 53 } },
    ],
    cache: { entries: 100, maxTtlMs: 60_000 },
  });
  const [, own, rest] = text.split(/^(?=\.:53 \{)/m);
  assert.match(own!, /expr lower\(name\(\)\) == 'reg\.acme\.example\.'/);
  assert.match(
    own!,
    /rewrite stop name exact reg\.acme\.example\. vpce2\.example\. answer auto\n\s+forward \. 10\.0\.0\.2:53\n/,
  );
  assert.match(rest!, /rewrite stop name exact git\.acme\.example\. vpce\.example\. answer auto/);
  assert.match(rest!, /forward \. 10\.0\.0\.10:53 \[2001:db8::1\]:53 \{/);
  assert.match(rest!, /prometheus 127\.0\.0\.1:9153/);
  assert.doesNotMatch(rest!, /reg\.acme/);
});
