import { tagsFor } from './names.ts';
import type { DesiredLink } from './desired.ts';
import { type LoadBalancerView, type Observed, type ServiceView, stateIs, unseenState } from './observed.ts';
import type { Next } from './steps.ts';

/** The customer's half: the load balancer, the endpoint service before it, and whom that lets in. */

export interface KnownIds {
  readonly serviceId: string | undefined;
  readonly endpointId: string | undefined;
  readonly zoneId: string | undefined;
}

/** The next move for the customer's half; undefined when it is as it should be. */
export function nextForService(desired: DesiredLink, observed: Observed, known: KnownIds): Next | undefined {
  const { loadBalancer, services } = observed;
  if (loadBalancer === undefined) return { kind: 'look', at: 'load-balancer' };
  if (loadBalancer === null)
    return {
      kind: 'wait',
      for: 'load-balancer-to-exist',
      reason: 'DiscoveringNLBNotYetFound',
      message: `the network load balancer ${refText(desired)} does not exist yet in ${desired.region}`,
    };
  const unusable = unusableLoadBalancer(loadBalancer);
  if (unusable !== undefined) return unusable;
  if (services === undefined) return { kind: 'look', at: 'services' };
  const service = chosenService(services, known.serviceId);
  if (service === undefined) return withoutService(desired, loadBalancer, services, known);
  if (!stateIs(service.state, 'available'))
    return {
      kind: 'wait',
      for: 'service-to-be-available',
      reason: 'ReconciledVPCEndpointService',
      message: `waiting for the VPC endpoint service ${service.id} to ${stateIs(service.state, unseenState) ? 'be listed' : 'become available'}`,
    };
  return driftOfService(desired, loadBalancer, service) ?? nextForPrincipals(desired, observed, service);
}

function unusableLoadBalancer(loadBalancer: LoadBalancerView): Next | undefined {
  const { name, type, state } = loadBalancer;
  if (!stateIs(type, 'network', 'gateway'))
    return {
      kind: 'fail',
      reason: 'DiscoveringNLBFailed',
      message: `the load balancer ${name} is of type ${type}; an endpoint service needs a network load balancer`,
    };
  if (stateIs(state, 'failed'))
    return {
      kind: 'fail',
      reason: 'DiscoveringNLBFailed',
      message: `the load balancer ${name} is in state failed; make it anew`,
    };
  if (!stateIs(state, 'active', 'active_impaired'))
    return {
      kind: 'wait',
      for: 'load-balancer-to-be-active',
      reason: 'DiscoveringNLBNotYetFound',
      message: `waiting for the network load balancer ${name} to become active`,
    };
  return undefined;
}

/** The one to work with: the one in the status while it is good, else an available one, else one on its way. */
export function chosenService(services: readonly ServiceView[], statusId: string | undefined): ServiceView | undefined {
  const usable = services.filter(({ state }) => stateIs(state, 'available', 'pending', unseenState));
  const rank = ({ id, state }: ServiceView): number => (id === statusId ? 0 : stateIs(state, 'available') ? 1 : 2);
  return usable.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))[0];
}

function withoutService(
  desired: DesiredLink,
  loadBalancer: LoadBalancerView,
  services: readonly ServiceView[],
  known: KnownIds,
): Next {
  const failedIds = services.filter(({ state }) => stateIs(state, 'failed')).map(({ id }) => id);
  if (failedIds.length > 0)
    return {
      kind: 'act',
      step: { kind: 'delete-services', ids: failedIds },
      why: 'a failed endpoint service does not recover',
    };
  return {
    kind: 'act',
    step: {
      kind: 'create-service',
      loadBalancerArn: loadBalancer.arn,
      tags: tagsFor(desired.owner, 'vpc-endpoint-service', desired.userTags),
      after: known.serviceId ?? '',
    },
    why: `no endpoint service for ${desired.owner} exists`,
  };
}

function driftOfService(desired: DesiredLink, loadBalancer: LoadBalancerView, service: ServiceView): Next | undefined {
  const add = service.loadBalancerArns.includes(loadBalancer.arn) ? [] : [loadBalancer.arn];
  const remove = service.loadBalancerArns.filter((arn) => arn !== loadBalancer.arn).toSorted();
  if (service.acceptanceRequired || add.length > 0 || remove.length > 0)
    return {
      kind: 'act',
      step: {
        kind: 'modify-service',
        id: service.id,
        acceptanceOff: service.acceptanceRequired,
        addLoadBalancerArns: add,
        removeLoadBalancerArns: remove,
      },
      why: service.acceptanceRequired
        ? 'connections must need no acceptance'
        : 'its load balancers are not exactly ours',
    };
  const tags = missingTags(tagsFor(desired.owner, 'vpc-endpoint-service', desired.userTags), service.tags);
  if (tags === undefined) return undefined;
  return { kind: 'act', step: { kind: 'tag-service', id: service.id, tags }, why: 'its tags differ' };
}

function nextForPrincipals(desired: DesiredLink, observed: Observed, service: ServiceView): Next | undefined {
  const { hubPrincipal, principals } = observed;
  if (hubPrincipal === undefined) return { kind: 'look', at: 'hub-principal' };
  if (principals === undefined) return { kind: 'look', at: 'principals' };
  const wanted = new Set([hubPrincipal, ...desired.additionalPrincipals]);
  const add = [...wanted].filter((arn) => !principals.includes(arn)).toSorted();
  const remove = principals.filter((arn) => !wanted.has(arn)).toSorted();
  if (add.length === 0 && remove.length === 0) return undefined;
  return {
    kind: 'act',
    step: { kind: 'modify-principals', id: service.id, add, remove },
    why: 'the allowed principals differ',
  };
}

/** What of the wanted tags is missing or different; undefined when nothing is. */
export function missingTags(
  wanted: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const missing = Object.entries(wanted).filter(([key, value]) => actual[key] !== value);
  return missing.length === 0 ? undefined : Object.fromEntries(missing);
}

function refText({ loadBalancer: ref }: DesiredLink): string {
  if (ref.kind === 'name') return ref.name;
  return ref.kind === 'arn' ? ref.arn : `tagged ${ref.key}=${ref.value}`;
}
