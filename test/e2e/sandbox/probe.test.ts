/**
 * The live probe against a real API server. There are no nodes here: the test plays the kubelet and the network, once one that
 * enforces policies (by the evaluator's word) and once one that lets everything through; the probe has to tell them apart.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cluster, type Manifest } from '@postern/sandbox';
import { type Kube, needKube, postern, startKube, startPostern, temporaryDirectory } from '@postern/testing';
import { type Policy, type World, allowed } from '../../../packages/sandbox/src/reach/evaluate.ts';

const image = `registry.k8s.io/e2e-test-images/agnhost@sha256:${'ab'.repeat(32)}`;
type Pod = Manifest & { spec: { containers: Array<{ args: string[] }> }; status?: { phase?: string } };

/** Gives servers addresses, and lets clients succeed where `network` says so. Ends when the signal does. */
async function playKubelet(
  admin: Cluster,
  network: (from: string, to: string, port: number) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const addresses = new Map<string, string>();
  while (!signal.aborted) {
    for (const pod of (await admin.list('v1', 'Pod', { labels: 'postern.dev/probe' })) as unknown as Pod[]) {
      if (pod.status?.phase !== 'Pending') continue;
      const [command, target = ''] = pod.spec.containers[0]!.args;
      const namespace = pod.metadata.namespace!;
      let status: Record<string, unknown>;
      if (command === 'netexec') {
        const ip = `10.9.0.${addresses.size + 1}`;
        addresses.set(ip, namespace);
        status = { phase: 'Running', podIP: ip, podIPs: [{ ip }] };
      } else {
        const [ip, port] = target.split(':') as [string, string];
        status = { phase: (await network(namespace, addresses.get(ip) ?? ip, Number(port))) ? 'Succeeded' : 'Failed' };
      }
      await admin
        .call('PATCH', `${await admin.path(pod, namespace, pod.metadata.name)}/status`, {
          body: { status },
          contentType: 'application/merge-patch+json',
        })
        .catch(() => undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('sandbox probe', { skip: needKube() }, () => {
  const scratch = temporaryDirectory();
  let kube: Kube;
  let admin: Cluster;

  before(async () => {
    kube = await startKube();
    admin = await Cluster.open({ kubeconfig: kube.kubeconfig });
    const file = join(scratch.path, 'tenants.json');
    const tenant = (name: string, more: Record<string, unknown> = {}) => ({
      apiVersion: 'postern.dev/v1',
      kind: 'Tenant',
      metadata: { name },
      spec: { organisation: name, namespaces: [name], podSecurity: 'restricted', ...more },
    });
    writeFileSync(
      file,
      [
        tenant('pay', { grants: [{ from: 'pay', to: 'health', port: 8080, approver: 'x', expiry: '2099-01-01' }] }),
        tenant('health'),
      ]
        .map((one) => JSON.stringify(one))
        .join('\n---\n'),
    );
    const applied = await postern([
      'sandbox',
      'tenant',
      'apply',
      '-f',
      file,
      '--kubeconfig',
      kube.kubeconfig,
      '--quiet',
    ]);
    assert.equal(applied.code, 0, applied.stderr);
  });
  after(async () => {
    await kube?.[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  const probe = async (network: (from: string, to: string, port: number) => Promise<boolean>) => {
    const stop = new AbortController();
    const kubelet = playKubelet(admin, network, stop.signal);
    await using running = startPostern([
      'sandbox',
      'probe',
      '--kubeconfig',
      kube.kubeconfig,
      '--image',
      image,
      '-o',
      'json',
      '--quiet',
    ]);
    const done = await running.finished;
    stop.abort();
    await kubelet;
    return {
      code: done.code,
      result: JSON.parse(done.stdout) as {
        verdict: string;
        problems: string[];
        probes: Array<{ from: string; to: string; expected: string; tried: string }>;
      },
    };
  };

  it('isolated, where the network keeps to the policies', async () => {
    const world: World = {
      policies: (await admin.list('networking.k8s.io/v1', 'NetworkPolicy')) as unknown as Policy[],
      namespaces: Object.fromEntries(
        (await admin.list('v1', 'Namespace')).map((one) => [one.metadata.name, one.metadata.labels ?? {}]),
      ),
    };
    const end = (name: string) =>
      /^\d/.test(name)
        ? { kind: 'address' as const, ip: name }
        : { kind: 'pod' as const, namespace: name, labels: {}, ip: '10.9.0.9' };
    const { code, result } = await probe(async (from, to, port) =>
      allowed(world, { from: end(from), to: end(to), port, protocol: 'TCP' }),
    );
    assert.equal(code, 0, JSON.stringify(result.problems));
    assert.equal(result.verdict, 'isolated');
    assert.deepEqual(
      result.probes.map((one) => `${one.from}>${one.to} ${one.tried}`),
      [
        'health>health:8080 connects',
        'health>pay:8080 blocked',
        'health>169.254.169.254:80 blocked',
        'pay>health:8080 connects',
        'pay>pay:8080 connects',
        'pay>169.254.169.254:80 blocked',
      ],
    );
    assert.deepEqual(await admin.list('v1', 'Pod', { labels: 'postern.dev/probe' }), [], 'nothing is left behind');
    const list = await admin.read({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'approved-images-pay', namespace: 'postern-system' },
    });
    assert.deepEqual(Object.keys(list?.['data'] ?? {}), [], 'the probe’s image is approved no longer');
  });

  it('not isolated, where the network plugin enforces nothing', async () => {
    const { code, result } = await probe(async () => true);
    assert.equal(code, 1);
    assert.equal(result.verdict, 'not-isolated');
    assert.match(
      result.problems.join('\n'),
      /health -> pay:8080 connects, whatever the policies say: the network plugin does not enforce them/,
    );
  });

  it('says so of an aws-node whose policies are off, and of a policy that opens what must be closed', async () => {
    await admin.create({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'aws-node', namespace: 'kube-system' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'aws-eks-nodeagent', image: 'x', args: ['--enable-network-policy=false'] }] },
        },
      },
    });
    await admin.create({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'open', namespace: 'pay' },
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] },
    });
    const done = await postern(['sandbox', 'probe', '--kubeconfig', kube.kubeconfig]);
    assert.equal(done.code, 1, done.stdout);
    assert.match(done.stdout, /nobody enforces them/);
    assert.match(done.stdout, /by its policies pay -> 169\.254\.169\.254:80 is open/);
  });
});
