/** Tenants against a real Kubernetes API server, through the command line: applied, drifted, repaired, and everything that isolates refuses for real. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { type ApiError, Cluster, type Manifest } from '@postern/sandbox';
import { type Kube, eventually, needKube, postern, startKube, temporaryDirectory } from '@postern/testing';

const digest = `sha256:${'c3'.repeat(32)}`;
const approved = `registry.example/pay/app@${digest}`;

function tenant(name: string, spec: Record<string, unknown> = {}): string {
  return stringify({
    apiVersion: 'postern.dev/v1',
    kind: 'Tenant',
    metadata: { name },
    spec: { organisation: `${name} org`, namespaces: [name, `${name}-test`], ...spec },
  });
}

function pod(namespace: string, more: Record<string, unknown> = {}, image = approved): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${Math.random().toString(36).slice(2)}`, namespace },
    spec: { containers: [{ name: 'app', image, ...more }] },
  };
}

describe('tenants in a cluster', { skip: needKube() }, () => {
  const dir = temporaryDirectory();
  const file = join(dir.path, 'tenants.yaml');
  let kube: Kube;
  let admin: Cluster;
  let deployer: Cluster;

  const cli = async (...args: string[]) => {
    const done = await postern(['sandbox', 'tenant', ...args, '--kubeconfig', kube.kubeconfig]);
    return { ...done, text: `${done.stdout}${done.stderr}` };
  };
  /** Admission policies take a moment to be compiled, and quotas to be counted: refused within reason, and why. */
  const refused = async (by: Cluster, manifest: Manifest, why: RegExp): Promise<void> => {
    await eventually(`${manifest.kind} ${manifest.metadata.name} to be refused with ${why}`, async () => {
      try {
        const made = await by.create(manifest);
        await admin.remove({ ...made, apiVersion: manifest.apiVersion, kind: manifest.kind });
        return false;
      } catch (error) {
        assert.match((error as ApiError).message, why);
        return true;
      }
    });
  };

  before(async () => {
    kube = await startKube();
    admin = await Cluster.open({ kubeconfig: kube.kubeconfig });
    deployer = await Cluster.open({
      kubeconfig: kube.kubeconfig,
      impersonate: { user: 'ci', groups: ['tenant:pay:deployer', 'system:authenticated'] },
    });
    const expiry = '2099-01-01';
    writeFileSync(
      file,
      [
        tenant('pay', { grants: [{ from: 'pay', to: 'health', port: 8443, approver: 'health@example.org', expiry }] }),
        tenant('health', { podSecurity: 'restricted' }),
      ].join('---\n'),
    );
    const first = await cli('apply', '-f', file);
    assert.equal(first.code, 0, first.text);
    await admin.mergePatch(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'approved-images-pay', namespace: 'postern-system' } },
      { data: { [digest.replace(':', '.')]: 'app' } },
    );
  });
  after(async () => {
    await kube?.[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  });

  it('a second apply finds everything as it should be', async () => {
    const second = await cli('apply', '-f', file);
    assert.equal(second.code, 0, second.text);
    assert.match(second.stdout, /^0 changed, \d+ as they should be$/m);
  });

  it('drift is shown, repaired, and what is left over of ours goes', async () => {
    const name = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'postern-default-deny', namespace: 'pay' },
    };
    await admin.mergePatch(name, { spec: { policyTypes: ['Ingress'] } });
    await admin.create({
      ...name,
      metadata: {
        ...name.metadata,
        name: 'postern-old-grant',
        labels: { 'postern.dev/tenant': 'pay', 'app.kubernetes.io/managed-by': 'postern' },
      },
      spec: { podSelector: {} },
    });
    await admin.create({
      ...name,
      metadata: { ...name.metadata, name: 'mine' },
      spec: { podSelector: {}, ingress: [{}] },
    });
    const shown = await cli('apply', 'pay', '-f', file, '--dry-run', 'server');
    assert.match(
      shown.stdout,
      /changed {2}NetworkPolicy pay\/postern-default-deny\n\s+spec\.policyTypes: \["Ingress"\] -> \["Ingress","Egress"\]/,
    );
    assert.match(shown.stdout, /deleted {2}NetworkPolicy pay\/postern-old-grant/);
    assert.match(shown.stderr, /NetworkPolicy pay\/mine is not ours/);
    assert.equal((await cli('apply', 'pay', '-f', file)).code, 0);
    await admin.remove({ ...name, metadata: { ...name.metadata, name: 'mine' } });
    assert.match((await cli('apply', 'pay', '-f', file)).stdout, /^0 changed/m);
  });

  it('the approved image runs', async () => {
    const made = await eventually('an approved pod', () => admin.create(pod('pay')));
    await admin.remove({ ...made, apiVersion: 'v1', kind: 'Pod' });
  });

  it('refuses an image that is not approved, one named by tag, and one in an init container', async () => {
    await refused(
      admin,
      pod('pay', {}, `registry.example/pay/app@sha256:${'d4'.repeat(32)}`),
      /not approved for this tenant: registry/,
    );
    await refused(admin, pod('pay', {}, 'registry.example/pay/app:latest'), /named by digest/);
    const hidden = pod('pay');
    (hidden['spec'] as Record<string, unknown>)['initContainers'] = [
      { name: 'init', image: `other@sha256:${'d4'.repeat(32)}` },
    ];
    await refused(admin, hidden, /not approved/);
    const deployment: Manifest = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'app', namespace: 'pay' },
      spec: {
        selector: { matchLabels: { app: 'app' } },
        template: { metadata: { labels: { app: 'app' } }, spec: { containers: [{ name: 'app', image: 'busybox' }] } },
      },
    };
    await refused(deployer, deployment, /named by digest/);
    await refused(admin, pod('health-test'), /violates PodSecurity "restricted|not approved/);
  });

  it('refuses a privileged pod, and in a restricted namespace a pod that may become root', async () => {
    await refused(admin, pod('pay', { securityContext: { privileged: true } }), /violates PodSecurity "baseline/);
  });

  it('refuses a pod over quota', async () => {
    if (!kube.controllerManager) {
      // Without the controller manager nobody counts what is used: the test writes that status itself.
      const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'postern-quota', namespace: 'pay' } };
      const { spec } = (await admin.read(quota))! as unknown as { spec: { hard: Record<string, string> } };
      const path = `${await admin.path(quota, 'pay', 'postern-quota')}/status`;
      await admin.call('PATCH', path, {
        body: {
          status: { hard: spec.hard, used: Object.fromEntries(Object.keys(spec.hard).map((key) => [key, '0'])) },
        },
        contentType: 'application/merge-patch+json',
      });
    }
    await refused(
      admin,
      pod('pay', { resources: { requests: { cpu: '3' }, limits: { cpu: '3' } } }),
      /maximum cpu usage per Container is 2/,
    );
    const greedy = pod('pay');
    (greedy['spec'] as { containers: unknown[] }).containers = [0, 1, 2].map((i) => ({
      name: `c${i}`,
      image: approved,
      resources: { requests: { cpu: '1' }, limits: { cpu: '1' } },
    }));
    await refused(admin, greedy, /exceeded quota: postern-quota/);
    await refused(
      admin,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'lb', namespace: 'pay' },
        spec: { type: 'NodePort', ports: [{ port: 80 }] },
      },
      /exceeded quota|must be of type ClusterIP/,
    );
  });

  it('refuses a Service that would catch other people’s traffic', async () => {
    await refused(
      deployer,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'trap', namespace: 'pay' },
        spec: { externalIPs: ['203.0.113.9'], ports: [{ port: 80 }] },
      },
      /externalIPs/,
    );
  });

  it('the deployer may install, and not grant itself more', async () => {
    await deployer.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'pay' } });
    const rbac = 'rbac.authorization.k8s.io/v1';
    const more = {
      apiVersion: rbac,
      kind: 'Role',
      metadata: { name: 'more', namespace: 'pay' },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
    };
    await refused(deployer, more, /forbidden/);
    await assert.rejects(
      deployer.mergePatch({ ...more, metadata: { name: 'postern-deployer', namespace: 'pay' } }, { rules: more.rules }),
      /forbidden/,
    );
    await refused(
      deployer,
      {
        apiVersion: rbac,
        kind: 'RoleBinding',
        metadata: { name: 'more', namespace: 'pay' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'Group', name: 'tenant:pay:deployer', apiGroup: 'rbac.authorization.k8s.io' }],
      },
      /forbidden/,
    );
    await refused(
      deployer,
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'open', namespace: 'pay' },
        spec: { podSelector: {}, ingress: [{}] },
      },
      /forbidden/,
    );
    for (const kind of ['Pod', 'Secret', 'ConfigMap'])
      await assert.rejects(
        deployer.list('v1', kind, { namespace: 'health' }),
        /forbidden/,
        `${kind} of another tenant`,
      );
    await assert.rejects(deployer.list('v1', 'Secret', { namespace: 'pay' }), /forbidden/, 'secrets are read by name');
    await assert.rejects(
      deployer.mergePatch(
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'approved-images-pay', namespace: 'postern-system' } },
        { data: { x: 'y' } },
      ),
      /forbidden/,
    );
  });

  it('refuses a spoofed namespace label, even from someone who may create namespaces', async () => {
    const rbac = 'rbac.authorization.k8s.io/v1';
    await admin.create({
      apiVersion: rbac,
      kind: 'ClusterRole',
      metadata: { name: 'namespaces' },
      rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['create', 'patch', 'update', 'get'] }],
    });
    await admin.create({
      apiVersion: rbac,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'namespaces' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'namespaces' },
      subjects: [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }],
    });
    const mallory = await Cluster.open({
      kubeconfig: kube.kubeconfig,
      impersonate: { user: 'mallory', groups: ['system:authenticated'] },
    });
    await refused(
      mallory,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'evil', labels: { 'postern.dev/tenant': 'health' } } },
      /set by the platform/,
    );
    await refused(
      mallory,
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'evil', labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
      },
      /set by the platform/,
    );
    await mallory.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } });
    await assert.rejects(
      mallory.mergePatch(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } },
        { metadata: { labels: { 'postern.dev/tenant': 'health' } } },
      ),
      /set by the platform/,
    );
    await assert.rejects(
      mallory.mergePatch(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pay' } },
        { metadata: { labels: { 'pod-security.kubernetes.io/enforce': null } } },
      ),
      /set by the platform/,
    );
    await mallory.mergePatch(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } },
      { metadata: { labels: { team: 'x' } } },
    );
  });

  it('a namespace that exists is not taken over unasked', async () => {
    await admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'legacy' } });
    const other = join(dir.path, 'legacy.yaml');
    writeFileSync(other, tenant('legacy'));
    const result = await cli('apply', '-f', other);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /legacy exists and belongs to no tenant\n {2}--adopt/);
    assert.equal((await cli('apply', '-f', other, '--adopt')).code, 0);
  });

  it('lists tenants with their quota', async () => {
    const { stdout } = await cli('list');
    assert.match(stdout, /^pay +pay org +pay +Active +small +baseline +4/m);
    const listed = JSON.parse((await cli('list', '-o', 'json')).stdout) as Array<{
      name: string;
      namespaces: unknown[];
    }>;
    assert.deepEqual(
      listed.map((one) => [one.name, one.namespaces.length]),
      [
        ['health', 2],
        ['legacy', 2],
        ['pay', 2],
      ],
    );
  });

  it('removes a tenant only when told, and altogether', async () => {
    assert.equal((await cli('remove', 'health')).code, 2);
    const shown = await cli('remove', 'health', '--dry-run');
    assert.match(shown.stdout, /would delete Namespace health\n/);
    if (!kube.controllerManager) return; // namespaces end only with a controller manager
    const removed = await cli('remove', 'health', '--yes');
    assert.equal(removed.code, 0, removed.text);
    assert.equal(await admin.read({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'health' } }), undefined);
    assert.equal((await cli('remove', 'health', '--yes')).code, 1);
  });
});
