/** One suite over the simulator, moto and, by environment variables, a real account: the simulator must not drift into our own wishes. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { misfits, needBotocore } from './support/botocore.ts';
import { edgeCases } from './suite/edges.ts';
import { filterCases } from './suite/filters.ts';
import { handshakeCases } from './suite/handshake.ts';
import { networkCases } from './suite/network.ts';
import { registryCases } from './suite/registry.ts';
import { stackCases } from './suite/stacks.ts';
import { onStage, type Running, targets } from './support/target.ts';

const cases = [...networkCases, ...filterCases, ...edgeCases, ...registryCases, ...stackCases, ...handshakeCases];

for (const target of targets) {
  describe(`AWS conformance: ${target.name}`, { skip: target.skip }, () => {
    let running: Running;
    before(async () => (running = await target.start()));
    after(() => running.close());
    for (const one of cases) {
      const skip = target.name === 'moto' && one.motoLacks !== undefined ? one.motoLacks : false;
      test(one.name, { skip }, async (t) => {
        if (one.twoAccounts === true && running.b === undefined) return t.skip('needs a second account');
        await onStage(running, one.run);
      });
    }
    if (target.name === 'simulator')
      test("every answer given above fits botocore's models", { skip: needBotocore }, () => {
        const answers = running.recorded.filter(({ status }) => status < 300);
        assert.ok(answers.length > 100);
        assert.deepEqual([...new Set(answers.flatMap(misfits))], []);
      });
  });
}
