/** The manifests: as the code makes them, as kubectl builds them, and the accounts in them can do the work and nothing else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  eventually,
  type Kube,
  need,
  repositoryRoot,
  run,
  type Running,
  startKube,
  startPostern,
  temporaryDirectory,
} from '@postern/testing';
import { parse, parseAllDocuments } from 'yaml';
import { generatedManifests } from '../../../packages/privatelink/src/manifests.ts';
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
} from './cluster.ts';
import { remains } from './world.ts';

const folder = join(repositoryRoot, 'packages/privatelink/manifests');

test('what is made of the code is what the code makes', () => {
  for (const [file, text] of generatedManifests())
    assert.deepEqual(
      parse(readFileSync(join(folder, file), 'utf8')),
      parse(text),
      `${file} is old: node tools/run.mjs tools/manifests.ts`,
    );
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: { template?: { spec: { securityContext?: object; containers: Array<Record<string, object>> } } };
}

test('kubectl kustomize builds them; every container is confined and probed', { skip: need('kubectl') }, async () => {
  const built = await run('kubectl', ['kustomize', join(folder, 'base')]);
  assert.equal(built.code, 0, built.stderr);
  const documents = parseAllDocuments(built.stdout).map((document) => document.toJS() as Manifest);
  const kinds = new Set(documents.map(({ kind }) => kind));
  for (const kind of [
    'CustomResourceDefinition',
    'ClusterRole',
    'Deployment',
    'Service',
    'ValidatingWebhookConfiguration',
  ])
    assert.ok(kinds.has(kind), kind);
  assert.ok(!built.stdout.includes('clusterdeployments.hive.openshift.io'), "Hive's own definitions are left alone");
  for (const { kind, metadata, spec } of documents.filter(({ kind }) => kind === 'Deployment')) {
    assert.equal(metadata.namespace, 'postern-privatelink', `${kind} ${metadata.name}`);
    for (const container of spec!.template!.spec.containers) {
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) assert.ok(container[probe], probe);
      assert.deepEqual(container['securityContext'], {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  }
});

describe('the accounts of the manifests', { skip: needCluster() }, () => {
  let kube: Kube;
  let simulator: Running;
  let url: string;
  let kubectl: Kubectl;
  const tokens = { controller: randomBytes(16).toString('hex'), webhook: randomBytes(16).toString('hex') };
  before(async () => {
    simulator = startPostern(['lab', 'aws', '--listen', '127.0.0.1:0', '--quiet']);
    const users = Object.entries(tokens).map(
      ([name, token]) => `${token},system:serviceaccount:postern-privatelink:${name},${name},"system:serviceaccounts"`,
    );
    kube = await startKube({ users, controllerManager: false });
    url = (await simulator.line(/(http:\/\/\S+)/))[1]!;
    kubectl = kubectlOf(kube.kubeconfig);
    for (const part of ['hive-crds', 'base']) {
      const applied = await kubectl('apply', '--server-side', '-k', join(folder, part));
      assert.equal(applied.code, 0, applied.stderr);
    }
    assert.equal((await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s')).code, 0);
  });
  after(async () => {
    await simulator?.[Symbol.asyncDispose]();
    await kube?.[Symbol.asyncDispose]();
  });

  /** A kubeconfig of one of the accounts. */
  const as = (dir: string, account: keyof typeof tokens): string => {
    const config = JSON.parse(readFileSync(kube.kubeconfig, 'utf8')) as { users: Array<{ user: object }> };
    config.users[0]!.user = { token: tokens[account] };
    const file = join(dir, `${account}.kubeconfig`);
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  };

  test('webhook and controller do their whole work with them: admission, a link, its removal', async () => {
    using dir = temporaryDirectory();
    const { hub, customer } = await stage(url, ['acme']);
    const tls = '--tls-secret=postern-privatelink/postern-privatelink-webhook-tls';
    await using webhook = startPostern([
      'privatelink',
      'webhook',
      '--kubeconfig',
      as(dir.path, 'webhook'),
      '--listen',
      '127.0.0.1:0',
      tls,
    ]);
    await webhook.line(/"ready"/, 60_000);
    const args = ['--lease-namespace=postern-privatelink', '--no-install-crds', '--aws-endpoint', url];
    await using controller = startPostern([
      'privatelink',
      'controller',
      '--kubeconfig',
      as(dir.path, 'controller'),
      ...args,
    ]);
    await controller.line(/"leading"/, 60_000);
    await eventually('the API server to ask the webhook', async () => {
      await apply(kubectl, ...namespaces, hubConfig(hub), hubSecret(hub), ...clusterDocuments('acme', customer));
      return true;
    });
    const waited = await kubectl(
      'wait',
      '-n',
      'clusters',
      'cd/acme',
      '--for=condition=AWSPrivateLinkReady',
      '--timeout=60s',
    );
    assert.equal(waited.code, 0, waited.stderr + controller.stderr);
    const events = await kubectl('get', 'events', '-n', 'clusters', '-o', 'jsonpath={.items[*].reason}');
    assert.match(events.stdout, /PrivateLinkAccessReady/);
    await kubectl('delete', '-n', 'clusters', 'cd/acme', '--wait=false');
    await eventually('it to go', async () => (await kubectl('get', '-n', 'clusters', 'cd/acme')).code !== 0);
    assert.deepEqual(await remains(hub, customer), { endpoints: [], services: [], zones: [] });
    assert.doesNotMatch(controller.stderr + webhook.stderr, /forbidden|cannot (get|list|watch|create|patch|update)/i);
  });

  test('and nothing else', async () => {
    const may = async (account: string, ...what: readonly string[]): Promise<boolean> =>
      (await kubectl('auth', 'can-i', ...what, `--as=system:serviceaccount:postern-privatelink:${account}`)).code === 0;
    for (const what of [
      ['create', 'clusterdeployments.hive.openshift.io'],
      ['delete', 'clusterdeployments.hive.openshift.io', '-n', 'clusters'],
      ['update', 'hiveconfigs.hive.openshift.io'],
      ['patch', 'secrets', '-n', 'clusters'],
      ['create', 'customresourcedefinitions.apiextensions.k8s.io'],
      ['update', 'leases.coordination.k8s.io/other', '-n', 'postern-privatelink'],
    ])
      assert.equal(await may('controller', ...what), false, `controller: ${what.join(' ')}`);
    for (const what of [
      ['get', 'secrets', '-n', 'clusters'],
      ['patch', 'validatingwebhookconfigurations.admissionregistration.k8s.io/other'],
      ['create', 'validatingwebhookconfigurations.admissionregistration.k8s.io'],
      ['patch', 'clusterdeployments.hive.openshift.io', '-n', 'clusters'],
    ])
      assert.equal(await may('webhook', ...what), false, `webhook: ${what.join(' ')}`);
    assert.equal(await may('controller', 'get', 'secrets', '-n', 'clusters'), true);
  });
});
