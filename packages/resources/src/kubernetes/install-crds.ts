import type { Clock } from '@postern/core';
import { PosternError } from '@postern/core';
import type { ResourceKind } from '../resource-kind.ts';
import type { KubeApi } from './api.ts';
import { crdName, customResourceDefinition, managedBy, managedByLabel } from './crd.ts';
import { isStatus } from './errors.ts';
import type { LiveObject } from './live.ts';

/** Makes the definitions that a cluster lacks. One that is there and not ours (Hive's own) is used as it is, and never touched. */

export interface CrdReport {
  readonly name: string;
  readonly outcome: 'made' | 'updated' | 'as it should be' | "somebody else's" | 'missing';
}

const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
/** The server publishes a definition within a second or two. */
const establishedTriesMax = 60;
const establishedPauseMs = 250;

export async function installCrds(
  api: KubeApi,
  kinds: readonly ResourceKind[],
  clock: Clock,
  signal?: AbortSignal,
): Promise<CrdReport[]> {
  const reports: CrdReport[] = [];
  for (const kind of kinds.filter(({ apiVersion }) => apiVersion.includes('/')))
    reports.push({ name: crdName(kind), outcome: await installOne(api, kind, signal) });
  for (const { name, outcome } of reports)
    if (outcome === 'made' || outcome === 'updated') await established(api, name, clock, signal);
  return reports;
}

async function installOne(
  api: KubeApi,
  kind: ResourceKind,
  signal: AbortSignal | undefined,
): Promise<CrdReport['outcome']> {
  const name = crdName(kind);
  const there = await readCrd(api, name, signal);
  if (there !== undefined && there.metadata.labels?.[managedByLabel] !== managedBy) return "somebody else's";
  const body = customResourceDefinition(kind);
  try {
    const after = await api.call<LiveObject>('PATCH', `${path}/${name}`, {
      body,
      query: { fieldManager: managedBy, force: 'true' },
      contentType: 'application/apply-patch+yaml',
      signal,
    });
    if (there === undefined) return 'made';
    return after.metadata.generation === there.metadata.generation ? 'as it should be' : 'updated';
  } catch (error) {
    if (!isStatus(error, 403)) throw error;
    return there === undefined ? 'missing' : 'as it should be';
  }
}

/** Undefined where there is none. An account that may not look at definitions finds out by listing the kind. */
async function readCrd(api: KubeApi, name: string, signal: AbortSignal | undefined): Promise<LiveObject | undefined> {
  try {
    return await api.call<LiveObject>('GET', `${path}/${name}`, { signal });
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    if (isStatus(error, 403)) return { metadata: { name } };
    throw error;
  }
}

async function established(api: KubeApi, name: string, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  for (let attempt = 0; attempt < establishedTriesMax; attempt++) {
    const crd = await api.call<{ status?: { conditions?: ReadonlyArray<{ type: string; status: string }> } }>(
      'GET',
      `${path}/${name}`,
      { signal },
    );
    const is = (type: string): boolean =>
      crd.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
    if (is('Established')) return;
    await clock.sleep(establishedPauseMs, signal);
  }
  throw new PosternError('CRD', `${name} was made, but the cluster does not serve it`, {
    hint: `kubectl describe crd ${name} says why`,
  });
}
