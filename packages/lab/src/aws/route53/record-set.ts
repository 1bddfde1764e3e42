/** Record sets. https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html */
import type * as sdk from '@aws-sdk/client-route-53';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import { makeChange } from './change.ts';
import { normalName } from './name.ts';
import type { HostedZone } from './records.ts';
import { isApex, needZone, sortKey } from './zone.ts';

/** https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests-changeresourcerecordsets */
const recordsPerBatchMax = 1000;

export const recordSetOperations: Operations<typeof sdk> = {
  ChangeResourceRecordSets(call, input) {
    const zone = needZone(call, input.HostedZoneId);
    const wanted = input.ChangeBatch?.Changes ?? [];
    if (wanted.length === 0 || wanted.length > recordsPerBatchMax)
      throw invalid(`a batch has 1 to ${recordsPerBatchMax} changes`);
    // All or nothing: the changes are made to a copy.
    let records = [...zone.records];
    for (const change of wanted) records = apply(zone, records, change);
    zone.records = records;
    return { ChangeInfo: makeChange(call, input.ChangeBatch?.Comment) };
  },

  ListResourceRecordSets(call, input) {
    const zone = needZone(call, input.HostedZoneId);
    const from = input.StartRecordName === undefined ? '' : sortKey(normalName(input.StartRecordName));
    const sorted = zone.records
      .map((record) => ({ record, key: orderKey(record) }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ record }) => record)
      .filter((record) => {
        const name = sortKey(record.Name ?? '');
        if (name !== from) return name > from;
        return (
          (record.Type ?? '') >= (input.StartRecordType ?? '') &&
          (record.SetIdentifier ?? '') >= (input.StartRecordIdentifier ?? '')
        );
      });
    const size = Math.min(input.MaxItems ?? 300, 300, call.pageSize ?? 300);
    const next = sorted[size];
    return {
      ResourceRecordSets: sorted.slice(0, size),
      IsTruncated: next !== undefined,
      MaxItems: input.MaxItems ?? 300,
      ...(next === undefined
        ? {}
        : {
            NextRecordName: next.Name,
            NextRecordType: next.Type,
            ...(next.SetIdentifier === undefined ? {} : { NextRecordIdentifier: next.SetIdentifier }),
          }),
    };
  },
};

const orderKey = (record: sdk.ResourceRecordSet): string =>
  [sortKey(record.Name ?? ''), record.Type, record.SetIdentifier ?? ''].join('\u0001');

function apply(zone: HostedZone, records: sdk.ResourceRecordSet[], change: sdk.Change): sdk.ResourceRecordSet[] {
  const record = checked(zone, change.ResourceRecordSet ?? { Name: '', Type: undefined });
  const label = `[name='${record.Name}', type='${record.Type}']`;
  const existing = records.find((one) => orderKey(one) === orderKey(record));
  const others = records.filter((one) => one !== existing);
  switch (change.Action) {
    case 'CREATE':
      if (existing !== undefined) throw invalid(`Tried to create resource record set ${label} but it already exists`);
      refuseCname(records, record);
      return [...others, record];
    case 'UPSERT':
      refuseCname(others, record);
      return [...others, record];
    default:
      if (existing === undefined) throw invalid(`Tried to delete resource record set ${label} but it was not found`);
      if (isApex(zone, existing))
        throw invalid(
          `A HostedZone must contain exactly one ${existing.Type} record and at least one NS record for the zone itself.`,
        );
      if (!same(existing, record))
        throw invalid(
          `Tried to delete resource record set ${label} but the values provided do not match the current values`,
        );
      return others;
  }
}

function checked(zone: HostedZone, given: sdk.ResourceRecordSet): sdk.ResourceRecordSet {
  const name = normalName(given.Name ?? '');
  const label = `[name='${name}', type='${given.Type}']`;
  if (name !== zone.name && !name.endsWith(`.${zone.name}`))
    throw invalid(`RRSet with DNS name ${name} is not permitted in zone ${zone.name}`);
  const { AliasTarget: alias, ResourceRecords: values, TTL: ttl } = given;
  if (alias === undefined && (values === undefined || values.length === 0 || ttl === undefined))
    throw invalid(
      `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with ${label}`,
    );
  if (alias !== undefined && (values !== undefined || ttl !== undefined))
    throw invalid(
      `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found more than one in Change with ${label}`,
    );
  if (given.Type === 'A')
    for (const { Value: value = '' } of values ?? [])
      if (!/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/.test(value))
        throw invalid(
          `Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '${value}''`,
        );
  if (given.Type === 'CNAME' && name === zone.name)
    throw invalid(`RRSet of type CNAME with DNS name ${name} is not permitted at apex in zone ${zone.name}`);
  return {
    ...given,
    Name: name,
    ...(alias === undefined ? {} : { AliasTarget: { ...alias, DNSName: normalName(alias.DNSName ?? '') } }),
  };
}

function refuseCname(others: readonly sdk.ResourceRecordSet[], record: sdk.ResourceRecordSet): void {
  const clash = others.find((one) => one.Name === record.Name && (one.Type === 'CNAME') !== (record.Type === 'CNAME'));
  if (clash !== undefined)
    throw invalid(
      `RRSet of type ${record.Type} with DNS name ${record.Name} is not permitted because a conflicting RRSet of type ${clash.Type} with the same DNS name already exists`,
    );
}

function same(a: sdk.ResourceRecordSet, b: sdk.ResourceRecordSet): boolean {
  const values = ({ ResourceRecords: list }: sdk.ResourceRecordSet) =>
    (list ?? [])
      .map(({ Value }) => Value)
      .toSorted((a, b) => a!.localeCompare(b!))
      .join('\n');
  return (
    a.TTL === b.TTL &&
    values(a) === values(b) &&
    a.AliasTarget?.DNSName === b.AliasTarget?.DNSName &&
    a.AliasTarget?.HostedZoneId === b.AliasTarget?.HostedZoneId
  );
}

const invalid = (why: string): AwsError => new AwsError('InvalidChangeBatch', `[${why}]`);
