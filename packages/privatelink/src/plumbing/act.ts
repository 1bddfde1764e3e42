import type * as ec2 from '@aws-sdk/client-ec2';
import { PosternError } from '@postern/core';
import type { AssociatedPlumber, EndpointPlumber } from '../providers/aws/calls.ts';
import { AwsError } from '../providers/aws/errors.ts';
import { tagList } from '../reconcile/views.ts';
import type { HiveHome } from './home.ts';
import { peerings as lookForPeerings } from './look.ts';
import { type Patience, patiently } from './patient.ts';
import type { PlumbingStep, RouteStep, RuleStep, SecretCopy } from './plan/steps.ts';
import { openPeering, type PeeringView, plumbingTag, type RuleView, type VpcRef } from './plan/views.ts';

/**
 * Does the steps. Each is safe to do twice: what is there already, or gone already, is taken as done, so that an undo after a
 * lost answer and a second run after a crash come to the same end.
 */

export interface ActContext {
  readonly home: HiveHome;
  readonly endpoint: (region: string) => Promise<EndpointPlumber>;
  readonly associated: (vpc: VpcRef) => Promise<AssociatedPlumber>;
  /** Throws when something uses the VPC. */
  readonly checkUnused: (vpc: VpcRef, patience: Patience) => Promise<void>;
  /** The credentials that `enable` copies. */
  readonly secretToCopy?: Readonly<Record<string, string>>;
  readonly patience: Patience;
}

/** hiveutil's own bound; AWS takes seconds. */
const peeringWaitMs = 10 * 60_000;
const peeringLookMs = 1000;

export async function act(step: PlumbingStep, context: ActContext): Promise<void> {
  switch (step.kind) {
    case 'request-peering':
      return requestPeering(step, context);
    case 'accept-peering':
      return acceptPeering(step, context);
    case 'await-peering':
      await awaitPeering(step, context, ['active']);
      return;
    case 'delete-peering':
      return deletePeering(step, context);
    case 'await-peering-gone':
      return awaitPeeringGone(step, context);
    case 'add-route':
      return addRoute(step, context);
    case 'remove-route':
    case 'drop-dead-route':
      return removeRoute(step, context);
    case 'allow':
    case 'forbid':
      return changeRules(step, context);
    case 'put-inventory':
      return context.home.edit({ kind: 'put-entry', entry: step.entry, index: step.index });
    case 'take-inventory':
      return context.home.edit({ kind: 'take-entry', vpcID: step.entry.vpcID });
    case 'check-unused':
      return context.checkUnused(step.vpc, context.patience);
    case 'put-section':
      return context.home.edit({ kind: 'put-section', section: step.section });
    case 'take-section':
      return context.home.edit({ kind: 'take-section' });
    case 'put-secret':
      return putSecret(step.secret, context);
    case 'delete-secret':
      return context.home.deleteSecret(step.secret);
  }
}

type Ends = { readonly from: VpcRef; readonly to: VpcRef };

async function between({ from, to }: Ends, { associated, patience }: ActContext): Promise<PeeringView[]> {
  const client = await associated(from);
  const found = await lookForPeerings(client, from.id, to.id, patience);
  return [...found, ...(await lookForPeerings(client, to.id, from.id, patience))];
}

async function requestPeering(
  { from, to, toAccount }: Ends & { readonly toAccount: string },
  { associated, patience }: ActContext,
): Promise<void> {
  const client = await associated(from);
  const tags = { Name: `private-link-${from.id}-${to.id}`, [plumbingTag.key]: plumbingTag.value };
  // The same request again answers with the peering that is there: a lost answer makes no second one.
  await patiently(
    (signal) =>
      client.createPeering(
        {
          VpcId: from.id,
          PeerVpcId: to.id,
          PeerOwnerId: toAccount,
          PeerRegion: to.region.toLowerCase(),
          TagSpecifications: [{ ResourceType: 'vpc-peering-connection', Tags: tagList(tags) }],
        },
        signal,
      ),
    patience,
  );
}

async function acceptPeering(ends: Ends, context: ActContext): Promise<void> {
  const waiting = await awaitPeering(ends, context, ['pending-acceptance', 'provisioning', 'active']);
  if (waiting.state !== 'pending-acceptance') return;
  const { endpoint, patience } = context;
  const client = await endpoint(ends.to.region);
  // Another region, another account: it takes AWS a while to show it there.
  await until(patience, `the peering ${waiting.id} to be seen in ${ends.to.region}`, async () => {
    const seen = await lookForPeerings(client, ends.from.id, ends.to.id, patience);
    return seen.find(({ id }) => id === waiting.id);
  });
  await patiently((signal) => client.acceptPeering({ VpcPeeringConnectionId: waiting.id }, signal), patience, [
    'InvalidStateTransition',
  ]);
}

async function awaitPeering(ends: Ends, context: ActContext, states: readonly string[]): Promise<PeeringView> {
  return until(context.patience, `the peering between ${ends.from.id} and ${ends.to.id}`, async () => {
    const all = await between(ends, context);
    const open = openPeering(all);
    if (open === undefined && all.some(({ state }) => state === 'failed'))
      throw new PosternError('PEERING_FAILED', `AWS failed the peering between ${ends.from.id} and ${ends.to.id}`, {
        hint: 'do the two networks overlap? are account and region right?',
      });
    return open !== undefined && states.includes(open.state) ? open : undefined;
  });
}

async function deletePeering(ends: Ends, context: ActContext): Promise<void> {
  const open = openPeering(await between(ends, context));
  if (open === undefined) return;
  const client = await context.associated(ends.from);
  await patiently((signal) => client.deletePeering({ VpcPeeringConnectionId: open.id }, signal), context.patience, [
    'InvalidVpcPeeringConnectionID.NotFound',
    'InvalidStateTransition',
  ]);
}

async function awaitPeeringGone(ends: Ends, context: ActContext): Promise<void> {
  await until(context.patience, `the peering between ${ends.from.id} and ${ends.to.id} to be gone`, async () => {
    const left = (await between(ends, context)).filter(
      ({ state }) => openPeering([{ state } as PeeringView]) !== undefined || state === 'deleting',
    );
    return left.length === 0 ? true : undefined;
  });
}

/** Looks until there is something, for as long as hiveutil does. */
async function until<T>({ clock, signal }: Patience, what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = clock.monotonic() + peeringWaitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (clock.monotonic() >= deadlineMs)
      throw new PosternError('PEERING_TIMEOUT', `waited ${peeringWaitMs / 60_000} minutes for ${what}`, {
        hint: 'look at it in the AWS console, then run the command again: it goes on from where it is',
      });
    await clock.sleep(peeringLookMs, signal);
  }
}

type Routing = Pick<
  EndpointPlumber & AssociatedPlumber,
  'createRoute' | 'deleteRoute' | 'allowIngress' | 'forbidIngress'
>;

function clientAt(at: VpcRef, { endpoint, associated }: ActContext): Promise<Routing> {
  return at.side === 'endpoint' ? endpoint(at.region) : associated(at);
}

async function addRoute({ at, table, destination, from, to }: RouteStep<'add-route'>, context: ActContext) {
  const peering = openPeering(await between({ from, to }, context));
  if (peering === undefined)
    throw new PosternError('PEERING_GONE', `there is no peering between ${from.id} and ${to.id} for the route`, {
      hint: 'run the command again',
    });
  const client = await clientAt(at, context);
  await patiently(
    (signal) =>
      client.createRoute(
        { RouteTableId: table, DestinationCidrBlock: destination, VpcPeeringConnectionId: peering.id },
        signal,
      ),
    context.patience,
    ['RouteAlreadyExists'],
  );
}

async function removeRoute(
  { at, table, destination }: { readonly at: VpcRef; readonly table: string; readonly destination: string },
  context: ActContext,
): Promise<void> {
  const client = await clientAt(at, context);
  await tolerant('InvalidRoute.NotFound', () =>
    patiently(
      (signal) => client.deleteRoute({ RouteTableId: table, DestinationCidrBlock: destination }, signal),
      context.patience,
    ),
  );
}

async function changeRules(step: RuleStep<'allow'> | RuleStep<'forbid'>, context: ActContext): Promise<void> {
  const client = await clientAt(step.at, context);
  const change = (rules: readonly RuleView[]) => {
    const input = { GroupId: step.group, IpPermissions: permissions(rules) };
    const call = step.kind === 'allow' ? client.allowIngress : client.forbidIngress;
    return patiently<unknown>((signal) => call(input, signal), context.patience);
  };
  const already = step.kind === 'allow' ? 'InvalidPermission.Duplicate' : 'InvalidPermission.NotFound';
  try {
    await change(step.rules);
  } catch (error) {
    if (!(error instanceof AwsError) || error.awsCode !== already) throw error;
    // Some are so already, and AWS then does none: each by itself.
    for (const rule of step.rules) await tolerant(already, () => change([rule]));
  }
}

async function tolerant(code: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof AwsError) || error.awsCode !== code) throw error;
  }
}

function permissions(rules: readonly RuleView[]): ec2.IpPermission[] {
  return rules.map(({ protocol, from, to, peer, description }) => ({
    IpProtocol: protocol,
    ...(from === undefined ? {} : { FromPort: from, ToPort: to }),
    ...(peer.kind === 'cidr'
      ? { IpRanges: [{ CidrIp: peer.cidr, Description: description }] }
      : { UserIdGroupPairs: [{ GroupId: peer.groupId, UserId: peer.account, Description: description }] }),
  }));
}

async function putSecret(secret: SecretCopy, { home, secretToCopy }: ActContext): Promise<void> {
  if (secretToCopy === undefined) throw new PosternError('DEFECT', 'there are no credentials to copy');
  await home.putSecret(secret, secretToCopy);
}
