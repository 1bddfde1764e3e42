/** The packaging rules, on manifests like those that were found in real charts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '@postern/testing';
import { parseAllDocuments } from 'yaml';
import { lintManifest } from './lint.ts';
import { imagesOf, pinImages } from './workload.ts';

const container = { name: 'app', image: 'acme/app:1.0', resources: { requests: {} }, readinessProbe: {} };
const deployment = (spec: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'x', ...more },
  spec: { template: { spec: { containers: [container], ...spec } } },
});
const rules = (manifest: unknown, options = {}): string =>
  lintManifest(manifest, options)
    .filter((f) => f.severity === 'error')
    .map((f) => f.rule)
    .join(' ');

const refused: ReadonlyArray<readonly [string, unknown, string]> = [
  [
    'a ClusterRoleBinding',
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'x' } },
    'kind',
  ],
  ['a NetworkPolicy', { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'x' } }, 'kind'],
  ['a Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }, 'kind'],
  ['a kind of tomorrow', { apiVersion: 'new.example/v1', kind: 'Thing', metadata: { name: 'x' } }, 'kind'],
  ['a NodePort', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec: { type: 'NodePort' } }, 'exposed'],
  [
    'external addresses',
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec: { externalIPs: ['203.0.113.1'] } },
    'external-ips',
  ],
  [
    'a literal password',
    deployment({ containers: [{ ...container, env: [{ name: 'DB_PASSWORD', value: 'hunter2' }] }] }),
    'literal-secret',
  ],
  [
    'a Secret in clear',
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, stringData: { a: 'b' } },
    'literal-secret',
  ],
  ['the node’s files', deployment({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }), 'host-path'],
  ['the node’s network', deployment({ hostNetwork: true }), 'host'],
  [
    'privilege',
    deployment({
      containers: [{ ...container, securityContext: { privileged: true, capabilities: { add: ['SYS_ADMIN'] } } }],
    }),
    'privileged capabilities',
  ],
  [
    'an init container without a tag',
    deployment({ initContainers: [{ name: 'init', image: 'busybox' }] }),
    'image-latest',
  ],
  ['another namespace', deployment({}, { namespace: 'other' }), 'foreign-namespace'],
  ['nothing', {}, 'no-object'],
  ['text', 'x', 'no-object'],
];
for (const [what, manifest, expected] of refused)
  test(`refuses ${what}`, () => assert.equal(rules(manifest, { namespace: 'mine' }), expected));

test('a tag is a warning until images are pinned, and an error then', () => {
  assert.equal(rules(deployment({})), '');
  assert.equal(rules(deployment({}), { pinned: true }), 'image-tag');
  const image = `acme/app@sha256:${'a'.repeat(64)}`;
  const pinned = pinImages(deployment({}), [image]);
  assert.equal(rules(pinned, { pinned: true }), '');
  assert.deepEqual(imagesOf([pinned]), [image]);
});

test('the examples pass', () => {
  for (const path of ['rest-app', 'mysql'])
    for (const document of parseAllDocuments(
      readFileSync(join(repositoryRoot, 'examples', path, 'manifests.yaml'), 'utf8'),
    ))
      assert.equal(rules(document.toJS(), { namespace: 'example' }), '', path);
});
