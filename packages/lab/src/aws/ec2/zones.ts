/** Regions and availability zones. A zone's name means another zone in another account, where the simulator is told so. */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { dnsSuffix, partitionOf, regions, type Zone, zonesOf } from '../world/partition.ts';
import type { World } from '../world/world.ts';
import { filtered } from './filter.ts';

/** The region's zones as an account names them: https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html */
export function zonesFor(world: World, account: string, region: string): Zone[] {
  const own = world.zoneIds.get(account) ?? {};
  return zonesOf(region).map(({ name, id }) => ({ name, id: own[name] ?? id }));
}

/** A zone by name or id. */
export function needZone(call: Call, name: string | undefined, id: string | undefined): Zone {
  const zones = zonesFor(call.world, call.account, call.region);
  const zone = zones.find((zone) => (id === undefined ? zone.name === name : zone.id === id));
  if (zone === undefined)
    throw new AwsError(
      'InvalidParameterValue',
      `Value (${name ?? id ?? ''}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: ${zones.map(({ name }) => name).join(', ')}.`,
    );
  return zone;
}

export const zoneOperations: Operations<typeof sdk> = {
  DescribeAvailabilityZones(call, input) {
    const zones = zonesFor(call.world, call.account, call.region).map((zone) => ({ ...zone, tags: {} }));
    const named = zones.filter(
      ({ name, id }) => (input.ZoneNames ?? [name]).includes(name) && (input.ZoneIds ?? [id]).includes(id),
    );
    const found = filtered(named, input.Filters, {
      'zone-name': ({ name }) => name,
      'zone-id': ({ id }) => id,
      'region-name': () => call.region,
      state: () => 'available',
      'zone-type': () => 'availability-zone',
      'opt-in-status': () => 'opt-in-not-required',
      'group-name': () => `${call.region}-zg-1`,
    });
    return {
      AvailabilityZones: found.map(({ name, id }) => ({
        ZoneName: name,
        ZoneId: id,
        RegionName: call.region,
        State: 'available' as const,
        ZoneType: 'availability-zone',
        OptInStatus: 'opt-in-not-required' as const,
        GroupName: `${call.region}-zg-1`,
        NetworkBorderGroup: call.region,
        Messages: [],
      })),
    };
  },

  DescribeRegions(call, input) {
    const found = regions
      .filter((name) => partitionOf(name) === call.partition && (input.RegionNames ?? [name]).includes(name))
      .map((name) => ({ name, tags: {} }));
    return {
      Regions: filtered(found, input.Filters, {
        'region-name': ({ name }) => name,
        endpoint: ({ name }) => `ec2.${name}.${dnsSuffix(name)}`,
        'opt-in-status': () => 'opt-in-not-required',
      }).map(({ name }) => ({
        RegionName: name,
        Endpoint: `ec2.${name}.${dnsSuffix(name)}`,
        OptInStatus: 'opt-in-not-required',
      })),
    };
  },

  DescribeAccountAttributes: (_call, input) => ({
    AccountAttributes: [
      { AttributeName: 'supported-platforms', AttributeValues: [{ AttributeValue: 'VPC' }] },
      { AttributeName: 'default-vpc', AttributeValues: [{ AttributeValue: 'none' }] },
    ].filter(({ AttributeName }) => (input.AttributeNames ?? [AttributeName]).some((name) => name === AttributeName)),
  }),
};
