/** The agent's own list: rebinding, metadata, loopback and their disguises. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  cidrContains,
  type Destination,
  destinationMatches,
  type Host,
  parseCidr,
  parseDestination,
  parseHost,
} from '@postern/core';
import * as fc from 'fast-check';
import { checkAddress, checkName, isSpecialAddress } from './index.ts';

const list = (...texts: string[]): Destination[] =>
  texts.map((text) => {
    const parsed = parseDestination(text);
    assert.ok(!('reason' in parsed), text);
    return parsed;
  });

const host = (text: string): Host => {
  const parsed = parseHost(text);
  assert.ok(parsed.kind !== 'invalid', text);
  return parsed;
};

/** Ways to write 169.254.169.254 and 127.0.0.1 that reach them through translation or tunnelling. */
const disguises = [
  '::ffff:169.254.169.254',
  '::169.254.169.254',
  '::ffff:0:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::7f00:1',
  '2002:a9fe:a9fe::1',
  '2002:7f00:1::',
  '2001:0:4136:e378:8000:63bf:5601:5601',
  'fe80::5efe:7f00:1',
  '2001:db8::5efe:a9fe:a9fe',
  '2001:db8::200:5efe:127.0.0.1',
];
const special = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '169.254.170.2',
  '224.0.0.1',
  '239.255.255.250',
  '255.255.255.255',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '::',
  '::1',
  'fe80::1',
  'fe80::a9fe:a9fe',
  'febf::1',
  'ff02::1',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  ...disguises,
];
const ordinary = [
  '10.1.2.3',
  '192.168.0.1',
  '172.16.0.1',
  '100.64.0.1',
  '8.8.8.8',
  '169.253.255.255',
  '169.255.0.0',
  '1.0.0.0',
  '128.0.0.1',
  '223.255.255.255',
  '2001:db8::1',
  'fd00::1',
  'fec0::1',
  '64:ff9b::a00:1',
  '2002:a00:1::',
  '::ffff:10.0.0.1',
  'fd00:ec3::254',
  '2600::1',
];

describe('special addresses', () => {
  for (const ip of special)
    test(`${ip} needs its own entry`, () => {
      const canonical = host(ip) as Host & { kind: 'ip' };
      assert.ok(isSpecialAddress(canonical.ip));
      const named = list('gitlab.corp.example:443', '*.corp.example:80');
      assert.equal(checkAddress(named, host('gitlab.corp.example'), 443, ip), false);
      const both = [...named, ...list(canonical.family === 4 ? `${canonical.ip}:443` : `[${canonical.ip}]:443`)];
      assert.equal(checkAddress(both, host('gitlab.corp.example'), 443, ip), true);
      assert.equal(
        checkAddress(both, host('gitlab.corp.example'), 444, ip),
        false,
        'the name is not allowed on that port',
      );
      assert.equal(
        checkAddress(both, host('x.corp.example'), 80, ip),
        false,
        'the address is not allowed on that port',
      );
      assert.equal(
        checkAddress(both, host('other.example'), 443, ip),
        false,
        'the address alone does not allow a name',
      );
      assert.equal(checkAddress(both, canonical, 443, ip), true);
    });

  for (const ip of ordinary)
    test(`${ip} is reached by name alone`, () => {
      assert.equal(checkAddress(list('*.corp.example:443'), host('gitlab.corp.example'), 443, ip), true);
    });

  test('an entry for the embedded IPv4 address, or a network around either, is an entry', () => {
    const name = host('gitlab.corp.example');
    for (const entry of ['169.254.0.0/16:80', '169.254.169.254:80', '[64:ff9b::/96]:80', '0.0.0.0/0:80'])
      assert.ok(checkAddress(list('gitlab.corp.example:80', entry), name, 80, '64:ff9b::a9fe:a9fe'), entry);
    assert.ok(!checkAddress(list('gitlab.corp.example:80', '10.0.0.0/8:80'), name, 80, '64:ff9b::a9fe:a9fe'));
  });

  test('what is no address is refused, and a literal is dialled as it is', () => {
    const all = list('*.example:*', '0.0.0.0/0:*', '[::/0]:*');
    for (const ip of ['', 'localhost', '0177.0.0.1', '127.1', '2130706433', 'fe80::1%eth0', '10.0.0.1 '])
      assert.equal(checkAddress(all, host('a.example'), 443, ip), false, ip);
    assert.equal(checkAddress(all, host('10.0.0.1'), 443, '10.0.0.2'), false);
  });
});

test('the name check agrees with reading every entry', () => {
  const anyEntry = fc.constantFrom(
    'a.example:443',
    '*.example:22-25',
    '10.0.0.0/8:*',
    '10.1.2.3:443',
    '[2001:db8::/32]:443',
    '[::1]:1',
    '*.a.example:*',
  );
  const anyHost = fc.constantFrom(
    'a.example',
    'b.a.example',
    'example',
    '10.1.2.3',
    '11.0.0.1',
    '2001:db8::9',
    '::1',
    'xa.example',
  );
  fc.assert(
    fc.property(fc.array(anyEntry), anyHost, fc.constantFrom(1, 22, 26, 443), (entries, name, port) => {
      const allow = list(...entries);
      assert.equal(
        checkName(allow, host(name), port),
        allow.some((d) => destinationMatches(d, host(name), port)),
      );
    }),
    { numRuns: 500 },
  );
});

test('the address check agrees with the sentence of the contract, for any IPv4 address', () => {
  const specials = [
    '0.0.0.0/8',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '224.0.0.0/4',
    '255.255.255.255/32',
    '100.100.100.200/32',
    '168.63.129.16/32',
    '192.0.0.192/32',
  ].map((text) => parseCidr(text));
  const anyIp = fc.oneof(fc.ipV4(), fc.constantFrom(...special.filter((ip) => !ip.includes(':'))));
  const anyEntry = fc.oneof(
    fc.constantFrom('a.example:443', '*.example:443', '127.0.0.0/8:443', '169.254.169.254:443', '0.0.0.0/0:22'),
    anyIp.map((ip) => `${ip}:443`),
  );
  fc.assert(
    fc.property(fc.array(anyEntry), anyIp, fc.constantFrom(22, 443), (entries, ip, port) => {
      const allow = list(...entries);
      const name = host('a.example');
      const isSpecial = specials.some((cidr) => !('reason' in cidr) && cidrContains(cidr, ip));
      const expected =
        allow.some((d) => destinationMatches(d, name, port)) &&
        (!isSpecial || allow.some((d) => d.host.kind !== 'suffix' && destinationMatches(d, host(ip), port)));
      assert.equal(checkAddress(allow, name, port, ip), expected);
    }),
    { numRuns: 1000 },
  );
});
