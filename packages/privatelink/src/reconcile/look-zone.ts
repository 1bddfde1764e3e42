import type * as route53 from '@aws-sdk/client-route-53';
import { callerReferencePrefix } from '../plan/names.ts';
import { canonical, zoneClaim } from '../plan/next-zone.ts';
import type { Observed, ZoneView } from '../plan/observed.ts';
import type { HubClient } from '../providers/aws/calls.ts';
import { isAwsError } from '../providers/aws/errors.ts';
import { allPages } from '../providers/aws/pages.ts';
import { type LinkContext, type Update, withMissing } from './context.ts';
import { recordView, tagsOf, zoneId, zoneVpcs } from './views.ts';

/** Looks for our private zone, and never takes anybody else's for it. */

export async function lookAtZone(context: LinkContext, observed: Observed): Promise<Update> {
  const finder = new ZoneFinder(context, await context.hub(), endpointVpc(context, observed));
  const zone = (await finder.named()) ?? (await finder.byName()) ?? null;
  return (before) => {
    let after: Observed = { ...before, zone };
    for (const action of finder.missing) after = withMissing(after, action);
    return after;
  };
}

/** The VPC of our endpoint, whose association is part of an adoptable zone's proof. */
function endpointVpc(context: LinkContext, { endpoints = [] }: Observed): string | undefined {
  return (endpoints.find(({ id }) => id === context.known.endpointId) ?? endpoints[0])?.vpcId;
}

class ZoneFinder {
  readonly #context: LinkContext;
  readonly #hub: HubClient;
  readonly #endpointVpcId: string | undefined;
  readonly missing: string[] = [];

  constructor(context: LinkContext, hub: HubClient, endpointVpcId: string | undefined) {
    this.#context = context;
    this.#hub = hub;
    this.#endpointVpcId = endpointVpcId;
  }

  get #link() {
    const { desired, known } = this.#context;
    return { owner: desired.owner, hostName: desired.hostName, statusZoneId: known.zoneId };
  }

  /** The one that the status names, if it is ours or may become ours. */
  async named(): Promise<ZoneView | undefined> {
    const id = this.#context.known.zoneId;
    if (id === undefined) return undefined;
    const zone = await this.#get(id);
    if (zone === undefined) return undefined;
    const ours = zone.callerReference.startsWith(
      callerReferencePrefix(this.#link.owner, this.#link.hostName || canonical(zone.name)),
    );
    // Our caller reference is proof enough; only a stranger's zone costs a call for its tags.
    const tagged = ours ? zone : { ...zone, tags: await this.#tags(id) };
    return this.#claimed(tagged);
  }

  /** One of that name whose caller reference or tag is ours: what a crash, or a lost status, left behind. */
  async byName(): Promise<ZoneView | undefined> {
    for (const id of await this.#privateZonesOfThatName()) {
      const zone = await this.#get(id);
      if (zone === undefined) continue;
      const claimed = this.#claimed({ ...zone, tags: await this.#tags(id) });
      if (claimed !== undefined) return claimed;
    }
    return undefined;
  }

  #claimed(zone: ZoneView): ZoneView | undefined {
    // Removing a link whose host name nobody knows any more: the zone itself says what it was for.
    const link = this.#link.hostName === '' ? { ...this.#link, hostName: canonical(zone.name) } : this.#link;
    return zoneClaim(zone, link, this.#endpointVpcId) === 'foreign' ? undefined : zone;
  }

  async #get(id: string): Promise<ZoneView | undefined> {
    try {
      const { HostedZone, VPCs } = await this.#hub.getZone({ Id: id }, this.#context.signal);
      return HostedZone === undefined ? undefined : zoneViewOf(HostedZone, VPCs);
    } catch (error) {
      if (isAwsError(error, 'not-found')) return undefined;
      throw error;
    }
  }

  async #tags(id: string): Promise<Readonly<Record<string, string>> | undefined> {
    try {
      const { ResourceTagSet } = await this.#hub.listZoneTags(
        { ResourceType: 'hostedzone', ResourceId: id },
        this.#context.signal,
      );
      return tagsOf(ResourceTagSet?.Tags);
    } catch (error) {
      if (isAwsError(error, 'not-found')) return undefined;
      this.#doWithout(error);
      return undefined;
    }
  }

  async #privateZonesOfThatName(): Promise<string[]> {
    const { hostName } = this.#link;
    if (hostName === '') return [];
    try {
      return await this.#listByName(hostName);
    } catch (error) {
      this.#doWithout(error);
      return this.#listByVpc(hostName);
    }
  }

  /** Sorted by name, so the list is read only as far as the name goes. */
  async #listByName(hostName: string): Promise<string[]> {
    const ids: string[] = [];
    let from: { DNSName: string; HostedZoneId?: string } = { DNSName: hostName };
    for (;;) {
      const page = await this.#hub.listZonesByName({ ...from, MaxItems: 100 }, this.#context.signal);
      const zones = page.HostedZones ?? [];
      const same = zones.filter(({ Name = '' }) => canonical(Name) === canonical(hostName));
      ids.push(...same.filter(({ Config }) => Config?.PrivateZone === true).map(({ Id }) => zoneId(Id)));
      const more = page.IsTruncated === true && page.NextDNSName !== undefined;
      if (!more || canonical(page.NextDNSName!) !== canonical(hostName)) return ids;
      from = {
        DNSName: page.NextDNSName!,
        ...(page.NextHostedZoneId === undefined ? {} : { HostedZoneId: page.NextHostedZoneId }),
      };
    }
  }

  /** With the document's permissions only: the zones that a VPC of ours resolves. */
  async #listByVpc(hostName: string): Promise<string[]> {
    const { desired, signal } = this.#context;
    const vpcIds =
      this.#endpointVpcId === undefined ? desired.inventory.map(({ vpcId }) => vpcId) : [this.#endpointVpcId];
    const ids = new Set<string>();
    for (const vpcId of vpcIds) {
      const zones = await allPages(
        (NextToken) =>
          this.#hub.listZonesByVpc(
            {
              VPCId: vpcId,
              VPCRegion: desired.region as route53.VPCRegion,
              ...(NextToken === undefined ? {} : { NextToken }),
            },
            signal,
          ),
        (page) => page.HostedZoneSummaries,
        (page) => page.NextToken,
      );
      for (const { Name = '', HostedZoneId } of zones)
        if (canonical(Name) === canonical(hostName)) ids.add(zoneId(HostedZoneId));
    }
    return [...ids];
  }

  #doWithout(error: unknown): void {
    if (!isAwsError(error, 'denied')) throw error;
    this.missing.push(error.action);
  }
}

export function zoneViewOf(zone: Partial<route53.HostedZone>, vpcs: readonly route53.VPC[] | undefined): ZoneView {
  return {
    id: zoneId(zone.Id),
    name: canonical(zone.Name ?? ''),
    private: zone.Config?.PrivateZone ?? false,
    callerReference: zone.CallerReference ?? '',
    vpcs: zoneVpcs(vpcs),
    tags: undefined,
  };
}

export async function lookAtRecord(context: LinkContext, observed: Observed): Promise<Update> {
  const hub = await context.hub();
  const { hostName } = context.desired;
  const sets = await listRecords(hub, observed.zone!.id, context.signal, hostName);
  const found = sets.find(({ Name = '', Type }) => canonical(Name) === canonical(hostName) && Type === 'A');
  return (before) => ({ ...before, record: found === undefined ? null : recordView(found) });
}

type RecordsFrom = Pick<
  route53.ListResourceRecordSetsCommandInput,
  'StartRecordName' | 'StartRecordType' | 'StartRecordIdentifier'
>;

/**
 * The records of a zone, all of them or only the address record of one name. Sorted by name and type, so for one name the
 * list is read no further than that.
 */
export function listRecords(
  hub: HubClient,
  zoneId: string,
  signal: AbortSignal,
  onlyName?: string,
): Promise<route53.ResourceRecordSet[]> {
  const start: RecordsFrom = onlyName === undefined ? {} : { StartRecordName: onlyName, StartRecordType: 'A' };
  return allPages(
    (token) => {
      const from = token === undefined ? start : (JSON.parse(token) as RecordsFrom);
      return hub.listRecords(
        { HostedZoneId: zoneId, ...from, ...(onlyName === undefined ? {} : { MaxItems: 1 }) },
        signal,
      );
    },
    (page) => page.ResourceRecordSets,
    (page) => {
      const { IsTruncated, NextRecordName, NextRecordType, NextRecordIdentifier } = page;
      const past = canonical(NextRecordName ?? '') !== canonical(onlyName ?? '') || NextRecordType !== 'A';
      if (IsTruncated !== true || (onlyName !== undefined && past)) return undefined;
      const from: RecordsFrom = {
        StartRecordName: NextRecordName,
        StartRecordType: NextRecordType,
        StartRecordIdentifier: NextRecordIdentifier,
      };
      return JSON.stringify(from);
    },
  );
}

/** Once in the life of a controller: what it authorises itself it withdraws itself, unless it is killed in between. */
export async function lookAtAuthorisations(context: LinkContext, observed: Observed): Promise<Update> {
  const hub = await context.hub();
  const { id } = observed.zone!;
  const key = `no-authorisations ${id}`;
  if (context.memory.has(key)) return (before) => ({ ...before, authorisations: [] });
  try {
    const vpcs = await allPages(
      (NextToken) =>
        hub.listAuthorisations({ HostedZoneId: id, ...(NextToken === undefined ? {} : { NextToken }) }, context.signal),
      (page) => page.VPCs,
      (page) => page.NextToken,
    );
    const authorisations = zoneVpcs(vpcs);
    if (authorisations.length === 0) await context.memory.remember(key, async () => true);
    return (before) => ({ ...before, authorisations });
  } catch (error) {
    if (!isAwsError(error, 'denied')) throw error;
    return (before) => withMissing({ ...before, authorisations: [] }, error.action);
  }
}
