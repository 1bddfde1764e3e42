import { principalOfCaller } from '../plan/arn.ts';
import { ownerTag } from '../plan/names.ts';
import { chosenEndpoint, ownedBy } from '../plan/next-endpoint.ts';
import { chosenService } from '../plan/next-service.ts';
import { type EndpointView, type Observed, stateIs, unseenState } from '../plan/observed.ts';
import type { HubClient } from '../providers/aws/calls.ts';
import { isAwsError } from '../providers/aws/errors.ts';
import { allPages } from '../providers/aws/pages.ts';
import { type LinkContext, type Update, withMissing } from './context.ts';
import { unseenGraceMs } from './hub-memory.ts';
import { endpointView } from './views.ts';

/** Looks at our own account: who we are, the endpoints, the VPCs they are in. */

export async function lookAtHubPrincipal(context: LinkContext): Promise<Update> {
  const hub = await context.hub();
  const hubPrincipal = await context.memory.remember(`principal ${await context.hubName()}`, async () => {
    const { Arn = '' } = await hub.getCallerIdentity({}, context.signal);
    return principalOfCaller(Arn);
  });
  return (observed) => ({ ...observed, hubPrincipal });
}

export async function lookAtEndpoints(context: LinkContext): Promise<Update> {
  const hub = await context.hub();
  const { owner } = context.desired;
  if (context.shared !== undefined) {
    const listed = (await context.shared.endpoints(hub, context.signal)).get(owner) ?? [];
    return (observed) => ({ ...observed, endpoints: listed.filter(({ state }) => !stateIs(state, 'deleted')) });
  }
  const endpoints =
    owner === ''
      ? []
      : await describeEndpoints(hub, { Filters: [{ Name: `tag:${ownerTag}`, Values: [owner] }] }, context.signal);
  const known = context.known.endpointId;
  if (known !== undefined && !endpoints.some(({ id }) => id === known)) {
    // The status may name one whose tag somebody took away.
    const named = await endpointById(hub, known, context.signal);
    if (named === undefined) endpoints.push(...unseen(context, known));
    else if (owner === '' || named.tags[ownerTag] === undefined || ownedBy(owner, named.tags)) endpoints.push(named);
  }
  if (known !== undefined && endpoints.some(({ id, state }) => id === known && state !== unseenState))
    context.memory.forget(`unseen ${known}`);
  return (observed) => ({ ...observed, endpoints: endpoints.filter(({ state }) => !stateIs(state, 'deleted')) });
}

/** A stand-in for what is named and not listed, until its absence has lasted. */
function unseen({ memory }: LinkContext, id: string): EndpointView[] {
  if (memory.has(`deleted ${id}`)) return [];
  memory.note(`unseen ${id}`);
  if (memory.ageMs(`unseen ${id}`) > unseenGraceMs) return [];
  const nothing = { vpcId: '', serviceName: '', subnetIds: [], groupIds: [], networkInterfaceIds: [], dnsEntries: [] };
  return [{ id, state: unseenState, ...nothing, tags: {} }];
}

async function describeEndpoints(
  hub: HubClient,
  which: { VpcEndpointIds?: string[]; Filters?: Array<{ Name: string; Values: string[] }> },
  signal: AbortSignal,
): Promise<EndpointView[]> {
  const all = await allPages(
    (NextToken) => hub.describeEndpoints({ ...which, ...(NextToken === undefined ? {} : { NextToken }) }, signal),
    (page) => page.VpcEndpoints,
    (page) => page.NextToken,
  );
  return all.map((endpoint) => endpointView(endpoint));
}

async function endpointById(hub: HubClient, id: string, signal: AbortSignal): Promise<EndpointView | undefined> {
  try {
    const [endpoint] = await describeEndpoints(hub, { VpcEndpointIds: [id] }, signal);
    return endpoint;
  } catch (error) {
    if (isAwsError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Zone names differ from account to account: only the hub's own view fits its subnets. */
export async function lookAtServiceZones(context: LinkContext, observed: Observed): Promise<Update> {
  const hub = await context.hub();
  const { name } = chosenService(observed.services ?? [], context.known.serviceId)!;
  try {
    const details = await allPages(
      (NextToken) =>
        hub.describeVisibleServices(
          { ServiceNames: [name], ...(NextToken === undefined ? {} : { NextToken }) },
          context.signal,
        ),
      (page) => page.ServiceDetails,
      (page) => page.NextToken,
    );
    const zones = details.find(({ ServiceName }) => ServiceName === name)?.AvailabilityZones;
    return (before) => ({ ...before, serviceZones: zones === undefined || zones.length === 0 ? null : zones });
  } catch (error) {
    // The permission was granted a moment ago and has not spread yet.
    if (isAwsError(error, 'not-found')) return (before) => ({ ...before, serviceZones: null });
    throw error;
  }
}

export async function lookAtUsage(context: LinkContext): Promise<Update> {
  const hub = await context.hub();
  const vpcIds = context.desired.inventory.map(({ vpcId }) => vpcId);
  const usage = await context.ledger.usage(hub, vpcIds, context.desired.owner, context.signal);
  return (observed) => ({ ...observed, usage });
}

export async function lookAtDefaultGroup(context: LinkContext, observed: Observed): Promise<Update> {
  const hub = await context.hub();
  const service = chosenService(observed.services ?? [], context.known.serviceId)!;
  const { vpcId } = chosenEndpoint(observed.endpoints ?? [], service, context.known.endpointId)!;
  try {
    const group = await context.memory.remember(`default-group ${vpcId} ${await context.hubName()}`, async () => {
      const Filters = [
        { Name: 'vpc-id', Values: [vpcId] },
        { Name: 'group-name', Values: ['default'] },
      ];
      const groups = await allPages(
        (NextToken) =>
          hub.describeSecurityGroups({ Filters, ...(NextToken === undefined ? {} : { NextToken }) }, context.signal),
        (page) => page.SecurityGroups,
        (page) => page.NextToken,
      );
      return groups[0]?.GroupId ?? null;
    });
    return (before) => ({ ...before, defaultGroups: { ...before.defaultGroups, [vpcId]: group } });
  } catch (error) {
    if (!isAwsError(error, 'denied')) throw error;
    return (before) =>
      withMissing({ ...before, defaultGroups: { ...before.defaultGroups, [vpcId]: null } }, error.action);
  }
}

export async function lookAtAddresses(context: LinkContext, observed: Observed): Promise<Update> {
  const hub = await context.hub();
  const service = chosenService(observed.services ?? [], context.known.serviceId)!;
  const endpoint = chosenEndpoint(observed.endpoints ?? [], service, context.known.endpointId)!;
  const interfaces = await allPages(
    (NextToken) =>
      hub.describeNetworkInterfaces(
        NextToken === undefined
          ? { NetworkInterfaceIds: [...endpoint.networkInterfaceIds] }
          : { NetworkInterfaceIds: [...endpoint.networkInterfaceIds], NextToken },
        context.signal,
      ),
    (page) => page.NetworkInterfaces,
    (page) => page.NextToken,
  );
  const addresses = interfaces.flatMap(({ PrivateIpAddress }) =>
    PrivateIpAddress === undefined ? [] : [PrivateIpAddress],
  );
  return (before) => ({ ...before, addresses: addresses.toSorted() });
}
