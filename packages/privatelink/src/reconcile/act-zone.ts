import type * as route53 from '@aws-sdk/client-route-53';
import { expect } from '../plan/expect.ts';
import { callerReferencePrefix } from '../plan/names.ts';
import type { ZoneVpc } from '../plan/observed.ts';
import type { DesiredRecord, Step } from '../plan/steps.ts';
import type { HubClient } from '../providers/aws/calls.ts';
import { AwsError, isAwsError } from '../providers/aws/errors.ts';
import { CredentialsError } from '../providers/aws/credentials.ts';
import { optionally } from './act-customer.ts';
import { forget, type LinkContext, type Update } from './context.ts';
import { listRecords, zoneViewOf } from './look-zone.ts';
import { deleting } from './unsuccessful.ts';
import { tagList } from './views.ts';

/** Acts on the private zone: Route 53 in our account, and associations with those of others. */

type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

/** Route 53 lists what it made within seconds; a reference that is still refused after this belongs to a zone that is gone. */
const spentAfterMs = 2 * 60_000;
/** After that many zones removed by hand something else is wrong. */
const referencesMax = 20;
/** Route 53 takes 1,000 changes a batch. */
const changesPerBatch = 500;

export async function createZone(context: LinkContext, step: Of<'create-zone'>): Promise<Update> {
  const hub = await context.hub();
  const { memory, known, epoch, desired } = context;
  // The same for a repeated create, another one for a zone that replaces one, or for another life of the object.
  const base = `${callerReferencePrefix(desired.owner, step.name)}${epoch}${known.zoneId === undefined ? '' : `-${known.zoneId}`}`;
  for (let n = 0; n < referencesMax; n++) {
    const CallerReference = n === 0 ? base : `${base}-${n}`;
    if (memory.ageMs(`refused ${CallerReference}`) > spentAfterMs) continue;
    try {
      const { HostedZone, VPC } = await hub.createZone(
        {
          Name: step.name,
          VPC: vpcOf(step.vpc),
          CallerReference,
          HostedZoneConfig: { Comment: 'made by Postern for a private link', PrivateZone: true },
        },
        context.signal,
      );
      const zone = { ...zoneViewOf(HostedZone ?? {}, [VPC ?? vpcOf(step.vpc)]), tags: {} };
      return (observed) => ({ ...observed, zone, record: null, authorisations: [] });
    } catch (error) {
      // Made a moment ago by a life that a crash ended, and not listed yet: another reference would make a second one.
      if (error instanceof AwsError && error.awsCode === 'HostedZoneAlreadyExists')
        memory.note(`refused ${CallerReference}`);
      throw error;
    }
  }
  throw new AwsError(
    'route53:CreateHostedZone',
    'HostedZoneAlreadyExists',
    `every caller reference for ${step.name} is spent`,
  );
}

export async function tagZone(context: LinkContext, step: Of<'tag-zone'>): Promise<Update> {
  const hub = await context.hub();
  return optionally(step, () =>
    hub.changeZoneTags(
      { ResourceType: 'hostedzone', ResourceId: step.id, AddTags: tagList(step.tags) },
      context.signal,
    ),
  );
}

export async function putRecord(context: LinkContext, step: Of<'put-record'>): Promise<Update> {
  const hub = await context.hub();
  await hub.changeRecords(
    {
      HostedZoneId: step.zoneId,
      ChangeBatch: { Changes: [{ Action: 'UPSERT', ResourceRecordSet: recordSet(step.name, step.record) }] },
    },
    context.signal,
  );
  return (observed) => expect(observed, step);
}

function recordSet(name: string, record: DesiredRecord): route53.ResourceRecordSet {
  if (record.kind === 'alias')
    return {
      Name: name,
      Type: 'A',
      AliasTarget: { DNSName: record.dnsName, HostedZoneId: record.hostedZoneId, EvaluateTargetHealth: false },
    };
  return {
    Name: name,
    Type: 'A',
    TTL: record.ttlSeconds,
    ResourceRecords: record.addresses.map((Value) => ({ Value })),
  };
}

/** One bad VPC must not keep the others from resolving: its trouble is noted, and the planner goes on. */
async function tolerating(vpcId: string, work: () => Promise<Update>): Promise<Update> {
  try {
    return await work();
  } catch (error) {
    const known = error instanceof AwsError || error instanceof CredentialsError;
    if (!known || isAwsError(error, 'throttled')) throw error;
    return (observed) => ({
      ...observed,
      failedAssociations: { ...observed.failedAssociations, [vpcId]: error.message },
    });
  }
}

export function associate(context: LinkContext, step: Of<'associate'>): Promise<Update> {
  return tolerating(step.vpc.vpcId, async () => {
    const hub = await context.hub();
    const request = { HostedZoneId: step.zoneId, VPC: vpcOf(step.vpc) };
    if (step.secretName === undefined) await hub.associateVpc(request, context.signal);
    else await associateForeign(context, hub, step.secretName, step.vpc, request);
    return (observed) => expect(observed, step);
  });
}

/** Zone's account authorises, VPC's account associates, zone's account withdraws: whatever happens in the middle. */
async function associateForeign(
  context: LinkContext,
  hub: HubClient,
  secretName: string,
  vpc: ZoneVpc,
  request: { HostedZoneId: string; VPC: route53.VPC },
): Promise<void> {
  const owner = await context.association(secretName, vpc.region);
  await hub.authoriseAssociation(request, context.signal);
  try {
    await owner.associateVpc(request, context.signal);
  } finally {
    await deleting(() => hub.withdrawAuthorisation(request, context.signal));
  }
}

export function disassociate(context: LinkContext, step: Of<'disassociate'>): Promise<Update> {
  return tolerating(step.vpc.vpcId, async () => {
    const request = { HostedZoneId: step.zoneId, VPC: vpcOf(step.vpc) };
    await deleting(() => disassociateAsOwner(context, step, request));
    return (observed) => expect(observed, step);
  });
}

/** By the VPC's owner where we know who that is, as the document grants it; else by the zone's, as Hive does. */
async function disassociateAsOwner(
  context: LinkContext,
  step: Of<'disassociate'>,
  request: { HostedZoneId: string; VPC: route53.VPC },
): Promise<void> {
  if (step.secretName !== undefined) {
    try {
      const owner = await context.association(step.secretName, step.vpc.region);
      await owner.disassociateVpc(request, context.signal);
      return;
    } catch (error) {
      // The Secret has gone with the configuration, or its account has withdrawn the permission.
      if (!(error instanceof CredentialsError) && !isAwsError(error, 'denied', 'credentials')) throw error;
    }
  }
  await (await context.hub()).disassociateVpc(request, context.signal);
}

export function withdrawAuthorisation(context: LinkContext, step: Of<'withdraw-authorisation'>): Promise<Update> {
  return tolerating(step.vpc.vpcId, async () => {
    const hub = await context.hub();
    const request = { HostedZoneId: step.zoneId, VPC: vpcOf(step.vpc) };
    await deleting(() => hub.withdrawAuthorisation(request, context.signal));
    return (observed) => expect(observed, step);
  });
}

/** All but the two sets that come and go with the zone itself. */
export async function deleteRecords(context: LinkContext, step: Of<'delete-records'>): Promise<Update> {
  const hub = await context.hub();
  const sets = await deleting(() => listRecords(hub, step.zoneId, context.signal));
  if (sets === undefined) return (observed) => ({ ...observed, zone: null });
  const extra = sets.filter(({ Type }) => Type !== 'SOA' && Type !== 'NS');
  for (let i = 0; i < extra.length; i += changesPerBatch) {
    const Changes = extra
      .slice(i, i + changesPerBatch)
      .map((ResourceRecordSet) => ({ Action: 'DELETE' as const, ResourceRecordSet }));
    await deleting(() => hub.changeRecords({ HostedZoneId: step.zoneId, ChangeBatch: { Changes } }, context.signal));
  }
  return (observed) => expect(observed, step);
}

export async function deleteZone(context: LinkContext, step: Of<'delete-zone'>): Promise<Update> {
  const hub = await context.hub();
  await deleting(() => hub.deleteZone({ Id: step.zoneId }, context.signal));
  return (observed) => forget({ ...observed, zone: null }, 'record');
}

function vpcOf({ vpcId, region }: ZoneVpc): route53.VPC {
  return { VPCId: vpcId, VPCRegion: region as route53.VPCRegion };
}
