/** Networks against a naive oracle on big integers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Cidr, cidrContains, cidrsOverlap, cidrText, parseCidr } from './cidr.ts';
import { parseHost } from './host.ts';

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(!('reason' in parsed), `${text} ${'reason' in parsed ? parsed.reason : ''}`);
  return parsed;
}

const v4Text = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
const v4 = fc.integer({ min: 0, max: 0xffffffff });
const mask = (prefix: number): number => (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0);

test('IPv4 membership is what masking says', () => {
  fc.assert(
    fc.property(v4, fc.integer({ min: 0, max: 32 }), v4, (base, prefix, ip) => {
      const network = (base & mask(prefix)) >>> 0;
      const parsed = cidr(`${v4Text(network)}/${prefix}`);
      assert.equal(cidrContains(parsed, v4Text(ip)), (ip & mask(prefix)) >>> 0 === network);
      assert.equal(cidrContains(parsed, v4Text(network)), true);
      assert.equal(cidrText(parsed), `${v4Text(network)}/${prefix}`);
      if (network !== base) assert.ok('reason' in parseCidr(`${v4Text(base)}/${prefix}`), 'host bits are set');
    }),
    { numRuns: 2000 },
  );
});

test('overlap is symmetric, and means a shared address', () => {
  const network = fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([base, prefix]) => ({
    from: (base & mask(prefix)) >>> 0,
    to: ((base & mask(prefix)) | ~mask(prefix)) >>> 0,
    prefix,
  }));
  fc.assert(
    fc.property(network, network, (a, b) => {
      const [first, second] = [cidr(`${v4Text(a.from)}/${a.prefix}`), cidr(`${v4Text(b.from)}/${b.prefix}`)];
      const overlap = a.from <= b.to && b.from <= a.to;
      assert.equal(cidrsOverlap(first, second), overlap);
      assert.equal(cidrsOverlap(second, first), overlap);
    }),
    { numRuns: 2000 },
  );
});

test('IPv6', () => {
  assert.ok(cidrContains(cidr('2001:db8::/32'), '2001:db8:ffff::1'));
  assert.ok(!cidrContains(cidr('2001:db8::/33'), '2001:db8:8000::'));
  assert.ok(cidrContains(cidr('::/0'), '::1'));
  assert.ok(!cidrContains(cidr('::/0'), '10.0.0.1'));
  assert.ok(!cidrContains(cidr('0.0.0.0/0'), '::1'));
  assert.equal(cidrText(cidr('2001:0DB8::/32')), '2001:db8::/32');
});

test('an IPv4-mapped network is the IPv4 network it is', () => {
  assert.deepEqual(cidr('::ffff:10.0.0.0/104'), cidr('10.0.0.0/8'));
  const mapped = parseHost('::ffff:10.1.1.1');
  assert.ok(mapped.kind === 'ip' && cidrContains(cidr('10.0.0.0/8'), mapped.ip));
});

for (const text of [
  '',
  '10.0.0.0',
  '10.0.0.0/',
  '/8',
  '10.0.0.0/33',
  '10.0.0/8',
  '010.0.0.0/8',
  '::/129',
  'host/8',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  '::ffff:10.0.0.0/8',
])
  test(`${JSON.stringify(text)} is no network`, () => assert.ok('reason' in parseCidr(text)));
