import type { Clock, Diagnostic } from '@postern/core';
import { type FolderReport, keyOf, openStore, type StoredEvent, type StoreSource } from '@postern/resources';
import { privateLinkKinds } from './kinds/index.ts';
import { type Condition, type LinkStatus, linkStatusOf, type PrivateLinkStatus } from './kinds/status.ts';
import { failedType, find, readyType } from './plan/conditions.ts';
import { asOurselves } from './component.ts';
import { linkResources } from './reconcile/link-kinds.ts';

/** What `postern privatelink status` shows: read beside a running controller, changing nothing. */

export interface LinkReport {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string; readonly deletionTimestamp?: string };
  /** True, False or Unknown, as the condition has it. */
  readonly ready: string;
  readonly failed: string;
  readonly reason: string;
  readonly message: string;
  /** What it waits for; empty when it waits for nothing. */
  readonly waitsFor: string;
  readonly ageSeconds: number;
  /** Since when it has been as it is. */
  readonly sinceSeconds: number | undefined;
  readonly link: PrivateLinkStatus;
  readonly status: LinkStatus;
  readonly events: readonly StoredEvent[];
}

export interface StatusReport {
  readonly links: readonly LinkReport[];
  readonly problems: readonly Diagnostic[];
  readonly held: FolderReport['held'];
  /** Kinds that the cluster does not have. */
  readonly missingKinds: readonly string[];
}

export async function readStatus(options: {
  readonly source: StoreSource;
  readonly clock: Clock;
  readonly random: () => number;
}): Promise<StatusReport> {
  const opened = await openStore({ ...options, kinds: privateLinkKinds, mode: 'read', ...asOurselves });
  const { store } = opened;
  try {
    const resources = await linkResources(store);
    const links = await Promise.all(
      resources.map(async (resource) => report(resource, await store.events(keyOf(resource)), options.clock.now())),
    );
    return { links: links.toSorted(byName), ...opened.report(), missingKinds: opened.missingKinds() };
  } finally {
    await opened.close();
  }
}

const notSeen = 'a controller to see it';

function report(
  resource: Awaited<ReturnType<typeof linkResources>>[number],
  events: readonly StoredEvent[],
  nowMs: number,
): LinkReport {
  const { apiVersion, kind, metadata } = resource;
  const status = resource.status ?? {};
  const conditions = status.conditions ?? [];
  const ready = find(conditions, readyType);
  const failed = find(conditions, failedType);
  const telling = failed?.status === 'True' ? failed : ready;
  const asks = telling !== undefined || metadata.finalizers.length > 0;
  const since = telling?.lastTransitionTime;
  return {
    apiVersion,
    kind,
    metadata: {
      namespace: metadata.namespace,
      name: metadata.name,
      ...(metadata.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }),
    },
    ready: ready?.status ?? 'Unknown',
    failed: failed?.status ?? 'Unknown',
    reason: telling?.reason ?? '',
    message: telling?.message ?? (asks ? '' : notSeen),
    waitsFor: asks ? waitsFor(ready, failed) : notSeen,
    ageSeconds: secondsSince(metadata.creationTimestamp, nowMs),
    sinceSeconds: since === undefined ? undefined : secondsSince(since, nowMs),
    link: linkStatusOf(status),
    status,
    events,
  };
}

function waitsFor(ready: Condition | undefined, failed: Condition | undefined): string {
  if (failed?.status === 'True') return failed.message ?? '';
  return ready?.status === 'False' ? (ready.message ?? '') : '';
}

function secondsSince(time: string, nowMs: number): number {
  return Math.max(0, Math.round((nowMs - Date.parse(time)) / 1000));
}

function byName(a: LinkReport, b: LinkReport): number {
  const name = ({ kind, metadata }: LinkReport): string => `${kind}/${metadata.namespace}/${metadata.name}`;
  return name(a) < name(b) ? -1 : 1;
}
