/** Canonical hosts: one spelling for one host, and nothing guessed. */
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hostPortText, hostText, parseHost, parseHostPort } from './host.ts';

const canonical: ReadonlyArray<readonly [text: string, canonical: string]> = [
  ['GitLab.Corp.Example', 'gitlab.corp.example'],
  ['gitlab.corp.example.', 'gitlab.corp.example'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['BÜCHER.example', 'xn--bcher-kva.example'],
  ['faß.de', 'xn--fa-hia.de'],
  ['gitlab。corp。example', 'gitlab.corp.example'], // the ideographic full stop is a dot in UTS 46
  ['under_score.internal', 'under_score.internal'],
  ['10.1.2.3', '10.1.2.3'],
  ['2001:DB8::0001', '2001:db8::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // RFC 5952 section 4.2.3: the first of the longest runs
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::ffff:0a01:0203', '10.1.2.3'],
  ['::1', '::1'],
];
for (const [text, want] of canonical)
  test(`${text} is ${want}`, () => {
    const host = parseHost(text);
    assert.notEqual(host.kind, 'invalid');
    if (host.kind !== 'invalid') assert.equal(hostText(host), want);
  });

const refused = [
  '',
  '.',
  '..',
  'a..b',
  '-a.example',
  'a-.example',
  'a b',
  'a/b',
  'a\0b',
  'a%00b',
  '0177.0.0.1',
  '010.1.1.1',
  '0x7f.1',
  '0x7f000001',
  '2130706433',
  '127.1',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '1.2.3.4..',
  'example.0x1',
  'example.1',
  'fe80::1%eth0',
  ':::',
  '1::2::3',
  '::ffff:0x7f.0.0.1',
  '::ffff:0177.0.0.1',
  '[::1]',
  'x'.repeat(64),
  `${'x.'.repeat(127)}x`.repeat(2),
  '⑧.8.8.8.',
];
for (const text of refused)
  test(`${JSON.stringify(text.slice(0, 40))} is refused with a reason`, () => {
    const host = parseHost(text);
    assert.equal(host.kind, 'invalid', JSON.stringify(host));
    if (host.kind === 'invalid') assert.ok(host.reason.length > 5);
  });

test('the canonical form is a fixed point, whatever was written', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.domain(), fc.ipV4(), fc.ipV6(), fc.ipV4Extended()),
      (text) => {
        const host = parseHost(text);
        if (host.kind === 'invalid') return;
        const again = parseHost(hostText(host));
        assert.deepEqual(again, host);
      },
    ),
    { numRuns: 3000 },
  );
});

test('an address that Node takes for one is never a name, and the other way round', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.ipV4Extended()), (text) => {
      const host = parseHost(text);
      if (host.kind === 'name') assert.equal(isIP(host.name), 0);
      if (host.kind === 'ip') assert.equal(isIP(host.ip), host.family);
      if (isIP(text) !== 0) assert.notEqual(host.kind, 'name');
    }),
    { numRuns: 2000 },
  );
});

test('names that differ only in case, trailing dot or encoding are equal', () => {
  fc.assert(
    fc.property(fc.domain(), (name) => {
      const host = parseHost(name);
      if (host.kind === 'invalid') return;
      assert.deepEqual(parseHost(name.toUpperCase()), host);
      assert.deepEqual(parseHost(`${name}.`), host);
    }),
  );
});

test('host:port is read back as it was written', () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 65535 }), (text, port) => {
      const host = parseHost(text);
      if (host.kind === 'invalid') return;
      assert.deepEqual(parseHostPort(hostPortText(host, port)), { host, port });
    }),
  );
});

for (const text of [
  'host',
  'host:',
  'host:0',
  'host:65536',
  'host:1e3',
  '::1:80',
  '[::1]',
  '[host]:80',
  '[1.2.3.4]:80',
  ':80',
  'a:b:80',
])
  test(`${text} is no host:port`, () => assert.ok('reason' in parseHostPort(text)));
