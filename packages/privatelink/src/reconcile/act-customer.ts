import type { Observed, ServiceView } from '../plan/observed.ts';
import type { Step } from '../plan/steps.ts';
import { expect } from '../plan/expect.ts';
import { iamAction, customerCalls } from '../providers/aws/calls.ts';
import { isAwsError } from '../providers/aws/errors.ts';
import { forget, type LinkContext, type Update, withMissing } from './context.ts';
import { clientToken } from './token.ts';
import { deleting, readUnsuccessful } from './unsuccessful.ts';
import { serviceView, tagList } from './views.ts';

/** Acts in the customer's account. */

type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

export async function createService(context: LinkContext, step: Of<'create-service'>): Promise<Update> {
  const customer = await context.customer();
  const { ServiceConfiguration } = await customer.createService(
    {
      AcceptanceRequired: false,
      NetworkLoadBalancerArns: [step.loadBalancerArn],
      ClientToken: clientToken(context.tokenSeed, step.kind, step.after, step.loadBalancerArn),
      TagSpecifications: [{ ResourceType: 'vpc-endpoint-service', Tags: tagList(step.tags) }],
    },
    context.signal,
  );
  const service: ServiceView = { ...serviceView(ServiceConfiguration ?? {}), tags: step.tags };
  return (observed) => ({
    ...forget(observed, 'principals', 'serviceZones', 'connections'),
    services: [...(observed.services ?? []).filter(({ id }) => id !== service.id), service],
  });
}

export async function modifyService(context: LinkContext, step: Of<'modify-service'>): Promise<Update> {
  const customer = await context.customer();
  await customer.modifyService(
    {
      ServiceId: step.id,
      ...(step.acceptanceOff ? { AcceptanceRequired: false } : {}),
      ...(step.addLoadBalancerArns.length > 0 ? { AddNetworkLoadBalancerArns: [...step.addLoadBalancerArns] } : {}),
      ...(step.removeLoadBalancerArns.length > 0
        ? { RemoveNetworkLoadBalancerArns: [...step.removeLoadBalancerArns] }
        : {}),
    },
    context.signal,
  );
  return (observed) => expect(observed, step);
}

export async function tagService(context: LinkContext, step: Of<'tag-service'>): Promise<Update> {
  const customer = await context.customer();
  return optionally(step, () =>
    customer.createTags({ Resources: [step.id], Tags: tagList(step.tags) }, context.signal),
  );
}

export async function modifyPrincipals(context: LinkContext, step: Of<'modify-principals'>): Promise<Update> {
  const customer = await context.customer();
  await customer.modifyServicePermissions(
    {
      ServiceId: step.id,
      ...(step.add.length > 0 ? { AddAllowedPrincipals: [...step.add] } : {}),
      ...(step.remove.length > 0 ? { RemoveAllowedPrincipals: [...step.remove] } : {}),
    },
    context.signal,
  );
  return (observed) => expect(observed, step);
}

/** What cannot go yet counts as on its way: the planner waits, and looks again. */
export async function deleteServices(context: LinkContext, step: Of<'delete-services'>): Promise<Update> {
  const customer = await context.customer();
  const answer = await deleting(() => customer.deleteServices({ ServiceIds: [...step.ids] }, context.signal));
  const busy = readUnsuccessful(iamAction(customerCalls.deleteServices), answer?.Unsuccessful);
  for (const id of step.ids) if (!busy.includes(id)) context.memory.note(`deleted ${id}`);
  return (observed) => ({
    ...forget(observed, 'connections'),
    services: (observed.services ?? []).map((service) =>
      step.ids.includes(service.id) ? { ...service, state: 'Deleting' } : service,
    ),
  });
}

export async function rejectConnections(context: LinkContext, step: Of<'reject-connections'>): Promise<Update> {
  const customer = await context.customer();
  return optionally(step, async () => {
    const { Unsuccessful } = await customer.rejectConnections(
      { ServiceId: step.serviceId, VpcEndpointIds: [...step.endpointIds] },
      context.signal,
    );
    readUnsuccessful(iamAction(customerCalls.rejectConnections), Unsuccessful);
  });
}

export async function acceptConnection(context: LinkContext, step: Of<'accept-connection'>): Promise<Update> {
  const customer = await context.customer();
  const accepted: Update = (observed) => ({
    ...observed,
    accepted: [...(observed.accepted ?? []), step.endpointId],
  });
  try {
    const { Unsuccessful } = await customer.acceptConnections(
      { ServiceId: step.serviceId, VpcEndpointIds: [step.endpointId] },
      context.signal,
    );
    readUnsuccessful(iamAction(customerCalls.acceptConnections), Unsuccessful);
    return accepted;
  } catch (error) {
    if (!isAwsError(error, 'denied')) throw error;
    return (observed) => withMissing(accepted(observed), error.action);
  }
}

/** A step that Hive never took: without the permission it is left out, as Hive did, and named. */
export async function optionally(step: Step, work: () => Promise<unknown>): Promise<Update> {
  const done: Update = (observed: Observed) => expect(observed, step);
  try {
    await work();
    return done;
  } catch (error) {
    if (!isAwsError(error, 'denied')) throw error;
    return (observed) => withMissing(done(observed), error.action);
  }
}
