import { type Clock, PosternError } from '@postern/core';
import {
  type FolderReport,
  keyOf,
  keyText,
  type ObjectKey,
  openStore,
  type Store,
  type StoreSource,
} from '@postern/resources';
import { asOurselves } from './component.ts';
import { hiveConfigKind, hiveConfigName, type HiveConfigSpec, privateLinkKinds } from './kinds/index.ts';
import { linkStatusOf } from './kinds/status.ts';
import { callerReferenceStart, ownerTag } from './plan/names.ts';
import { stateIs } from './plan/observed.ts';
import type { CustomerClient, HubClient } from './providers/aws/calls.ts';
import { allPages } from './providers/aws/pages.ts';
import { Controller } from './reconcile/controller.ts';
import { linkKindOf, linkResources } from './reconcile/link-kinds.ts';
import { prepare } from './reconcile/prepare.ts';
import { tagsOf, zoneId } from './reconcile/views.ts';

/** Looks for what carries our tag and belongs to nobody: what a lost state, a bypassed finalizer or another hand left behind. */

export interface Leak {
  readonly kind: 'endpoint' | 'service' | 'zone';
  readonly id: string;
  readonly region: string;
  /** Whose credentials saw it: `hub`, or the object whose account it is in. */
  readonly seenBy: string;
  readonly owner: string;
  readonly state: string;
  readonly why: string;
}

/** What a look over accounts found. */
export interface LeaksFound {
  readonly leaks: readonly Leak[];
  /** Places that could not be looked at. */
  readonly problems: ReadonlyArray<{ readonly where: string; readonly message: string }>;
}

/** An owner that the resources account for, with the ids that its status names. */
interface Account {
  readonly object: ObjectKey;
  readonly ids: ReadonlySet<string>;
}

export async function findLeaks(options: {
  readonly source: StoreSource;
  readonly awsEndpoint?: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}): Promise<LeaksFound & { readonly report: FolderReport }> {
  const { source, clock, random, awsEndpoint, signal } = options;
  const opened = await openStore({ source, kinds: privateLinkKinds, clock, random, mode: 'read', ...asOurselves });
  const { store } = opened;
  const controller = new Controller({ store, clock, random, awsEndpoint });
  try {
    return { ...(await findLeaksWith(controller, store, signal)), report: opened.report() };
  } finally {
    controller.close();
    await opened.close();
  }
}

export async function findLeaksWith(controller: Controller, store: Store, signal: AbortSignal): Promise<LeaksFound> {
  const { accounts } = controller.world;
  const config = (await store.get(hiveConfigKind, { namespace: '', name: hiveConfigName }))?.spec;
  const owners = new Map<string, Account>();
  const leaks = new Map<string, Leak>();
  const problems: Array<{ where: string; message: string }> = [];
  const trying = async (where: string, look: () => Promise<readonly Leak[]>): Promise<void> => {
    try {
      for (const leak of await look()) leaks.set(`${leak.kind} ${leak.id}`, leak);
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      problems.push({ where, message: error.message });
    }
  };
  const resources = await linkResources(store);
  for (const resource of resources) {
    const { gate } = await prepare(store, linkKindOf(resource)!, resource);
    const { vpcEndpointID, vpcEndpointService, hostedZoneID } = linkStatusOf(resource.status);
    const ids = new Set([vpcEndpointID, vpcEndpointService?.id, hostedZoneID].filter((id) => id !== undefined));
    if ('ask' in gate && gate.ask.owner !== undefined) owners.set(gate.ask.owner, { object: keyOf(resource), ids });
  }
  if (config?.awsPrivateLink)
    for (const region of regionsOf(config))
      await trying(`hub account, ${region}`, async () => {
        const { client } = await accounts.hub(config, region, false);
        const zones = region === regionsOf(config)[0] ? await zoneLeaks(client, owners, signal) : [];
        return [...(await endpointLeaks(client, region, owners, signal)), ...zones];
      });
  const seen = new Set<string>();
  for (const resource of resources) {
    const link = linkKindOf(resource)!;
    const { gate } = await prepare(store, link, resource);
    if (!('ask' in gate)) continue;
    const { region } = gate.ask;
    const credentials = link.credentials(resource);
    const place = JSON.stringify([credentials.namespace, credentials.secretRef?.name, credentials.assumeRole, region]);
    if (seen.has(place)) continue;
    seen.add(place);
    const where = keyText(keyOf(resource));
    await trying(`account of ${where}, ${region}`, async () => {
      const customer = await accounts.customer(credentials, config, region, true, signal);
      return serviceLeaks(customer, region, where, owners, signal);
    });
  }
  return { leaks: [...leaks.values()], problems };
}

function regionsOf(config: HiveConfigSpec): string[] {
  return [...new Set((config.awsPrivateLink?.endpointVPCInventory ?? []).map(({ region }) => region.toLowerCase()))];
}

/** Why it is a leak; undefined when it is accounted for. */
function whyLeaked(owners: ReadonlyMap<string, Account>, owner: string, id: string, kind: RegExp): string | undefined {
  const account = owners.get(owner);
  if (account === undefined) return 'no object here has this owner';
  // While a link is being made its status names nothing yet.
  const named = [...account.ids].some((known) => kind.test(known));
  return named && !account.ids.has(id) ? `${keyText(account.object)} uses another one` : undefined;
}

async function endpointLeaks(
  hub: HubClient,
  region: string,
  owners: ReadonlyMap<string, Account>,
  signal: AbortSignal,
): Promise<Leak[]> {
  const all = await allPages(
    (NextToken) =>
      hub.describeEndpoints(
        { Filters: [{ Name: 'tag-key', Values: [ownerTag] }], ...(NextToken === undefined ? {} : { NextToken }) },
        signal,
      ),
    (page) => page.VpcEndpoints,
    (page) => page.NextToken,
  );
  return all.flatMap(({ VpcEndpointId: id = '', State: state = '', Tags }): Leak[] => {
    const owner = tagsOf(Tags)[ownerTag] ?? '';
    const why = stateIs(state, 'deleted', 'deleting') ? undefined : whyLeaked(owners, owner, id, /^vpce-(?!svc-)/);
    return why === undefined ? [] : [{ kind: 'endpoint', id, region, seenBy: 'hub', owner, state, why }];
  });
}

async function serviceLeaks(
  customer: CustomerClient,
  region: string,
  seenBy: string,
  owners: ReadonlyMap<string, Account>,
  signal: AbortSignal,
): Promise<Leak[]> {
  const all = await allPages(
    (NextToken) =>
      customer.describeServices(
        { Filters: [{ Name: 'tag-key', Values: [ownerTag] }], ...(NextToken === undefined ? {} : { NextToken }) },
        signal,
      ),
    (page) => page.ServiceConfigurations,
    (page) => page.NextToken,
  );
  return all.flatMap(({ ServiceId: id = '', ServiceState: state = '', Tags }): Leak[] => {
    const owner = tagsOf(Tags)[ownerTag] ?? '';
    const why = stateIs(state, 'deleted', 'deleting') ? undefined : whyLeaked(owners, owner, id, /^vpce-svc-/);
    return why === undefined ? [] : [{ kind: 'service', id, region, seenBy, owner, state, why }];
  });
}

/** Ours by their caller reference, which Route 53 lists with the zones: no call for each zone's tags is needed. */
async function zoneLeaks(hub: HubClient, owners: ReadonlyMap<string, Account>, signal: AbortSignal): Promise<Leak[]> {
  const leaks: Leak[] = [];
  let from: { DNSName?: string; HostedZoneId?: string } = {};
  for (;;) {
    const page = await hub.listZonesByName({ ...from, MaxItems: 100 }, signal);
    for (const { Id, Name = '', CallerReference = '' } of page.HostedZones ?? []) {
      const owner = ownerOfReference(CallerReference, Name.replace(/\.$/, ''));
      if (owner === undefined) continue;
      const id = zoneId(Id);
      const why = whyLeaked(owners, owner, id, /^Z/);
      if (why !== undefined) leaks.push({ kind: 'zone', id, region: 'global', seenBy: 'hub', owner, state: Name, why });
    }
    if (page.IsTruncated !== true || page.NextDNSName === undefined) return leaks;
    from = {
      DNSName: page.NextDNSName,
      ...(page.NextHostedZoneId === undefined ? {} : { HostedZoneId: page.NextHostedZoneId }),
    };
  }
}

function ownerOfReference(reference: string, zoneName: string): string | undefined {
  const start = callerReferenceStart;
  const end = reference.lastIndexOf(`/${zoneName}/`);
  return reference.startsWith(start) && end > start.length ? reference.slice(start.length, end) : undefined;
}
