/** Messages of conditions stay the same while the trouble does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { stableMessage } from './message.ts';

const hex = (n: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: n, maxLength: n });
const uuid = fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map((parts) => parts.join('-'));
const session = fc.string({ unit: fc.constantFrom(...'abcXYZ019._@=-'.split('')), minLength: 2, maxLength: 40 });
const blob = fc.base64String({ minLength: 40, maxLength: 200 });

test('whatever differs from call to call, the message does not', () => {
  const message = (parts: { uuid: string; session: string; blob: string; minute: number }): string =>
    stableMessage(
      `User: arn:aws-us-gov:sts::123456789012:assumed-role/Hive/${parts.session} is not authorized to perform: ec2:CreateVpcEndpoint\n\twith an explicit deny. ` +
        `Encoded authorization failure message: ${parts.blob} RequestID: ${parts.uuid}, request id: ${parts.uuid} ` +
        `current time 2026-01-01T00:${String(parts.minute).padStart(2, '0')}:00Z is after 2025-01-01T00:00:00Z`,
    );
  const said = new Set<string>();
  fc.assert(
    fc.property(fc.record({ uuid, session, blob, minute: fc.integer({ min: 0, max: 59 }) }), (parts) => {
      said.add(message(parts));
    }),
    { numRuns: 500 },
  );
  assert.equal(said.size, 1, [...said].join('\n'));
  assert.match([...said][0]!, /assumed-role\/Hive is not authorized to perform: ec2:CreateVpcEndpoint/);
});

test('a stable message is stable, bounded and on one line', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 3000 }), (text) => {
      const once = stableMessage(text);
      assert.ok(once.length <= 1024 && !/[\n\t]/.test(once));
    }),
    { numRuns: 500 },
  );
});
