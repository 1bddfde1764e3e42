/** Several controllers, one leader: a killed one is replaced within its lease, one cut off stops before that. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@postern/core';
import { KubeApi, lead, type LeaseOptions } from '@postern/resources';
import { eventually, type Kube, type Running, startKube, startPostern } from '@postern/testing';
import {
  apply,
  clusterDocuments,
  hubConfig,
  hubSecret,
  type Kubectl,
  kubectlOf,
  namespaces,
  needCluster,
  stage,
  startController,
} from './cluster.ts';
import { remains } from './world.ts';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};

describe('leadership', { skip: needCluster() }, () => {
  let kube: Kube;
  let simulator: Running;
  let url: string;
  let kubectl: Kubectl;
  let api: KubeApi;
  before(async () => {
    simulator = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
    kube = await startKube({ controllerManager: false });
    url = (await simulator.line(/(http:\/\/\S+)/))[1]!;
    kubectl = kubectlOf(kube.kubeconfig);
    api = await KubeApi.open({ kubeconfig: kube.kubeconfig });
    await apply(kubectl, ...namespaces);
  });
  after(async () => {
    await simulator?.[Symbol.asyncDispose]();
    await kube?.[Symbol.asyncDispose]();
  });

  const lease = (name: string, identity: string, durationMs: number): LeaseOptions => ({
    api,
    clock,
    random: Math.random,
    namespace: 'kube-system',
    name,
    identity,
    durationMs,
  });

  test('two controllers, one leader; killed, it is replaced within the lease, and what it began is finished once', async () => {
    const { hub, customer } = await stage(url, ['acme', 'late']);
    const leaseSeconds = 6;
    const start = () => startController(kube, url, '--lease-duration', `${leaseSeconds}s`);
    await using first = start();
    await first.line(/"leading"/, 60_000);
    await using second = start();
    await second.line(/standing by/, 60_000);
    await apply(kubectl, hubConfig(hub), hubSecret(hub), ...clusterDocuments('acme', customer));
    await first.line(/create a VPC endpoint in/, 60_000);
    await first.stop('SIGKILL');
    const killedMs = performance.now();
    await second.line(/"leading"/, 60_000);
    const seconds = (performance.now() - killedMs) / 1000;
    // A busy machine may take a moment to look at its clock.
    assert.ok(seconds < leaseSeconds + 1, `the takeover took ${seconds.toFixed(1)} s of a lease of ${leaseSeconds} s`);
    process.stdout.write(`takeover ${seconds.toFixed(2)} s after kill -9, lease ${leaseSeconds} s\n`);
    await second.line(/"seconds"/, 60_000);
    await apply(kubectl, ...clusterDocuments('late', customer));
    await kubectl('wait', '-n', 'clusters', 'cd/late', '--for=condition=AWSPrivateLinkReady', '--timeout=60s');
    const made = await remains(hub, customer);
    assert.deepEqual([made.endpoints.length, made.services.length, made.zones.length], [2, 2, 2]);
    // Ended politely, it gives the lease up: the next one need not wait.
    assert.equal((await second.stop()).code, 0);
    const holder = 'jsonpath={.spec.holderIdentity}';
    const held = await kubectl('get', '-n', 'kube-system', 'lease/postern-privatelink', '-o', holder);
    assert.equal(held.stdout, '');
    await using third = start();
    await third.line(/"leading"/, 60_000);
    await kubectl('delete', '-n', 'clusters', 'cd', '--all', '--wait=false');
    await eventually('an empty world', async () => {
      const left = await remains(hub, customer);
      return left.endpoints.length + left.services.length + left.zones.length === 0;
    });
  });

  test('a leader that cannot renew stops by its own clock, before anybody else may lead', async () => {
    const durationMs = 3000;
    const stop = new AbortController();
    let cut = false;
    // The same server, but for this one out of reach from a moment on: its renewals get no answer.
    const fragile = new Proxy(api, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (property !== 'call') return typeof value === 'function' ? value.bind(target) : value;
        return (...args: Parameters<KubeApi['call']>) => (cut ? new Promise(() => {}) : target.call(...args));
      },
    });
    const mine = await lead({ ...lease('fragile', 'a', durationMs), api: fragile }, stop.signal);
    const times: Record<string, number> = {};
    mine.lost.addEventListener('abort', () => (times['stopped'] = performance.now()));
    const other = lead(lease('fragile', 'b', durationMs), stop.signal);
    cut = true;
    const theirs = await other;
    times['taken'] = performance.now();
    assert.ok(times['stopped']! < times['taken'], JSON.stringify(times));
    assert.throws(() => mine.assert(), /lease was lost/);
    theirs.assert();
    await theirs.release();
    await mine.release();
  });

  test('a lease that somebody else took is noticed at the next renewal', async () => {
    const stop = new AbortController();
    const mine = await lead(lease('stolen', 'a', 3000), stop.signal);
    const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/stolen';
    await api.call('PATCH', path, {
      body: { spec: { holderIdentity: 'thief' } },
      contentType: 'application/merge-patch+json',
    });
    await eventually('the loss', () => mine.lost.aborted);
    assert.throws(() => mine.assert());
    await mine.release();
    const after = await api.call<{ spec: { holderIdentity: string } }>('GET', path);
    assert.equal(after.spec.holderIdentity, 'thief', 'what is not ours is not given up');
  });
});
