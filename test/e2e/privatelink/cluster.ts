/** A hub cluster: a real API server, kubectl, and the document's own arrangement as objects in it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Kube, needKube, need, postern, run, startPostern, temporaryDirectory } from '@postern/testing';
import { stringify } from 'yaml';
import {
  clusterDeployment,
  credentials,
  type Customer,
  hiveConfig,
  type Hub,
  kubeconfigSecret,
  makeCustomer,
  makeHub,
  makeLoadBalancer,
} from './world.ts';

/** For `{ skip: needCluster() }`. */
export function needCluster(): string | false {
  return needKube() || need('kubectl');
}

export function kubectlOf(kubeconfig: string) {
  return async (...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    run('kubectl', ['--kubeconfig', kubeconfig, ...args]);
}

export type Kubectl = ReturnType<typeof kubectlOf>;

/** `kubectl apply -f` of documents as a person would keep them: one file. Throws what kubectl says. */
export async function apply(kubectl: Kubectl, ...documents: readonly object[]): Promise<string> {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'objects.yaml');
  writeFileSync(file, documents.map((document) => stringify(document)).join('---\n'));
  const { code, stdout, stderr } = await kubectl('apply', '-f', file);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What kubectl says when it is refused. */
export async function refused(kubectl: Kubectl, ...documents: readonly object[]): Promise<string> {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'objects.yaml');
  writeFileSync(file, documents.map((document) => stringify(document)).join('---\n'));
  const { code, stderr } = await kubectl('apply', '-f', file);
  assert.notEqual(code, 0, 'it should have been refused');
  return stderr;
}

/** The definitions as `privatelink crds` prints them, applied and established. */
export async function installDefinitions(kubectl: Kubectl): Promise<void> {
  using dir = temporaryDirectory();
  const file = join(dir.path, 'crds.yaml');
  writeFileSync(file, (await postern(['privatelink', 'crds'])).stdout);
  const applied = await kubectl('apply', '--server-side', '-f', file);
  assert.equal(applied.code, 0, applied.stderr);
  const established = await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
  assert.equal(established.code, 0, established.stderr);
}

/** HiveConfig as on a hub whose own controller is off. */
export function hubConfig(hub: Hub, changes: Record<string, unknown> = {}) {
  const config = hiveConfig(hub, changes);
  return { ...config, spec: { ...config.spec, disabledControllers: ['awsprivatelink'] } };
}

export const namespaces = ['hive', 'clusters'].map((name) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
}));

/** Everything that the document asks for, for a cluster called `name`. */
export function clusterDocuments(
  name: string,
  customer: Customer,
  options: Parameters<typeof clusterDeployment>[1] = {},
): object[] {
  return [
    credentials('customer-credentials', 'clusters', customer.account),
    kubeconfigSecret(name, `api.${name}.acme.example`),
    clusterDeployment(name, options),
  ];
}

export async function stage(url: string, names: readonly string[]): Promise<{ hub: Hub; customer: Customer }> {
  const hub = await makeHub(url, 2, 'ab');
  const customer = await makeCustomer(url, 'ab');
  for (const name of names) await makeLoadBalancer(customer, `${name}-x7k2p-int`);
  return { hub, customer };
}

export const hubSecret = (hub: Hub) => credentials('hub-credentials', 'hive', hub.account);

/** A controller in the cluster. */
export function startController(kube: Kube, url: string, ...more: readonly string[]) {
  return startPostern(['privatelink', 'controller', '--kubeconfig', kube.kubeconfig, '--aws-endpoint', url, ...more]);
}
