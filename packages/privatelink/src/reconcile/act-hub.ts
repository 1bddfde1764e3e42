import type { EndpointView } from '../plan/observed.ts';
import type { Step } from '../plan/steps.ts';
import { hubCalls, iamAction } from '../providers/aws/calls.ts';
import { AwsError } from '../providers/aws/errors.ts';
import { optionally } from './act-customer.ts';
import { forget, type LinkContext, type Update } from './context.ts';
import { clientToken } from './token.ts';
import { deleting, readUnsuccessful } from './unsuccessful.ts';
import { endpointView, tagList } from './views.ts';

/** Acts on our endpoints. */

type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

/** Codes by which AWS says that a VPC, or one of its subnets, holds no more. */
const vpcFullCodes = new Set(['VpcEndpointLimitExceeded', 'InsufficientFreeAddressesInSubnet']);

export async function createEndpoint(context: LinkContext, step: Of<'create-endpoint'>): Promise<Update> {
  const hub = await context.hub();
  const { ledger } = context;
  const { owner } = context.desired;
  if (!ledger.promise(step.vpcId, owner, step.planned)) return (observed) => forget(observed, 'usage');
  try {
    const { VpcEndpoint } = await hub.createEndpoint(
      {
        VpcEndpointType: 'Interface',
        VpcId: step.vpcId,
        ServiceName: step.serviceName,
        SubnetIds: [...step.subnetIds],
        PrivateDnsEnabled: false,
        ...(step.groupIds === undefined ? {} : { SecurityGroupIds: [...step.groupIds] }),
        ClientToken: clientToken(
          context.tokenSeed,
          step.kind,
          step.after,
          step.vpcId,
          step.serviceName,
          step.subnetIds,
          step.groupIds ?? [],
        ),
        TagSpecifications: [{ ResourceType: 'vpc-endpoint', Tags: tagList(step.tags) }],
      },
      context.signal,
    );
    const endpoint: EndpointView = { ...endpointView(VpcEndpoint ?? {}), tags: step.tags };
    return (observed) => ({
      ...forget(observed, 'addresses', 'record'),
      endpoints: [...(observed.endpoints ?? []).filter(({ id }) => id !== endpoint.id), endpoint],
    });
  } catch (error) {
    ledger.withdraw(step.vpcId, owner);
    if (!(error instanceof AwsError) || !vpcFullCodes.has(error.awsCode)) throw error;
    // Full after all: the next choice passes it over.
    ledger.refused(step.vpcId);
    return (observed) => forget(observed, 'usage');
  }
}

export async function modifyEndpoint(context: LinkContext, step: Of<'modify-endpoint'>): Promise<Update> {
  const hub = await context.hub();
  const some = (ids: readonly string[]): string[] | undefined => (ids.length === 0 ? undefined : [...ids]);
  const change = Object.entries({
    AddSubnetIds: some(step.addSubnetIds),
    RemoveSubnetIds: some(step.removeSubnetIds),
    AddSecurityGroupIds: some(step.addGroupIds),
    RemoveSecurityGroupIds: some(step.removeGroupIds),
  }).filter(([, ids]) => ids !== undefined);
  const update = await optionally(step, () =>
    hub.modifyEndpoint({ VpcEndpointId: step.id, ...Object.fromEntries(change) }, context.signal),
  );
  // Subnets bring and take interfaces and their addresses, and the endpoint is busy for a while.
  const subnetsChanged = step.addSubnetIds.length + step.removeSubnetIds.length > 0;
  return (observed) => {
    const after = update(observed);
    const wasPermitted = after.missingPermissions?.length === observed.missingPermissions?.length;
    return subnetsChanged && wasPermitted ? forget(after, 'endpoints', 'addresses', 'record') : after;
  };
}

export async function tagEndpoint(context: LinkContext, step: Of<'tag-endpoint'>): Promise<Update> {
  const hub = await context.hub();
  return optionally(step, () => hub.createTags({ Resources: [step.id], Tags: tagList(step.tags) }, context.signal));
}

export async function deleteEndpoints(context: LinkContext, step: Of<'delete-endpoints'>): Promise<Update> {
  const hub = await context.hub();
  const answer = await deleting(() => hub.deleteEndpoints({ VpcEndpointIds: [...step.ids] }, context.signal));
  readUnsuccessful(iamAction(hubCalls.deleteEndpoints), answer?.Unsuccessful);
  for (const id of step.ids) context.memory.note(`deleted ${id}`);
  return (observed) => ({
    ...forget(observed, 'usage'),
    endpoints: (observed.endpoints ?? []).map((endpoint) =>
      step.ids.includes(endpoint.id) ? { ...endpoint, state: 'deleting' } : endpoint,
    ),
  });
}
