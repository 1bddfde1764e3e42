import type { DesiredLink } from './desired.ts';
import { callerReferencePrefix, callerReferenceStart, ownerTag, tagsFor } from './names.ts';
import { missingTags } from './next-service.ts';
import type { EndpointView, Observed, RecordView, ZoneView } from './observed.ts';
import type { DesiredRecord, Next } from './steps.ts';

/** The private zone whose apex is the host, its one record, and the VPCs that resolve it. */

/** As Hive has it: short, because addresses change when an endpoint is replaced. */
const recordTtlSeconds = 10;

/** Whether a zone is ours, may become ours, or must not be touched. */
export type ZoneClaim = 'ours' | 'adoptable' | 'foreign';

/**
 * A tag or our caller reference proves ownership. An untagged zone (Hive never tagged) may be adopted only if the status
 * names it, it is private and the endpoint's VPC is associated; any other zone of that name belongs to somebody else, and
 * taking it would end with deleting it.
 */
export function zoneClaim(
  zone: ZoneView,
  link: { readonly owner: string; readonly hostName: string; readonly statusZoneId: string | undefined },
  endpointVpcId: string | undefined,
): ZoneClaim {
  if (!zone.private) return 'foreign';
  const tagged = zone.tags?.[ownerTag];
  // Removing a link whose owner nobody knows any more: the status names the zone, and the zone says that a link made it.
  const made = tagged !== undefined || zone.callerReference.startsWith(callerReferenceStart);
  if (link.owner === '' && zone.id === link.statusZoneId && made) return 'ours';
  if (tagged !== undefined) return tagged === link.owner ? 'ours' : 'foreign';
  if (zone.callerReference.startsWith(callerReferencePrefix(link.owner, link.hostName))) return 'ours';
  const associated = zone.vpcs.some(({ vpcId }) => vpcId === endpointVpcId);
  return zone.id === link.statusZoneId && associated ? 'adoptable' : 'foreign';
}

/** The next move for zone, record and associations; undefined when they are as they should be. */
export function nextForZone(desired: DesiredLink, observed: Observed, endpoint: EndpointView): Next | undefined {
  const { zone } = observed;
  if (desired.hostName === '')
    return {
      kind: 'fail',
      reason: 'CouldNotCalculateAPIDomain',
      message: desired.hostProblem ?? 'the host name is not known',
    };
  if (zone === undefined) return { kind: 'look', at: 'zone' };
  const tags = tagsFor(desired.owner, 'private-zone', desired.userTags);
  if (zone === null)
    return {
      kind: 'act',
      step: {
        kind: 'create-zone',
        name: desired.hostName,
        vpc: { vpcId: endpoint.vpcId, region: desired.region },
        tags,
      },
      why: `no private zone of ours has the name ${desired.hostName}`,
    };
  const missing = zone.tags === undefined ? undefined : missingTags(tags, zone.tags);
  if (missing !== undefined)
    return {
      kind: 'act',
      step: { kind: 'tag-zone', id: zone.id, tags: missing },
      why: 'the tags that mark it as ours are missing',
    };
  return nextForRecord(desired, observed, endpoint, zone) ?? nextForAssociations(desired, observed, endpoint, zone);
}

function nextForRecord(
  desired: DesiredLink,
  observed: Observed,
  endpoint: EndpointView,
  zone: ZoneView,
): Next | undefined {
  const record = desiredRecord(desired, observed, endpoint);
  if (record.kind === 'look' || record.kind === 'wait' || record.kind === 'fail') return record;
  if (observed.record === undefined) return { kind: 'look', at: 'record' };
  if (observed.record !== null && recordEquals(record, observed.record)) return undefined;
  return {
    kind: 'act',
    step: { kind: 'put-record', zoneId: zone.id, name: desired.hostName, record },
    why: observed.record === null ? 'the host name has no record' : 'the record points elsewhere',
  };
}

function desiredRecord(
  desired: DesiredLink,
  observed: Observed,
  endpoint: EndpointView,
): DesiredRecord | Extract<Next, { kind: 'look' | 'wait' | 'fail' }> {
  if (desired.recordType === 'ARecord') {
    if (endpoint.networkInterfaceIds.length === 0)
      return waitForDns(`the VPC endpoint ${endpoint.id} has no network interfaces yet`);
    if (observed.addresses === undefined) return { kind: 'look', at: 'addresses' };
    if (observed.addresses.length === 0)
      return waitForDns(`the network interfaces of the VPC endpoint ${endpoint.id} have no addresses yet`);
    return { kind: 'addresses', ttlSeconds: recordTtlSeconds, addresses: observed.addresses.toSorted() };
  }
  // The first entry is the regional name; the others are one a zone.
  const [entry] = endpoint.dnsEntries;
  if (entry === undefined) return waitForDns(`the VPC endpoint ${endpoint.id} has no DNS name yet`);
  return { kind: 'alias', dnsName: entry.name, hostedZoneId: entry.hostedZoneId };
}

function waitForDns(message: string): Extract<Next, { kind: 'wait' }> {
  return { kind: 'wait', for: 'endpoint-to-have-dns', reason: 'ReconciledVPCEndpoint', message };
}

export function recordEquals(wanted: DesiredRecord, actual: RecordView): boolean {
  if (wanted.kind === 'alias')
    return (
      actual.kind === 'alias' &&
      canonical(actual.dnsName) === canonical(wanted.dnsName) &&
      actual.hostedZoneId === wanted.hostedZoneId
    );
  return (
    actual.kind === 'addresses' &&
    actual.ttlSeconds === wanted.ttlSeconds &&
    actual.addresses.toSorted().join() === wanted.addresses.toSorted().join()
  );
}

/** Route 53 answers in lower case and with the root's dot, whatever was written. */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function nextForAssociations(
  desired: DesiredLink,
  observed: Observed,
  endpoint: EndpointView,
  zone: ZoneView,
): Next | undefined {
  const wanted = new Map(desired.associatedVpcs.map((vpc) => [vpc.vpcId, vpc]));
  if (!wanted.has(endpoint.vpcId))
    wanted.set(endpoint.vpcId, { vpcId: endpoint.vpcId, region: desired.region, secretName: undefined });
  const failed = observed.failedAssociations ?? {};
  const byId = <T extends { vpcId: string }>(a: T, b: T): number => (a.vpcId < b.vpcId ? -1 : 1);
  const [add] = [...wanted.values()]
    .filter(({ vpcId }) => !(vpcId in failed) && !zone.vpcs.some((vpc) => vpc.vpcId === vpcId))
    .toSorted(byId);
  if (add !== undefined) {
    const { secretName, ...vpc } = add;
    return {
      kind: 'act',
      step: { kind: 'associate', zoneId: zone.id, vpc, secretName },
      why: `${vpc.vpcId} should resolve ${desired.hostName}`,
    };
  }
  const [remove] = zone.vpcs.filter(({ vpcId }) => !(vpcId in failed) && !wanted.has(vpcId)).toSorted(byId);
  if (remove !== undefined)
    return {
      kind: 'act',
      step: {
        kind: 'disassociate',
        zoneId: zone.id,
        vpc: remove,
        secretName: desired.formerAssociations[remove.vpcId],
      },
      why: `${remove.vpcId} is not among the associated VPCs any more`,
    };
  const leftOver = nextForAuthorisations(desired, observed, zone);
  if (leftOver !== undefined) return leftOver;
  const messages = Object.entries(failed).map(([vpcId, message]) => `${vpcId}: ${message}`);
  if (messages.length === 0) return undefined;
  return { kind: 'fail', reason: 'AssociatingVPCsToHostedZoneFailed', message: messages.toSorted().join('; ') };
}

/** An authorisation outlives its use when a crash or an error comes between; it would let the other account associate again. */
function nextForAuthorisations(desired: DesiredLink, observed: Observed, zone: ZoneView): Next | undefined {
  const foreign = desired.associatedVpcs.filter(({ secretName }) => secretName !== undefined);
  if (foreign.length === 0) return undefined;
  if (observed.authorisations === undefined) return { kind: 'look', at: 'authorisations' };
  const failed = observed.failedAssociations ?? {};
  const left = observed.authorisations.find(
    ({ vpcId }) => !(vpcId in failed) && foreign.some((vpc) => vpc.vpcId === vpcId),
  );
  if (left === undefined) return undefined;
  return {
    kind: 'act',
    step: { kind: 'withdraw-authorisation', zoneId: zone.id, vpc: left },
    why: 'the association it was for is made',
  };
}
