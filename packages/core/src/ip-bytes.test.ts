/** The fast membership test agrees with the plain one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cidrContains, type Cidr, parseCidr } from './cidr.ts';
import { parseHost } from './host.ts';
import { ipBytes, networkSet } from './ip-bytes.ts';

const networks = ['10.0.0.0/8', '10.1.2.0/23', '0.0.0.0/1', '192.168.1.7/32', '2001:db8::/33', '::/1', 'fe80::/10'].map(
  (text) => parseCidr(text) as Cidr,
);

test('a set of networks holds an address when one of them does', () => {
  fc.assert(
    fc.property(
      fc.subarray(networks),
      fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('10.1.3.255', '10.1.4.0', '2001:db8:7fff::')),
      (set, text) => {
        const host = parseHost(text);
        if (host.kind !== 'ip') return;
        assert.equal(
          networkSet(set)(ipBytes(host.ip)),
          set.some((cidr) => cidrContains(cidr, host.ip)),
        );
      },
    ),
    { numRuns: 1000 },
  );
});
