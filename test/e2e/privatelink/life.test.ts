/** The document's own arrangement, as real processes: simulator, controller, files, and the owners' own clients as witnesses. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, postern, type Running, startPostern, temporaryDirectory } from '@postern/testing';
import { makeCustomer, makeHub, makeLoadBalancer, remains, removeFile, writeCluster, writeHub } from './world.ts';

let simulator: Running;
let url: string;
before(async () => {
  simulator = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
  url = (await simulator.line(/(http:\/\/\S+)/))[1]!;
});
after(async () => simulator[Symbol.asyncDispose]());

test('a cluster becomes ready within seconds, and its removal leaves an empty world', async () => {
  using dir = temporaryDirectory();
  const hub = await makeHub(url);
  const customer = await makeCustomer(url);
  await makeLoadBalancer(customer, 'acme-x7k2p-int');
  writeHub(dir.path, hub);
  writeCluster(dir.path, 'acme', customer);
  await using controller = startPostern(['privatelink', 'controller', '--resources', dir.path, '--aws-endpoint', url]);
  await controller.line(/"seconds"/);
  const made = await remains(hub, customer);
  assert.equal(made.endpoints.length, 1);
  assert.equal(made.endpoints[0]?.State, 'available');
  assert.equal(made.services.length, 1);
  assert.deepEqual(
    made.zones.map(({ Name }) => Name),
    ['api.acme.acme.example.'],
  );
  removeFile(dir.path, 'acme.yaml');
  await eventually('an empty world', async () => {
    const left = await remains(hub, customer);
    return left.endpoints.length + left.services.length + left.zones.length === 0;
  });
  assert.equal((await controller.stop()).code, 0);
});

test('--once ends by itself: 0 when ready, and a second run changes nothing', async () => {
  using dir = temporaryDirectory();
  const hub = await makeHub(url);
  const customer = await makeCustomer(url);
  await makeLoadBalancer(customer, 'once-x7k2p-int');
  writeHub(dir.path, hub);
  writeCluster(dir.path, 'once', customer);
  const args = ['privatelink', 'controller', '--resources', dir.path, '--aws-endpoint', url, '--once'];
  const first = await postern(args);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /ClusterDeployment\/clusters\/once {2}ready/);
  const last = (await (await fetch(`${url}/_postern/journal?changes=true`)).json()) as { last: number };
  const second = await postern(args);
  assert.equal(second.code, 0, second.stderr);
  const journal = await fetch(`${url}/_postern/journal?changes=true&since=${last.last}`);
  const { entries } = (await journal.json()) as { entries: unknown[] };
  assert.deepEqual(entries, [], 'a second run writes nothing');
});
