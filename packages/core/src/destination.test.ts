/** Destinations of rules: what they match, against a naive oracle, and that their text says the same again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Destination, destinationMatches, destinationText, parseDestination } from './destination.ts';
import { type Host, hostText, parseHost } from './host.ts';

function destination(text: string): Destination {
  const parsed = parseDestination(text);
  assert.ok(!('reason' in parsed), `${text} ${'reason' in parsed ? parsed.reason : ''}`);
  return parsed;
}

function host(text: string): Host {
  const parsed = parseHost(text);
  assert.notEqual(parsed.kind, 'invalid', text);
  return parsed as Host;
}

const cases: ReadonlyArray<readonly [pattern: string, host: string, port: number, matches: boolean]> = [
  ['gitlab.example:443', 'GitLab.Example.', 443, true],
  ['gitlab.example:443', 'gitlab.example', 444, false],
  ['gitlab.example:443', 'x.gitlab.example', 443, false],
  ['*.corp.example:22', 'a.corp.example', 22, true],
  ['*.corp.example:22', 'a.b.corp.example', 22, true],
  ['*.corp.example:22', 'corp.example', 22, false],
  ['*.corp.example:22', 'evilcorp.example', 22, false],
  ['*.corp.example:*', 'a.corp.example', 65535, true],
  ['10.1.0.0/16:8000-8999', '10.1.2.3', 8000, true],
  ['10.1.0.0/16:8000-8999', '10.1.2.3', 8999, true],
  ['10.1.0.0/16:8000-8999', '10.1.2.3', 9000, false],
  ['10.1.0.0/16:8000-8999', '10.2.2.3', 8000, false],
  ['10.1.0.0/16:*', '::ffff:10.1.2.3', 1, true],
  ['0.0.0.0/0:443', 'gitlab.example', 443, false], // a name never matches a network
  ['10.1.2.3:443', '10.1.2.3', 443, true],
  ['[2001:db8::1]:443', '2001:0db8::1', 443, true],
  ['[2001:db8::/32]:443', '2001:db8:1::', 443, true],
  ['[2001:db8::/32]:443', '2001:db9::', 443, false],
  ['bücher.example:443', 'xn--bcher-kva.example', 443, true],
];
for (const [pattern, name, port, matches] of cases)
  test(`${pattern} ${matches ? 'covers' : 'does not cover'} ${name} port ${port}`, () =>
    assert.equal(destinationMatches(destination(pattern), host(name), port), matches));

for (const text of [
  '',
  'host',
  'host:',
  'host:0',
  'host:65536',
  'host:80-79',
  'host:0-80',
  'host:1-2-3',
  'host:http',
  '*:443',
  '**.example:443',
  'a.*.example:443',
  '*.10.0.0.1:443',
  '*.:443',
  '10.0.0.1/8:443',
  '10.0.0.0/33:443',
  '2001:db8::1:443',
  '[host]:443',
  '[10.0.0.1]:443',
  '[2001:db8::1]',
  '0x7f.1:80',
  'a b:80',
])
  test(`${JSON.stringify(text)} is refused with a reason`, () => {
    const parsed = parseDestination(text);
    assert.ok('reason' in parsed && parsed.reason.length > 5, JSON.stringify(parsed));
  });

const anyHost = fc.oneof(
  fc.constantFrom('a.example', 'b.a.example', 'aa.example', 'example', '10.0.0.1', '10.0.1.1', '::1', '2001:db8::1'),
  fc.domain(),
  fc.ipV4(),
);
const anyPattern = fc.oneof(
  anyHost.map((text) => (text.includes(':') ? `[${text}]` : text)),
  fc.constantFrom('*.example', '*.a.example', '10.0.0.0/24', '10.0.0.0/8', '0.0.0.0/0', '[::/0]', '[2001:db8::/32]'),
);
const anyPorts = fc.oneof(
  fc.constant('*'),
  fc.integer({ min: 1, max: 65535 }).map(String),
  fc
    .tuple(fc.integer({ min: 1, max: 40000 }), fc.integer({ min: 0, max: 20000 }))
    .map(([from, n]) => `${from}-${from + n}`),
);

test('the text of a destination means the same destination', () => {
  fc.assert(
    fc.property(anyPattern, anyPorts, (pattern, ports) => {
      const parsed = parseDestination(`${pattern}:${ports}`);
      if ('reason' in parsed) return;
      assert.deepEqual(destination(destinationText(parsed)), parsed);
    }),
  );
});

test('matching is what a naive reading of the pattern says', () => {
  const naive = (pattern: string, ports: string, name: Host, port: number): boolean => {
    const [from, to] = ports === '*' ? [1, 65535] : (ports.split('-').map(Number) as [number, number?]);
    if (port < from || port > (to ?? from)) return false;
    const bare = pattern.replace(/^\[|\]$/g, '');
    if (bare.startsWith('*.')) return name.kind === 'name' && hostText(name).endsWith(bare.slice(1));
    if (bare === '::/0') return name.kind === 'ip' && name.family === 6;
    if (bare === '0.0.0.0/0') return name.kind === 'ip' && name.family === 4;
    if (bare === '2001:db8::/32') return hostText(name).startsWith('2001:db8:');
    if (bare.includes('/'))
      return name.kind === 'ip' && name.ip.startsWith(bare.startsWith('10.0.0.0/24') ? '10.0.0.' : '10.');
    const other = parseHost(bare);
    return other.kind === name.kind && hostText(other) === hostText(name);
  };
  fc.assert(
    fc.property(anyPattern, anyPorts, anyHost, fc.integer({ min: 1, max: 65535 }), (pattern, ports, text, port) => {
      const parsed = parseDestination(`${pattern}:${ports}`);
      const name = parseHost(text);
      if ('reason' in parsed || name.kind === 'invalid') return;
      assert.equal(destinationMatches(parsed, name, port), naive(pattern, ports, name, port));
    }),
    { numRuns: 3000 },
  );
});
