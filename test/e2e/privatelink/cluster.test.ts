/** The controller in a hub cluster: the document's YAML through kubectl, Events, deletion; real processes and a real API server. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, type Kube, postern, type Running, startKube, startPostern } from '@postern/testing';
import {
  apply,
  clusterDocuments,
  hubConfig,
  hubSecret,
  installDefinitions,
  type Kubectl,
  kubectlOf,
  namespaces,
  needCluster,
  stage,
  startController,
} from './cluster.ts';
import { hiveConfig, remains } from './world.ts';

describe('the controller in a hub cluster', { skip: needCluster() }, () => {
  let kube: Kube;
  let simulator: Running;
  let url: string;
  let kubectl: Kubectl;
  before(async () => {
    simulator = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
    kube = await startKube({ controllerManager: false });
    url = (await simulator.line(/(http:\/\/\S+)/))[1]!;
    kubectl = kubectlOf(kube.kubeconfig);
    await installDefinitions(kubectl);
    await apply(kubectl, ...namespaces);
  });
  after(async () => {
    await simulator?.[Symbol.asyncDispose]();
    await kube?.[Symbol.asyncDispose]();
  });

  test("the document's YAML through kubectl: Ready, Events, and delete leaves an empty world", async () => {
    const { hub, customer } = await stage(url, ['acme']);
    await using controller = startController(kube, url);
    await controller.line(/leading/, 60_000);
    await apply(kubectl, hubConfig(hub), hubSecret(hub), ...clusterDocuments('acme', customer));
    const waited = await kubectl(
      'wait',
      '-n',
      'clusters',
      'clusterdeployment/acme',
      '--for=condition=AWSPrivateLinkReady',
      '--timeout=60s',
    );
    assert.equal(waited.code, 0, waited.stderr + controller.stderr);
    const described = (await kubectl('describe', '-n', 'clusters', 'clusterdeployment/acme')).stdout;
    for (const reason of ['CreateService', 'CreateEndpoint', 'CreateZone', 'PrivateLinkAccessReady'])
      assert.match(described, new RegExp(`Normal +${reason} .*postern-privatelink`), described);
    const shown = (await kubectl('get', '-n', 'clusters', 'cd')).stdout;
    assert.match(shown, /acme +eu-central-1 +True +PrivateLinkAccessReady +vpce-/);
    const status = await postern(['privatelink', 'status', '--kubeconfig', kube.kubeconfig]);
    assert.match(status.stdout, /ClusterDeployment +clusters +acme +True/, status.stderr);
    const plan = await postern(['privatelink', 'plan', '--kubeconfig', kube.kubeconfig, '--aws-endpoint', url]);
    assert.match(plan.stdout, /acme: nothing to do/, plan.stderr);
    // With its Secrets, as `kubectl delete -f` of the same file does.
    for (const what of ['clusterdeployment/acme', 'secret/customer-credentials', 'secret/acme-kubeconfig'])
      assert.equal((await kubectl('delete', '-n', 'clusters', what, '--wait=false')).code, 0);
    await eventually('the object to go', async () => (await kubectl('get', '-n', 'clusters', 'cd/acme')).code !== 0);
    assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
    assert.equal((await controller.stop()).code, 0);
  });

  test('the API server restarts under a controller: it goes on where it was', async () => {
    const { hub, customer } = await stage(url, ['before', 'after']);
    await using controller = startController(kube, url);
    await controller.line(/leading/, 60_000);
    await apply(kubectl, hubConfig(hub), hubSecret(hub), ...clusterDocuments('before', customer));
    const ready = async (name: string): Promise<void> => {
      const wait = ['wait', '-n', 'clusters', `cd/${name}`, '--for=condition=AWSPrivateLinkReady', '--timeout=60s'];
      const { code, stderr } = await kubectl(...wait);
      assert.equal(code, 0, stderr + controller.stderr);
    };
    await ready('before');
    await kube.stopServer();
    await controller.line(/a watch was interrupted/, 60_000);
    await kube.startServer();
    await apply(kubectl, ...clusterDocuments('after', customer));
    await ready('after');
    await kubectl('delete', '-n', 'clusters', 'cd/before', 'cd/after', '--wait=false');
    await eventually('an empty world', async () => {
      const left = await remains(hub, customer);
      return left.endpoints.length + left.services.length + left.zones.length === 0;
    });
    assert.equal((await controller.stop()).code, 0);
  });

  test('killed in the middle of a removal, the next start finishes it and lets the object go', async () => {
    const { hub, customer } = await stage(url, ['crash']);
    await apply(kubectl, hubConfig(hub), hubSecret(hub), ...clusterDocuments('crash', customer));
    const once = ['privatelink', 'controller', '--kubeconfig', kube.kubeconfig, '--aws-endpoint', url, '--once'];
    assert.equal((await postern(once)).code, 0);
    await kubectl('delete', '-n', 'clusters', 'cd/crash', '--wait=false');
    // The first may have gone on between its line and its end: the second finds the endpoints there, or already on their way.
    for (const step of [/delete-records|delete-zone/, /delete-endpoints|delete-services/]) {
      await using controller = startController(kube, url, '--lease-duration', '3s');
      await controller.line(new RegExp(`"step":"(${step.source})"`), 60_000);
      await controller.stop('SIGKILL');
    }
    assert.equal((await kubectl('get', '-n', 'clusters', 'cd/crash')).code, 0, 'its finalizer holds it');
    const last = await postern(once);
    assert.equal(last.code, 0, last.stderr);
    assert.notEqual((await kubectl('get', '-n', 'clusters', 'cd/crash')).code, 0);
    assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
  });

  test("on a hub where Hive's own controller is on it refuses to start, unless told to take over", async () => {
    const { hub, customer } = await stage(url, ['beside']);
    await apply(kubectl, hiveConfig(hub), hubSecret(hub), ...clusterDocuments('beside', customer));
    await kubectl(
      'patch',
      'hiveconfig/hive',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/disabledControllers"}]',
    );
    const args = ['privatelink', 'controller', '--kubeconfig', kube.kubeconfig, '--aws-endpoint', url, '--once'];
    const refused = await postern(args);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /does not list awsprivatelink in spec\.disabledControllers/);
    assert.match(refused.stderr, /--take-over/);
    assert.equal((await remains(hub, customer)).endpoints.length, 0);
    const taken = await postern([...args, '--take-over']);
    assert.equal(taken.code, 0, taken.stderr);
    assert.match(taken.stdout, /ClusterDeployment\/clusters\/beside {2}ready/);
    await kubectl('delete', '-n', 'clusters', 'cd/beside', '--wait=false');
    await apply(kubectl, hubConfig(hub));
    assert.equal((await postern(args)).code, 0);
    assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
  });
});
