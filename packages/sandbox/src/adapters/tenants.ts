/** Tenants in a live cluster: apply with drift shown and repaired, list with usage, remove with the workloads drained first. */
import { type Clock, PosternError, UsageError } from '@postern/core';
import { platformManifests, tenantAdmission } from '../baseline/admission.ts';
import { checkPolicies } from '../baseline/check.ts';
import { drift } from '../baseline/drift.ts';
import { type Manifest, managedBy, tenantLabel } from '../baseline/labels.ts';
import { grantsOf, tenantManifests } from '../baseline/manifests.ts';
import type { Tenant } from '../baseline/tenant.ts';
import { ApiError, type Cluster, type Live } from './cluster.ts';

export interface Change {
  readonly object: string;
  readonly action: 'created' | 'changed' | 'unchanged' | 'deleted';
  /** What differed: `path: was -> is`. */
  readonly changes: readonly string[];
}

export interface ApplyResult {
  readonly changes: readonly Change[];
  readonly warnings: readonly string[];
}

export interface ApplyOptions {
  /** Everyone, for grants. */
  readonly tenants: readonly Tenant[];
  /** Whose manifests are applied. */
  readonly selected: readonly string[];
  readonly nowMs: number;
  readonly dryRun: boolean;
  /** Takes over namespaces that exist and belong to nobody. */
  readonly adopt: boolean;
  readonly signal?: AbortSignal;
  readonly step: (text: string) => void;
}

/** What a tenant's namespace holds of ours; anything else of these kinds is not ours and widens what we allow. */
const prunedKinds: ReadonlyArray<readonly [string, string]> = [
  ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['v1', 'ResourceQuota'],
  ['v1', 'LimitRange'],
  ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
  ['rbac.authorization.k8s.io/v1', 'Role'],
];

export function manifestsOf(tenants: readonly Tenant[], selected: readonly string[], nowMs: number): Manifest[] {
  const chosen = selected.map((name) => {
    const tenant = tenants.find((one) => one.name === name);
    if (tenant === undefined)
      throw new UsageError(`there is no tenant ${name}`, {
        hint: `there are: ${tenants.map((one) => one.name).join(', ') || 'none'}`,
      });
    return tenant;
  });
  const manifests = chosen.flatMap((tenant) => [
    ...tenantAdmission(tenant.name),
    ...tenantManifests(tenant, tenants, nowMs),
  ]);
  const others = tenants.flatMap((tenant) =>
    tenant.namespaces.map((name) => ({ name, labels: { [tenantLabel]: tenant.name } })),
  );
  const platform = chosen.flatMap((tenant) => tenant.ingressFrom).map((name) => ({ name, labels: {} }));
  const problems = checkPolicies(manifests, [
    ...others.filter((one) => !chosen.some((tenant) => tenant.namespaces.includes(one.name))),
    ...platform,
  ]);
  if (problems.length > 0)
    throw new PosternError('POLICY', problems.map((problem) => `${problem.policy}: ${problem.message}`).join('\n'));
  return [...platformManifests(), ...manifests];
}

export async function applyTenants(cluster: Cluster, options: ApplyOptions): Promise<ApplyResult> {
  const { tenants, selected, nowMs, signal } = options;
  const manifests = manifestsOf(tenants, selected, nowMs);
  await refuseForeignNamespaces(cluster, manifests, options);
  const changes: Change[] = [];
  for (const manifest of manifests) {
    options.step(`${options.dryRun ? 'comparing' : 'applying'} ${nameOf(manifest)}`);
    changes.push(await applyOne(cluster, manifest, options));
  }
  const warnings: string[] = [];
  for (const tenant of tenants.filter((one) => selected.includes(one.name))) {
    changes.push(...(await prune(cluster, tenant, manifests, options, warnings)));
    const left = (await cluster.list('v1', 'Namespace', { labels: `${tenantLabel}=${tenant.name}`, signal })).filter(
      (live) => !tenant.namespaces.includes(live.metadata.name),
    );
    for (const live of left)
      warnings.push(
        `namespace ${live.metadata.name} still belongs to ${tenant.name} in the cluster, and no longer in its document; delete it by hand once its data is safe`,
      );
    for (const grant of grantsOf(tenant.name, tenants, nowMs)) {
      const other = grant.from === tenant.name ? grant.to : grant.from;
      if (!selected.includes(other))
        warnings.push(
          `the grant ${grant.from} -> ${grant.to}:${grant.port} also needs: postern sandbox tenant apply for ${other}`,
        );
    }
    for (const grant of tenant.grants.filter((one) => one.expiry <= nowMs))
      warnings.push(
        `the grant ${grant.from} -> ${grant.to}:${grant.port} expired at ${new Date(grant.expiry).toISOString()} and is not in force`,
      );
  }
  return { changes, warnings };
}

async function applyOne(cluster: Cluster, manifest: Manifest, { dryRun, signal }: ApplyOptions): Promise<Change> {
  const object = nameOf(manifest);
  const live = await cluster.read(manifest, signal);
  if (live === undefined) {
    if (!dryRun) await patiently(() => cluster.apply(manifest, { signal }));
    return { object, action: 'created', changes: [] };
  }
  const would = await cluster.apply(manifest, { dryRun: true, signal });
  const changes = drift(live, would);
  if (changes.length === 0) return { object, action: 'unchanged', changes };
  if (!dryRun) await cluster.apply(manifest, { signal });
  return { object, action: 'changed', changes };
}

/** How often a manifest is tried whose namespace or admission policy the API server has not yet taken notice of. */
const attemptsMax = 5;

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      // 409: someone else wrote at the same moment (the controller that makes default service accounts does).
      if (!(error instanceof ApiError) || error.status !== 409 || attempt === attemptsMax) throw error;
    }
  }
}

/** A namespace that exists is somebody's until shown otherwise. */
async function refuseForeignNamespaces(
  cluster: Cluster,
  manifests: readonly Manifest[],
  { adopt, signal }: ApplyOptions,
): Promise<void> {
  for (const manifest of manifests.filter(
    (one) => one.kind === 'Namespace' && one.metadata.labels?.[tenantLabel] !== undefined,
  )) {
    const live = await cluster.read(manifest, signal);
    const owner = live?.metadata.labels?.[tenantLabel];
    const wanted = manifest.metadata.labels?.[tenantLabel];
    if (live?.metadata.deletionTimestamp !== undefined)
      throw new PosternError('TENANT', `namespace ${manifest.metadata.name} is being deleted`, {
        hint: 'wait until it is gone, then apply again',
      });
    if (live !== undefined && owner !== undefined && owner !== wanted)
      throw new PosternError('TENANT', `namespace ${manifest.metadata.name} belongs to tenant ${owner}`);
    if (live !== undefined && owner === undefined && !adopt)
      throw new PosternError('TENANT', `namespace ${manifest.metadata.name} exists and belongs to no tenant`, {
        hint: `--adopt takes it over for ${wanted}, with everything that runs in it`,
      });
  }
}

async function prune(
  cluster: Cluster,
  tenant: Tenant,
  manifests: readonly Manifest[],
  { dryRun, signal }: ApplyOptions,
  warnings: string[],
): Promise<Change[]> {
  const wanted = new Set(manifests.map(nameOf));
  const changes: Change[] = [];
  for (const namespace of tenant.namespaces)
    for (const [apiVersion, kind] of prunedKinds)
      for (const live of await cluster.list(apiVersion, kind, { namespace, signal })) {
        if (wanted.has(nameOf(live))) continue;
        if (
          live.metadata.labels?.[tenantLabel] === tenant.name &&
          live.metadata.labels['app.kubernetes.io/managed-by'] === managedBy['app.kubernetes.io/managed-by']
        ) {
          if (!dryRun) await cluster.remove(live, signal);
          changes.push({ object: nameOf(live), action: 'deleted', changes: [] });
        } else if (kind === 'NetworkPolicy' || kind === 'RoleBinding')
          warnings.push(`${nameOf(live)} is not ours; what it allows comes on top of what the platform allows`);
      }
  return changes;
}

export interface TenantStatus {
  readonly name: string;
  readonly organisation: string;
  readonly namespaces: readonly NamespaceStatus[];
}

export interface NamespaceStatus {
  readonly name: string;
  readonly phase: string;
  readonly quotaClass: string;
  readonly podSecurity: string;
  readonly policies: number;
  readonly used: Readonly<Record<string, string>>;
  readonly hard: Readonly<Record<string, string>>;
}

export async function listTenants(cluster: Cluster, signal?: AbortSignal): Promise<TenantStatus[]> {
  const namespaces = await cluster.list('v1', 'Namespace', { labels: tenantLabel, signal });
  const names = [...new Set(namespaces.map((live) => live.metadata.labels![tenantLabel]!))].toSorted();
  return Promise.all(
    names.map(async (name) => {
      const own = namespaces.filter((live) => live.metadata.labels![tenantLabel] === name);
      return {
        name,
        organisation: own[0]?.metadata.annotations?.['postern.dev/organisation'] ?? '',
        namespaces: await Promise.all(own.map((live) => namespaceStatus(cluster, live, signal))),
      };
    }),
  );
}

async function namespaceStatus(cluster: Cluster, live: Live, signal?: AbortSignal): Promise<NamespaceStatus> {
  const namespace = live.metadata.name;
  const quota = await cluster.read(
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'postern-quota', namespace } },
    signal,
  );
  const status = (quota?.['status'] ?? {}) as { used?: Record<string, string>; hard?: Record<string, string> };
  return {
    name: namespace,
    phase: (live['status'] as { phase?: string } | undefined)?.phase ?? '',
    quotaClass: live.metadata.annotations?.['postern.dev/quota-class'] ?? '',
    podSecurity: live.metadata.labels?.['pod-security.kubernetes.io/enforce'] ?? '',
    policies: (await cluster.list('networking.k8s.io/v1', 'NetworkPolicy', { namespace, signal })).length,
    used: status.used ?? {},
    hard: status.hard ?? {},
  };
}

export interface RemoveOptions {
  readonly clock: Clock;
  readonly dryRun: boolean;
  /** Volumes hold what nothing else holds. */
  readonly deleteVolumes: boolean;
  readonly signal?: AbortSignal;
  readonly step: (text: string) => void;
}

const workloadKinds: ReadonlyArray<readonly [string, string]> = [
  ['batch/v1', 'CronJob'],
  ['batch/v1', 'Job'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'DaemonSet'],
  ['apps/v1', 'ReplicaSet'],
  ['v1', 'Pod'],
];

/** Pods get 30 s to end unless they ask for more; controllers and volumes take their time after that. */
const removeTimeoutMs = 300_000;
const pollMs = 500;

/** Workloads first, so that they end in order and release their volumes; then the namespaces; admission last, so that nothing starts in between. */
export async function removeTenant(cluster: Cluster, name: string, options: RemoveOptions): Promise<Change[]> {
  const { signal, dryRun, step } = options;
  const namespaces = await cluster.list('v1', 'Namespace', { labels: `${tenantLabel}=${name}`, signal });
  if (namespaces.length === 0)
    throw new PosternError('TENANT', `there is no tenant ${name} in ${cluster.name}`, {
      hint: 'postern sandbox tenant list',
    });
  const volumes = (
    await Promise.all(
      namespaces.map((live) => cluster.list('v1', 'PersistentVolumeClaim', { namespace: live.metadata.name, signal })),
    )
  ).flat();
  if (volumes.length > 0 && !options.deleteVolumes)
    throw new PosternError(
      'TENANT',
      `${name} has ${volumes.length} volume${volumes.length === 1 ? '' : 's'}: ${volumes.map((v) => `${v.metadata.namespace}/${v.metadata.name}`).join(', ')}`,
      { hint: 'save what is in them; --delete-volumes then deletes them too' },
    );
  const changes: Change[] = [];
  const remove = async (live: Manifest): Promise<void> => {
    step(`deleting ${nameOf(live)}`);
    if (dryRun || (await cluster.remove(live, signal)))
      changes.push({ object: nameOf(live), action: 'deleted', changes: [] });
  };
  for (const { metadata } of namespaces)
    for (const [apiVersion, kind] of workloadKinds)
      for (const live of await cluster.list(apiVersion, kind, { namespace: metadata.name, signal }))
        // What a controller owns goes with it.
        if ((live.metadata as { ownerReferences?: unknown[] }).ownerReferences === undefined) await remove(live);
  if (!dryRun)
    await waitUntil(
      options,
      `the pods of ${name} to end`,
      async () =>
        (
          await Promise.all(
            namespaces.map((live) => cluster.list('v1', 'Pod', { namespace: live.metadata.name, signal })),
          )
        ).flat().length === 0,
    );
  for (const live of namespaces) await remove(live);
  if (!dryRun)
    await waitUntil(
      options,
      `the namespaces of ${name} to be gone`,
      async () => (await cluster.list('v1', 'Namespace', { labels: `${tenantLabel}=${name}`, signal })).length === 0,
    );
  for (const manifest of tenantAdmission(name).toReversed())
    if ((await cluster.read(manifest, signal)) !== undefined) await remove(manifest);
  return changes;
}

async function waitUntil(
  { clock, signal, step }: RemoveOptions,
  what: string,
  done: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = clock.monotonic() + removeTimeoutMs;
  step(`waiting for ${what}`);
  while (!(await done())) {
    if (clock.monotonic() > deadlineMs)
      throw new PosternError('TIMEOUT', `waited ${removeTimeoutMs / 1000} s in vain for ${what}`, {
        hint: 'kubectl describe says what holds them (finalizers, stuck pods); run the command again afterwards',
      });
    await clock.sleep(pollMs, signal);
  }
}

export function nameOf({ kind, metadata }: Pick<Manifest, 'kind' | 'metadata'>): string {
  return `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`;
}
