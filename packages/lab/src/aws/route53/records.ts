/** What Route 53 keeps. It is a global service: its records lie in the region `global`. */
import type * as sdk from '@aws-sdk/client-route-53';
import { Kind, type Stored } from '../world/kind.ts';
import type { World } from '../world/world.ts';

export interface ZoneVpc {
  readonly region: string;
  readonly id: string;
}

export interface HostedZone extends Stored {
  /** Lower case, with the dot at the end. */
  readonly name: string;
  readonly reference: string;
  readonly privateZone: boolean;
  comment: string | undefined;
  vpcs: ZoneVpc[];
  /** VPCs of other accounts that may be associated by their owners. */
  authorizations: ZoneVpc[];
  records: sdk.ResourceRecordSet[];
  readonly nameServers: string[];
}

/** A change is PENDING until it is INSYNC. */
export type Change = Stored;

export const hostedZones = new Kind<HostedZone>('hosted-zone');
export const changes = new Kind<Change>('route53-change');

/** Whether a public zone answers a TXT question with a value. */
export function hasTxt(world: World, name: string, value: string): boolean {
  const wanted = `${name.toLowerCase().replace(/\.$/, '')}.`;
  return hostedZones
    .all(world)
    .filter(({ privateZone }) => !privateZone)
    .flatMap(({ records }) => records)
    .some(
      (record) =>
        record.Type === 'TXT' &&
        record.Name === wanted &&
        record.ResourceRecords?.some(({ Value }) => Value?.replaceAll('"', '') === value),
    );
}
