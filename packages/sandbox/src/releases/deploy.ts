/** Puts an approved release into the cluster, takes it back, and keeps the list of images that admission asks. */
import { isAbsolute, join } from 'node:path';
import { type Clock, ConfigError, type Diagnostic, PosternError, formatPath } from '@postern/core';
import { type Cluster } from '../adapters/cluster.ts';
import { installWithHelm, isChart } from '../adapters/helm.ts';
import { render } from '../adapters/render.ts';
import { approvedImagesName, digestKey, platformNamespace } from '../baseline/admission.ts';
import { type Manifest, deployerGroup } from '../baseline/labels.ts';
import type { BuildingBlock } from '../plan/building-block.ts';
import { lintManifest } from '../plan/lint.ts';
import { imagesOf, pinImages, repositoryOf, templateOf } from '../plan/workload.ts';
import type { Releases } from './service.ts';
import type { Release } from './store.ts';

export interface DeployOptions {
  readonly dir: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly wait: boolean;
  readonly signal?: AbortSignal;
  readonly step: (text: string) => void;
  /** The cluster as the platform, and as the tenant's deployer: what is installed has that one's rights and no more. */
  readonly platform: () => Promise<Cluster>;
  readonly deployer: (tenant: string) => Promise<Cluster>;
}

export const blockLabel = 'postern.dev/block';
export const releaseLabel = 'postern.dev/release';

/** Images are pulled and databases migrate; ten minutes is what the original's slowest chart took, doubled. */
const rolloutTimeoutMs = 20 * 60_000;
const pollMs = 1000;

export function deployerIdentity(tenant: string): { user: string; groups: string[] } {
  return { user: `postern:deployer:${tenant}`, groups: [deployerGroup(tenant), 'system:authenticated'] };
}

export async function deployRelease(releases: Releases, name: string, options: DeployOptions): Promise<Release> {
  const release = releases.readyToDeploy(name);
  const block = releases.block(release.block);
  // Asked before anything is rendered: who may not deploy need not wait to hear it.
  releases.store.transaction(() => releases.step(name, { kind: 'deploy' }, { images: release.images }));
  try {
    const manifests = await prepare(block, release, options);
    releases.store.update(name, { manifests: JSON.stringify(manifests) });
    await install(block, release, manifests, options);
  } catch (error) {
    releases.store.transaction(() =>
      releases.step(
        name,
        { kind: 'failed' },
        { error: error instanceof Error ? error.message.slice(0, 1000) : String(error) },
      ),
    );
    throw error;
  }
  return finish(releases, name);
}

/** Back to the release that ran before, with what was applied then. */
export async function rollbackBlock(releases: Releases, blockName: string, options: DeployOptions): Promise<Release> {
  const block = releases.block(blockName);
  const list = releases.store.list(block.name);
  const current = list.toReversed().find((one) => ['deployed', 'quarantined', 'failed'].includes(one.state));
  if (current === undefined) throw new PosternError('RELEASE', `nothing of ${block.name} is deployed`);
  const before = list
    .toReversed()
    .find((one) => one.state === 'superseded' && one.manifests !== null && one.name !== current.name);
  if (before === undefined)
    throw new PosternError('RELEASE', `${block.name} has no earlier release to go back to`, {
      hint: 'quarantined ones are left out; submit a repaired image',
    });
  releases.store.transaction(() => {
    releases.step(current.name, { kind: 'roll-back' }, { target: before.name });
    releases.step(before.name, { kind: 'restore' }, { instead: current.name });
  });
  try {
    await install(block, before, JSON.parse(before.manifests!) as Manifest[], options);
  } catch (error) {
    releases.store.transaction(() =>
      releases.step(
        before.name,
        { kind: 'failed' },
        { error: error instanceof Error ? error.message.slice(0, 1000) : String(error) },
      ),
    );
    throw error;
  }
  const done = releases.store.transaction(() => releases.step(before.name, { kind: 'deployed' }, {}));
  await syncApproved(releases, before.tenant, await options.platform(), options.signal);
  return done;
}

function finish(releases: Releases, name: string): Release {
  return releases.store.transaction(() => {
    const { block } = releases.store.get(name);
    for (const other of releases.store.list(block))
      if (other.state === 'deployed' && other.name !== name)
        releases.step(other.name, { kind: 'supersede' }, { by: name });
    return releases.step(name, { kind: 'deployed' }, {});
  });
}

/** Rendered, pinned to the release's digests, labelled, and held against the packaging rules. */
async function prepare(
  block: BuildingBlock,
  release: Release,
  { dir, environment }: DeployOptions,
): Promise<Manifest[]> {
  const path = inside(dir, block.chart ?? block.manifests!);
  const { documents } = await render(path, renderOptions(block, release, dir, environment));
  const problems: Diagnostic[] = [];
  const manifests = documents.map((document) => {
    const pinned = pinImages(document.value as Manifest, release.images);
    for (const finding of lintManifest(pinned, { namespace: block.namespace, pinned: true }))
      if (finding.severity === 'error')
        problems.push({
          severity: 'error',
          file: document.file,
          ...document.locate(finding.path),
          path: formatPath(finding.path),
          message: finding.message,
        });
    return labelled(pinned, block, release);
  });
  if (problems.length > 0) throw new ConfigError(problems);
  for (const image of imagesOf(manifests))
    if (!release.images.includes(image))
      throw new PosternError('RELEASE_IMAGE', `${repositoryOf(image)} is in ${path} and not in the release`, {
        hint: 'submit it with its own --image and --scan: init containers and sidecars are judged alike',
      });
  return manifests;
}

function renderOptions(block: BuildingBlock, release: Release, dir: string, environment: NodeJS.ProcessEnv) {
  return {
    release: block.name,
    namespace: block.namespace,
    values: (block.values ?? []).map((file) => inside(dir, file)),
    set: { [block.imageValue ?? 'image']: release.images[0]! },
    environment,
  };
}

function labelled(manifest: Manifest, block: BuildingBlock, release: Release): Manifest {
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      namespace: block.namespace,
      labels: { ...manifest.metadata.labels, [blockLabel]: block.name, [releaseLabel]: release.name },
    },
  };
}

async function install(
  block: BuildingBlock,
  release: Release,
  manifests: readonly Manifest[],
  options: DeployOptions,
): Promise<void> {
  const platform = await options.platform();
  await approveImages(platform, release.tenant, release.images, options.signal);
  const cluster = await options.deployer(release.tenant);
  const chart = block.chart === undefined ? undefined : inside(options.dir, block.chart);
  if (chart !== undefined && isChart(chart)) {
    const identity = deployerIdentity(release.tenant);
    // Helm does not try again: admission must have read its list before.
    for (const manifest of manifests.filter((one) => templateOf(one) !== undefined))
      await patiently(() => cluster.apply(manifest, { dryRun: true, signal: options.signal }), options.clock);
    options.step(`helm upgrade --install ${block.name}`);
    await installWithHelm(manifests, {
      release: block.name,
      namespace: block.namespace,
      chart,
      context: cluster.name,
      user: identity.user,
      groups: identity.groups,
      waitMs: options.wait ? rolloutTimeoutMs : undefined,
      environment: options.environment,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return;
  }
  for (const manifest of manifests) {
    options.step(`applying ${manifest.kind} ${manifest.metadata.name}`);
    await patiently(() => cluster.apply(manifest, { signal: options.signal }), options.clock);
  }
  await prune(cluster, block, manifests, options);
  if (options.wait) await rollout(cluster, manifests, options);
}

/** Admission reads its list a moment after it is written. */
const admissionAttemptsMax = 20;
const admissionRetryMs = 250;

async function patiently(work: () => Promise<unknown>, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (
        attempt === admissionAttemptsMax ||
        !(error instanceof PosternError) ||
        !/not approved for this tenant|no params found/.test(error.message)
      )
        throw error;
      await clock.sleep(admissionRetryMs);
    }
  }
}

/** What an earlier release brought and this one does not. Secrets are left: the deployer may not list them. */
async function prune(
  cluster: Cluster,
  block: BuildingBlock,
  manifests: readonly Manifest[],
  { signal, step }: DeployOptions,
): Promise<void> {
  const wanted = new Set(manifests.map((one) => `${one.kind}/${one.metadata.name}`));
  for (const [apiVersion, kind] of prunedKinds)
    for (const live of await cluster.list(apiVersion, kind, {
      namespace: block.namespace,
      labels: `${blockLabel}=${block.name}`,
      signal,
    }))
      if (
        !wanted.has(`${kind}/${live.metadata.name}`) &&
        (live.metadata as { ownerReferences?: unknown }).ownerReferences === undefined
      ) {
        step(`deleting ${kind} ${live.metadata.name}, which this release no longer has`);
        await cluster.remove(live, signal);
      }
}

/** Claims are left out: what is in them outlives a release. */
const prunedKinds: ReadonlyArray<readonly [string, string]> = [
  ['v1', 'ConfigMap'],
  ['v1', 'Service'],
  ['v1', 'ServiceAccount'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'DaemonSet'],
  ['batch/v1', 'Job'],
  ['batch/v1', 'CronJob'],
  ['policy/v1', 'PodDisruptionBudget'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
];

async function rollout(
  cluster: Cluster,
  manifests: readonly Manifest[],
  { clock, signal, step }: DeployOptions,
): Promise<void> {
  const deadlineMs = clock.monotonic() + rolloutTimeoutMs;
  for (const manifest of manifests.filter((one) => ['Deployment', 'StatefulSet'].includes(one.kind))) {
    step(`waiting for ${manifest.kind} ${manifest.metadata.name}`);
    for (;;) {
      const live = await cluster.read(manifest, signal);
      const spec = (live?.['spec'] ?? {}) as { replicas?: number };
      const status = (live?.['status'] ?? {}) as {
        observedGeneration?: number;
        availableReplicas?: number;
        updatedReplicas?: number;
      };
      const wanted = spec.replicas ?? 1;
      const generation = (live?.metadata as { generation?: number } | undefined)?.generation ?? 0;
      if (
        (status.observedGeneration ?? 0) >= generation &&
        (status.updatedReplicas ?? 0) >= wanted &&
        (status.availableReplicas ?? 0) >= wanted
      )
        break;
      if (clock.monotonic() > deadlineMs)
        throw new PosternError(
          'ROLLOUT',
          `${manifest.kind} ${manifest.metadata.name} did not become available within ${rolloutTimeoutMs / 60_000} minutes`,
          { hint: 'kubectl describe says why; the release can be rolled back' },
        );
      await clock.sleep(pollMs, signal);
    }
  }
}

function listOf(tenant: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: approvedImagesName(tenant), namespace: platformNamespace },
  };
}

async function approveImages(
  cluster: Cluster,
  tenant: string,
  images: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  if ((await cluster.read(listOf(tenant), signal)) === undefined)
    throw new PosternError('TENANT', `tenant ${tenant} is not in this cluster`, {
      hint: 'postern sandbox tenant apply',
    });
  await cluster.mergePatch(
    listOf(tenant),
    { data: Object.fromEntries(images.map((image) => [digestKey(image.split('@')[1]!), image])) },
    signal,
  );
}

/** The tenant's list is what its releases may run, and nothing else: quarantined digests go, cleared ones come back. */
export async function syncApproved(
  releases: Releases,
  tenant: string,
  cluster: Cluster,
  signal?: AbortSignal,
): Promise<string[]> {
  const all = releases.store.list().filter((one) => one.tenant === tenant);
  const imagesIn = (...states: Release['state'][]): string[] =>
    all.filter((one) => states.includes(one.state)).flatMap((one) => one.images);
  const quarantined = new Set(imagesIn('quarantined'));
  const wanted = new Map(
    imagesIn('deployed', 'deploying', 'superseded')
      .filter((image) => !quarantined.has(image))
      .map((image) => [digestKey(image.split('@')[1]!), image]),
  );
  const live = ((await cluster.read(listOf(tenant), signal))?.['data'] ?? {}) as Record<string, string>;
  const gone = Object.keys(live).filter((key) => !wanted.has(key));
  const missing = [...wanted].filter(([key]) => !Object.hasOwn(live, key));
  if (gone.length + missing.length > 0)
    await cluster.mergePatch(
      listOf(tenant),
      { data: { ...Object.fromEntries(gone.map((key) => [key, null])), ...Object.fromEntries(missing) } },
      signal,
    );
  return gone;
}

function inside(dir: string, path: string): string {
  return isAbsolute(path) ? path : join(dir, path);
}
