import { ownedBy } from '../plan/next-endpoint.ts';
import { chosenService } from '../plan/next-service.ts';
import { ownerTag } from '../plan/names.ts';
import { type ConnectionView, type LoadBalancerView, type ServiceView, unseenState } from '../plan/observed.ts';
import { serviceBeingRemoved } from '../plan/teardown.ts';
import type { Observed } from '../plan/observed.ts';
import type { CustomerClient } from '../providers/aws/calls.ts';
import { isAwsError } from '../providers/aws/errors.ts';
import { allPages } from '../providers/aws/pages.ts';
import { type LinkContext, type Update, withMissing } from './context.ts';
import { unseenGraceMs } from './hub-memory.ts';
import { connectionView, loadBalancerView, serviceView, tagsOf } from './views.ts';

/** Looks at the customer's account. */

/** DescribeTags takes at most 20 load balancers. */
const tagsPerCall = 20;

export async function lookAtLoadBalancer(context: LinkContext): Promise<Update> {
  const customer = await context.customer();
  const loadBalancer = (await findLoadBalancer(context, customer)) ?? null;
  return (observed) => ({ ...observed, loadBalancer });
}

async function findLoadBalancer(
  { desired: { loadBalancer: ref }, shared, signal }: LinkContext,
  customer: CustomerClient,
): Promise<LoadBalancerView | undefined> {
  if (ref.kind === 'tag') return findByTag(customer, ref, signal);
  if (shared !== undefined) {
    const all = await shared.loadBalancers(customer, signal);
    return all.find(({ name, arn }) => (ref.kind === 'name' ? name === ref.name : arn === ref.arn));
  }
  try {
    const which = ref.kind === 'name' ? { Names: [ref.name] } : { LoadBalancerArns: [ref.arn] };
    const [found] = await describeLoadBalancers(customer, which, signal);
    return found;
  } catch (error) {
    if (isAwsError(error, 'not-found')) return undefined;
    throw error;
  }
}

async function describeLoadBalancers(
  customer: CustomerClient,
  which: { Names?: string[]; LoadBalancerArns?: string[] },
  signal: AbortSignal,
): Promise<LoadBalancerView[]> {
  const all = await allPages(
    (Marker) => customer.describeLoadBalancers({ ...which, ...(Marker === undefined ? {} : { Marker }) }, signal),
    (page) => page.LoadBalancers,
    (page) => page.NextMarker,
  );
  return all.map((lb) => loadBalancerView(lb));
}

async function findByTag(
  customer: CustomerClient,
  { key, value }: { readonly key: string; readonly value: string },
  signal: AbortSignal,
): Promise<LoadBalancerView | undefined> {
  const all = await describeLoadBalancers(customer, {}, signal);
  const network = all.toSorted((a, b) => (a.arn < b.arn ? -1 : 1));
  for (let i = 0; i < network.length; i += tagsPerCall) {
    const batch = network.slice(i, i + tagsPerCall);
    const { TagDescriptions = [] } = await customer.describeLoadBalancerTags(
      { ResourceArns: batch.map(({ arn }) => arn) },
      signal,
    );
    const match = TagDescriptions.find(({ Tags }) => tagsOf(Tags)[key] === value);
    if (match !== undefined) return batch.find(({ arn }) => arn === match.ResourceArn);
  }
  return undefined;
}

export async function lookAtServices(context: LinkContext): Promise<Update> {
  const customer = await context.customer();
  const { owner } = context.desired;
  if (context.shared !== undefined) {
    const services = (await context.shared.services(customer, context.signal)).get(owner) ?? [];
    return (observed) => ({ ...observed, services });
  }
  const byTag =
    owner === ''
      ? []
      : (
          await describeServices(customer, { Filters: [{ Name: `tag:${ownerTag}`, Values: [owner] }] }, context.signal)
        ).map((s) => serviceView(s));
  const known = context.known.serviceId;
  const services = [...byTag];
  // The status may name one whose tag somebody took away.
  if (known !== undefined && !byTag.some(({ id }) => id === known)) {
    const named = await serviceById(customer, known, context.signal);
    if (named === undefined) services.push(...unseen(context, known));
    else if (owner === '' || named.tags[ownerTag] === undefined || ownedBy(owner, named.tags)) services.push(named);
  }
  if (known !== undefined && services.some(({ id, state }) => id === known && state !== unseenState))
    context.memory.forget(`unseen ${known}`);
  return (observed) => ({ ...observed, services });
}

/** A stand-in for what is named and not listed, until its absence has lasted. */
function unseen({ memory }: LinkContext, id: string): ServiceView[] {
  if (memory.has(`deleted ${id}`)) return [];
  memory.note(`unseen ${id}`);
  if (memory.ageMs(`unseen ${id}`) > unseenGraceMs) return [];
  return [{ id, state: unseenState, name: '', acceptanceRequired: false, loadBalancerArns: [], tags: {} }];
}

function describeServices(
  customer: CustomerClient,
  which: { ServiceIds?: string[]; Filters?: Array<{ Name: string; Values: string[] }> },
  signal: AbortSignal,
) {
  return allPages(
    (NextToken) => customer.describeServices({ ...which, ...(NextToken === undefined ? {} : { NextToken }) }, signal),
    (page) => page.ServiceConfigurations,
    (page) => page.NextToken,
  );
}

async function serviceById(
  customer: CustomerClient,
  id: string,
  signal: AbortSignal,
): Promise<ServiceView | undefined> {
  try {
    const [service] = await describeServices(customer, { ServiceIds: [id] }, signal);
    return service === undefined ? undefined : serviceView(service);
  } catch (error) {
    if (isAwsError(error, 'not-found')) return undefined;
    throw error;
  }
}

export async function lookAtPrincipals(context: LinkContext, observed: Observed): Promise<Update> {
  const customer = await context.customer();
  const id = chosenService(observed.services ?? [], context.known.serviceId)!.id;
  const allowed = await allPages(
    (NextToken) =>
      customer.describeServicePermissions(
        { ServiceId: id, ...(NextToken === undefined ? {} : { NextToken }) },
        context.signal,
      ),
    (page) => page.AllowedPrincipals,
    (page) => page.NextToken,
  );
  const principals = allowed.flatMap(({ Principal }) => (Principal === undefined ? [] : [Principal]));
  return (before) => ({ ...before, principals });
}

export async function lookAtConnections(context: LinkContext, observed: Observed): Promise<Update> {
  const customer = await context.customer();
  const id = serviceBeingRemoved(observed);
  if (id === undefined) return (before) => ({ ...before, connections: [] });
  try {
    const all = await allPages(
      (NextToken) =>
        customer.describeConnections(
          {
            Filters: [{ Name: 'service-id', Values: [id] }],
            ...(NextToken === undefined ? {} : { NextToken }),
          },
          context.signal,
        ),
      (page) => page.VpcEndpointConnections,
      (page) => page.NextToken,
    );
    const connections: ConnectionView[] = all.map((connection) => connectionView(connection));
    return (before) => ({ ...before, connections });
  } catch (error) {
    // Hive never looked; without the permission AWS itself refuses the deletion while there are connections.
    if (isAwsError(error, 'denied')) return (before) => withMissing({ ...before, connections: [] }, error.action);
    throw error;
  }
}
