import { PosternError } from '@postern/core';
import { keyOf, keyText } from '@postern/resources';
import type { HiveConfigSpec, InventoryEntry } from '../kinds/hive-config.ts';
import { linkStatusOf } from '../kinds/status.ts';
import { associatedVpcsOf } from '../plan/desired.ts';
import type { AssociatedPlumber, EndpointPlumber } from '../providers/aws/calls.ts';
import { AwsError, isAwsError } from '../providers/aws/errors.ts';
import { allPages } from '../providers/aws/pages.ts';
import { linkResources } from '../reconcile/link-kinds.ts';
import { type Plumbing, type PlumbingOptions, sectionOf, withPlumbing } from './context.ts';
import { portsOf } from './endpoint-vpc.ts';
import { lookAtAssociatedVpc, lookAtEndpointVpc, lookAtSubnets } from './look.ts';
import type { Patience } from './patient.ts';
import { type Attachments, type Check, checkDns, checkInventory, checkPair, checkZone } from './plan/verify.ts';
import type { AssociatedView, EndpointView, SubnetView, VpcRef } from './plan/views.ts';

/** `verify`: looks at every pair of a VPC with endpoints and one that must reach them. */
export async function verifyPlumbing(options: PlumbingOptions): Promise<Check[]> {
  const { home } = options;
  const config = await home.config();
  const section = sectionOf(config);
  const inventory = section.endpointVPCInventory ?? [];
  const associated = associatedVpcsOf(section).map(({ vpcId, region, secretName }): VpcRef => ({
    id: vpcId,
    region,
    side: 'associated',
    secretName,
  }));
  return withPlumbing(options, async (plumbing) => {
    const checks: Check[] = [];
    const trying = async (check: Check['check'], subject: string, look: () => Promise<readonly Check[]>) => {
      try {
        checks.push(...(await look()));
      } catch (error) {
        if (!(error instanceof PosternError)) throw error;
        checks.push({
          status: 'fail',
          check,
          subject,
          message: error.message,
          ...(error.hint === undefined ? {} : { next: error.hint }),
        });
      }
    };
    if (inventory.length === 0)
      checks.push({
        status: 'fail',
        check: 'inventory',
        subject: 'HiveConfig',
        message: 'no VPC is there for endpoints',
        next: 'postern privatelink endpointvpc add',
      });
    if (associated.length === 0)
      checks.push({
        status: 'warn',
        check: 'inventory',
        subject: 'HiveConfig',
        message: 'no associated VPC is named: nobody resolves the private zones',
      });
    const ports = await portsOf(home.store);
    for (const entry of inventory) {
      const subject = entry.vpcID;
      await trying('inventory', subject, async () => {
        const { endpoint, check } = await lookAtEntry(plumbing, config!, entry);
        checks.push(check);
        for (const ref of associated)
          await trying('connection', `${ref.id} -> ${subject}`, () =>
            pair(plumbing, config!, entry, endpoint, ref, ports),
          );
        return [];
      });
    }
    for (const ref of associated) await trying('resolution', ref.id, async () => [await dns(plumbing, config!, ref)]);
    await checkZones(options, plumbing, config!, associated, trying);
    return checks;
  });
}

async function lookAtEntry({ accounts, patience }: Plumbing, config: HiveConfigSpec, entry: InventoryEntry) {
  const client = await accounts.endpointPlumber(config, entry.region);
  const ref: VpcRef = { id: entry.vpcID, region: entry.region, side: 'endpoint', secretName: undefined };
  const endpoint = await lookAtEndpointVpc(client, ref, entry, patience);
  const subnets = entry.subnets ?? [];
  const there = new Map<string, SubnetView>();
  // One by one: an id that does not exist would refuse the whole list.
  for (const { subnetID } of subnets)
    for (const view of await lookAtSubnets(client, [subnetID], patience).catch(ifAbsent)) there.set(view.id, view);
  return { endpoint, check: checkInventory(entry.vpcID, subnets, there) };
}

function ifAbsent(error: unknown): SubnetView[] {
  if (error instanceof PosternError && error.cause instanceof AwsError) return [];
  throw error;
}

async function pair(
  { accounts, patience }: Plumbing,
  config: HiveConfigSpec,
  entry: InventoryEntry,
  endpoint: EndpointView,
  ref: VpcRef,
  ports: readonly number[],
): Promise<Check[]> {
  const client = await accounts.associatedPlumber(config, ref.secretName, ref.region);
  const associated: AssociatedView = await lookAtAssociatedVpc(client, ref, endpoint.vpc.id, patience);
  const throughGateway = associated.vpc.tables.some(({ routes }) =>
    routes.some(({ target }) => target.startsWith('tgw-')),
  );
  const hub = await accounts.endpointPlumber(config, entry.region);
  return checkPair({
    endpoint,
    associated,
    ports,
    subnetIds: (entry.subnets ?? []).map(({ subnetID }) => subnetID),
    endpointAttachments: throughGateway ? await attachments(hub, endpoint.vpc.id, patience) : [],
    associatedAttachments: throughGateway ? await attachments(client, ref.id, patience) : [],
  });
}

async function attachments(
  client: Pick<EndpointPlumber & AssociatedPlumber, 'describeTransitAttachments'>,
  vpcId: string,
  { signal }: Patience,
): Promise<Attachments> {
  try {
    const found = await allPages(
      (NextToken) =>
        client.describeTransitAttachments(
          { Filters: [{ Name: 'vpc-id', Values: [vpcId] }], ...(NextToken === undefined ? {} : { NextToken }) },
          signal,
        ),
      (page) => page.TransitGatewayVpcAttachments,
      (page) => page.NextToken,
    );
    return found.map(({ TransitGatewayId = '', State = '' }) => ({ gateway: TransitGatewayId, state: State }));
  } catch (error) {
    if (isAwsError(error, 'denied')) return undefined;
    throw error;
  }
}

async function dns({ accounts, patience: { signal } }: Plumbing, config: HiveConfigSpec, ref: VpcRef): Promise<Check> {
  const client = await accounts.associatedPlumber(config, ref.secretName, ref.region);
  const support = await client.describeVpcAttribute({ VpcId: ref.id, Attribute: 'enableDnsSupport' }, signal);
  const hostnames = await client.describeVpcAttribute({ VpcId: ref.id, Attribute: 'enableDnsHostnames' }, signal);
  return checkDns(ref, {
    support: support.EnableDnsSupport?.Value ?? false,
    hostnames: hostnames.EnableDnsHostnames?.Value ?? false,
  });
}

async function checkZones(
  { home }: PlumbingOptions,
  { accounts, patience: { signal } }: Plumbing,
  config: HiveConfigSpec,
  associated: readonly VpcRef[],
  trying: (check: Check['check'], subject: string, look: () => Promise<readonly Check[]>) => Promise<void>,
): Promise<void> {
  for (const resource of await linkResources(home.store)) {
    const zoneId = linkStatusOf(resource.status).hostedZoneID;
    if (zoneId === undefined) continue;
    const link = keyText(keyOf(resource));
    await trying('resolution', link, async () => {
      const client = await accounts.endpointPlumber(config, 'us-east-1');
      const vpcs = await client
        .getZone({ Id: zoneId }, signal)
        .then(({ VPCs }) => (VPCs ?? []).map(({ VPCId = '' }) => VPCId))
        .catch((error: unknown) => {
          if (isAwsError(error, 'not-found')) return undefined;
          throw error;
        });
      return [
        checkZone(
          { link, zoneId, vpcs },
          associated.map(({ id }) => id),
        ),
      ];
    });
  }
}
