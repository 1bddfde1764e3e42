/** The bars of `npm run bench:privatelink`, small: what a cluster costs in calls, and that nothing is written where nothing changed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { systemClock as clock } from '@postern/daemon';
import { type AwsSimulator, startAwsSimulator } from '@postern/lab/aws';
import { eventually, temporaryDirectory } from '@postern/testing';
import { countCalls, hiveCreate, hiveSync } from '../../../bench/privatelink/hive-calls.ts';
import { stage } from '../../../bench/privatelink/stage.ts';
import { changesDuring, recording, running, runOnce } from './harness.ts';

const clusters = 60;
/** Three customers with twenty each; one VPC of the hub is associated with every zone. */
const shape = { clusters, perAccount: 20, endpointsPerVpc: 50 };
const documented = { recordType: 'Alias', ownVpcs: 1, foreignVpcs: 0 } as const;

let simulator: AwsSimulator;
before(async () => {
  simulator = await startAwsSimulator();
});
after(() => simulator.close());

/** Grows with every write to an object of the store. */
function storeVersion(folder: string): unknown {
  const db = new DatabaseSync(join(folder, '.postern/state.db'), { readOnly: true });
  try {
    return db.prepare('SELECT max(version) AS version FROM object').get()?.['version'];
  } finally {
    db.close();
  }
}

test('sixty clusters: fewer calls than documented of Hive, no write after a cold restart, none in steady state', async () => {
  using dir = temporaryDirectory();
  await stage(simulator.url, dir.path, shape, new AbortController().signal);

  const making = recording();
  const { verdicts } = await runOnce(dir.path, simulator.url, { clock, observer: making, timeoutMs: 120_000 });
  assert.deepEqual(new Set(verdicts.map(({ verdict }) => verdict.reason)), new Set(['PrivateLinkAccessReady']));
  assert.equal(verdicts.length, clusters);
  assert.ok(making.news.length / clusters <= countCalls(hiveCreate, documented).calls, `${making.news.length} calls`);

  const version = storeVersion(dir.path);
  const again = recording();
  const changes = await changesDuring(simulator, () =>
    runOnce(dir.path, simulator.url, { clock, observer: again, timeoutMs: 60_000 }),
  );
  assert.deepEqual(changes, [], 'a cold restart writes nothing to AWS');
  assert.equal(storeVersion(dir.path), version, 'nor to the store');
  const perCluster = again.news.length / clusters;
  assert.ok(perCluster <= countCalls(hiveSync, documented).calls);
  assert.ok(perCluster < 4, `lists are shared: ${perCluster} calls a cluster`);

  const steady = recording();
  const looks = 2;
  const written = await changesDuring(simulator, async () => {
    await using _controller = await running(dir.path, simulator.url, { clock, resyncMs: 3000, observer: steady });
    const seen = () => steady.news.filter(({ action }) => action === 'route53:GetHostedZone').length;
    await eventually('two looks at each', () => seen() >= looks * clusters, 60_000);
  });
  assert.deepEqual(written, []);
  assert.equal(storeVersion(dir.path), version);
  assert.ok(steady.news.length / (looks * clusters) < 4, `${steady.news.length} calls in ${looks} looks at each`);
});

test('a shared list only says that all is well: what it cannot vouch for is looked at by itself before anything changes', async () => {
  using dir = temporaryDirectory();
  simulator.reset();
  await stage(simulator.url, dir.path, { ...shape, clusters: 2 }, new AbortController().signal);
  await runOnce(dir.path, simulator.url, { clock });
  // Lists of the whole account come back without the endpoints; a controller that believed them would make new ones.
  const rule = simulator.rule({
    match: { action: 'DescribeVpcEndpoints', input: { Name: 'tag-key' } },
    effect: { hideNewForMs: 86_400_000 },
  });
  const changes = await changesDuring(simulator, () => runOnce(dir.path, simulator.url, { clock }));
  simulator.world.rules.remove(rule.id);
  assert.ok(rule.applied > 0);
  assert.deepEqual(changes, []);
});
