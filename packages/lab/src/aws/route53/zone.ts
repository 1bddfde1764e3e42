/** Hosted zones. https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html */
import type * as sdk from '@aws-sdk/client-route-53';
import { vpcs } from '../ec2/records.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { page } from '../world/page.ts';
import { makeChange } from './change.ts';
import { normalName } from './name.ts';
import { type HostedZone, hostedZones, type ZoneVpc } from './records.ts';

export const zoneOperations: Operations<typeof sdk> = {
  CreateHostedZone(call, input) {
    const name = normalName(input.Name ?? '');
    const reference = input.CallerReference ?? '';
    // https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html#API_CreateHostedZone_Errors
    if (hostedZones.list(call).some((zone) => zone.reference === reference))
      throw new AwsError(
        'HostedZoneAlreadyExists',
        `A hosted zone has already been created with the specified caller reference.`,
        409,
      );
    if (hostedZones.list(call).length >= call.world.quotas.hostedZonesPerAccount)
      throw new AwsError(
        'TooManyHostedZones',
        `Limits Exceeded: MAX_HOSTED_ZONES_BY_OWNER - Cannot create more hosted zones.`,
      );
    // A zone made with a VPC is private, whatever the configuration says; moto makes it public then.
    const privateZone = input.VPC !== undefined;
    if (!privateZone && input.HostedZoneConfig?.PrivateZone === true)
      throw new AwsError('InvalidInput', 'When you are creating a private hosted zone, you must specify a VPC');
    const vpc = input.VPC === undefined ? undefined : needOwnVpc(call, input.VPC, 'create a private hosted zone for');
    if (vpc !== undefined) refuseConflict(call, name, vpc);
    const id = `Z${call.world.hex(20).toUpperCase()}`;
    const nameServers = privateZone
      ? ['ns-0.awsdns-00.com', 'ns-512.awsdns-00.net', 'ns-1024.awsdns-00.org', 'ns-1536.awsdns-00.co.uk']
      : [1, 2, 3, 4].map((n) => `ns-${n * 400}.awsdns-${10 + n}.${['com', 'net', 'org', 'co.uk'][n - 1]}`);
    const zone: HostedZone = {
      ...call.born(id),
      region: 'global',
      name,
      reference,
      privateZone,
      comment: input.HostedZoneConfig?.Comment,
      vpcs: vpc === undefined ? [] : [vpc],
      authorizations: [],
      nameServers,
      records: [
        {
          Name: name,
          Type: 'NS',
          TTL: 172_800,
          ResourceRecords: nameServers.map((server) => ({ Value: `${server}.` })),
        },
        {
          Name: name,
          Type: 'SOA',
          TTL: 900,
          ResourceRecords: [{ Value: `${nameServers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400` }],
        },
      ],
    };
    hostedZones.put(call.world, zone);
    return {
      HostedZone: show(zone),
      ChangeInfo: makeChange(call, undefined),
      ...delegation(zone),
      ...(vpc === undefined ? {} : { VPC: showVpc(vpc) }),
      Location: `https://route53.amazonaws.com/2013-04-01/hostedzone/${id}`,
    };
  },

  GetHostedZone(call, input) {
    const zone = needZone(call, input.Id);
    return {
      HostedZone: show(zone),
      ...delegation(zone),
      ...(zone.privateZone ? { VPCs: zone.vpcs.map(showVpc) } : {}),
    };
  },

  DeleteHostedZone(call, input) {
    const zone = needZone(call, input.Id);
    // https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHostedZone.html
    if (zone.records.some((record) => !isApex(zone, record)))
      throw new AwsError(
        'HostedZoneNotEmpty',
        'The specified hosted zone contains non-required resource record sets and so cannot be deleted.',
      );
    hostedZones.remove(call.world, zone.id);
    return { ChangeInfo: makeChange(call, undefined) };
  },

  UpdateHostedZoneComment(call, input) {
    const zone = needZone(call, input.Id);
    zone.comment = input.Comment;
    return { HostedZone: show(zone) };
  },

  ListHostedZones(call, input) {
    const found = hostedZones
      .list(call)
      .filter(({ privateZone }) => input.HostedZoneType !== 'PrivateHostedZone' || privateZone);
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxItems,
      token: input.Marker,
      usual: 100,
      most: 100,
    });
    return {
      HostedZones: items.map(show),
      IsTruncated: next !== undefined,
      MaxItems: input.MaxItems ?? 100,
      Marker: input.Marker,
      ...(next === undefined ? {} : { NextMarker: next }),
    };
  },

  // Starts at a name, in the order of reversed labels: https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByName.html
  ListHostedZonesByName(call, input) {
    const from = input.DNSName === undefined ? '' : sortKey(normalName(input.DNSName));
    const sorted = hostedZones
      .list(call)
      .map((zone) => ({ zone, key: sortKey(zone.name) }))
      .filter(
        ({ zone, key }) =>
          key > from || (key === from && (input.HostedZoneId === undefined || zone.id >= bare(input.HostedZoneId))),
      )
      .toSorted((a, b) => (a.key === b.key ? a.zone.id.localeCompare(b.zone.id) : a.key < b.key ? -1 : 1))
      .map(({ zone }) => zone);
    const size = Math.min(input.MaxItems ?? 100, 100, call.pageSize ?? 100);
    const next = sorted[size];
    return {
      HostedZones: sorted.slice(0, size).map(show),
      ...(input.DNSName === undefined ? {} : { DNSName: input.DNSName }),
      ...(input.HostedZoneId === undefined ? {} : { HostedZoneId: input.HostedZoneId }),
      IsTruncated: next !== undefined,
      MaxItems: input.MaxItems ?? 100,
      ...(next === undefined ? {} : { NextDNSName: next.name, NextHostedZoneId: next.id }),
    };
  },

  // Zones of all accounts that a VPC is associated with: https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByVPC.html
  ListHostedZonesByVPC(call, input) {
    mayLookAtVpcs(call);
    const found = hostedZones
      .all(call.world)
      .filter((zone) => zone.vpcs.some(({ id }) => id === input.VPCId) && !call.hides(zone));
    const { items, next } = page(call, found, ({ id }) => id, {
      max: input.MaxItems,
      token: input.NextToken,
      usual: 100,
      most: 100,
    });
    return {
      HostedZoneSummaries: items.map((zone) => ({
        HostedZoneId: zone.id,
        Name: zone.name,
        Owner: { OwningAccount: zone.account },
      })),
      MaxItems: input.MaxItems ?? 100,
      ...(next === undefined ? {} : { NextToken: next }),
    };
  },

  GetHostedZoneCount: (call) => ({ HostedZoneCount: hostedZones.list(call).length }),
};

/** `/hostedzone/Z1` and `Z1` are the same. */
export const bare = (id: string): string => id.replace(/^\/?hostedzone\//, '');

/** The caller's zone. */
export function needZone(call: Call, id: string | undefined): HostedZone {
  const zone = hostedZones.mine(call, bare(id ?? ''));
  if (zone === undefined) throw noSuchZone(id);
  return zone;
}

export function noSuchZone(id: string | undefined): AwsError {
  return new AwsError('NoSuchHostedZone', `No hosted zone found with ID: ${bare(id ?? '')}`, 404);
}

/** A VPC of the caller; another's is refused in the words Route 53 has for it. */
export function needOwnVpc(call: Call, wanted: sdk.VPC, doing: string): ZoneVpc {
  mayLookAtVpcs(call);
  const vpc = vpcs.get(call.world, wanted.VPCId);
  if (vpc === undefined || vpc.region !== wanted.VPCRegion)
    throw new AwsError(
      'InvalidVPCId',
      `The VPC: ${wanted.VPCId ?? ''} in region ${wanted.VPCRegion ?? ''} that you provided is not found.`,
    );
  if (vpc.account !== call.account)
    throw new AwsError(
      'NotAuthorizedException',
      `The VPC: ${vpc.id} that you provided is not owned by your account: you cannot ${doing} it.`,
      401,
    );
  return { id: vpc.id, region: vpc.region };
}

/**
 * Route 53 looks at a VPC with the caller's permissions ("dependent actions"):
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
 */
export function mayLookAtVpcs(call: Call): void {
  call.authorize('ec2:DescribeVpcs', []);
}

/** https://docs.aws.amazon.com/Route53/latest/APIReference/API_AssociateVPCWithHostedZone.html: one zone of a name a VPC. */
export function refuseConflict(call: Call, name: string, vpc: ZoneVpc, but?: string): void {
  const other = hostedZones
    .all(call.world)
    .find((zone) => zone.name === name && zone.id !== but && zone.vpcs.some(({ id }) => id === vpc.id));
  if (other !== undefined)
    throw new AwsError(
      'ConflictingDomainExists',
      `The VPC ${vpc.id} in region ${vpc.region} has already been associated with the hosted zone ${other.id} with the same domain name.`,
    );
}

export function isApex(zone: HostedZone, record: sdk.ResourceRecordSet): boolean {
  return record.Name === zone.name && (record.Type === 'NS' || record.Type === 'SOA');
}

/** Route 53 sorts names by their labels from the right. */
export function sortKey(name: string): string {
  return name.split('.').filter(Boolean).reverse().join('\u0000');
}

export function showVpc({ id, region }: ZoneVpc): sdk.VPC {
  return { VPCId: id, VPCRegion: region as sdk.VPCRegion };
}

function delegation(zone: HostedZone): { DelegationSet: sdk.DelegationSet | undefined } {
  return { DelegationSet: zone.privateZone ? undefined : { NameServers: zone.nameServers } };
}

function show(zone: HostedZone): sdk.HostedZone {
  return {
    Id: `/hostedzone/${zone.id}`,
    Name: zone.name,
    CallerReference: zone.reference,
    Config: { ...(zone.comment === undefined ? {} : { Comment: zone.comment }), PrivateZone: zone.privateZone },
    ResourceRecordSetCount: zone.records.length,
  };
}
