import { type EndpointView, type Observed, type ServiceView, stateIs, unseenState, type ZoneView } from './observed.ts';
import type { Step } from './steps.ts';

/**
 * What will be seen after a step, as far as it can be known: for `plan`, which changes nothing, and for the tests of the
 * planner. What AWS alone decides gets a name in parentheses.
 */
export function expect(observed: Observed, step: Step): Observed {
  switch (step.kind) {
    case 'create-service':
      return {
        ...observed,
        services: [...(observed.services ?? []), newService(step)],
        principals: [],
        serviceZones: observed.loadBalancer?.zones ?? [],
      };
    case 'modify-service':
      return mapServices(observed, step.id, (service) => ({
        ...service,
        acceptanceRequired: service.acceptanceRequired && !step.acceptanceOff,
        loadBalancerArns: changed(service.loadBalancerArns, step.addLoadBalancerArns, step.removeLoadBalancerArns),
      }));
    case 'tag-service':
      return mapServices(observed, step.id, (service) => ({ ...service, tags: { ...service.tags, ...step.tags } }));
    case 'modify-principals':
      return { ...observed, principals: changed(observed.principals ?? [], step.add, step.remove) };
    case 'delete-services':
      return { ...observed, services: observed.services?.filter(({ id }) => !step.ids.includes(id)) ?? [] };
    case 'create-endpoint':
      return {
        ...observed,
        endpoints: [...(observed.endpoints ?? []), newEndpoint(step)],
        addresses: ['(addresses of the endpoint)'],
        // AWS gives it the default group: that is no difference to plan for.
        ...(step.groupIds === undefined ? { defaultGroups: { ...observed.defaultGroups, [step.vpcId]: null } } : {}),
      };
    case 'modify-endpoint':
      return mapEndpoints(observed, step.id, (endpoint) => ({
        ...endpoint,
        subnetIds: changed(endpoint.subnetIds, step.addSubnetIds, step.removeSubnetIds),
        groupIds: changed(endpoint.groupIds, step.addGroupIds, step.removeGroupIds),
      }));
    case 'tag-endpoint':
      return mapEndpoints(observed, step.id, (endpoint) => ({ ...endpoint, tags: { ...endpoint.tags, ...step.tags } }));
    case 'accept-connection':
      return mapEndpoints(observed, step.endpointId, (endpoint) => ({ ...endpoint, state: 'available' }));
    case 'delete-endpoints':
      return { ...observed, endpoints: observed.endpoints?.filter(({ id }) => !step.ids.includes(id)) ?? [] };
    case 'create-zone':
      return { ...observed, zone: newZone(step), record: null, authorisations: [] };
    case 'tag-zone':
      return mapZone(observed, (zone) => ({ ...zone, tags: { ...zone.tags, ...step.tags } }));
    case 'put-record':
      return { ...observed, record: step.record };
    case 'associate':
      return mapZone(observed, (zone) => ({ ...zone, vpcs: [...zone.vpcs, step.vpc] }));
    case 'disassociate':
      return mapZone(observed, (zone) => ({
        ...zone,
        vpcs: zone.vpcs.filter(({ vpcId }) => vpcId !== step.vpc.vpcId),
      }));
    case 'withdraw-authorisation':
      return {
        ...observed,
        authorisations: (observed.authorisations ?? []).filter(({ vpcId }) => vpcId !== step.vpc.vpcId),
      };
    case 'delete-records':
      return { ...observed, record: null };
    case 'delete-zone':
      return { ...observed, zone: null };
    case 'reject-connections':
      return {
        ...observed,
        connections: (observed.connections ?? []).map((connection) =>
          step.endpointIds.includes(connection.endpointId) ? { ...connection, state: 'rejected' } : connection,
        ),
      };
  }
}

function changed(list: readonly string[], add: readonly string[], remove: readonly string[]): string[] {
  return [...new Set([...list.filter((item) => !remove.includes(item)), ...add])];
}

function newService(step: Extract<Step, { kind: 'create-service' }>): ServiceView {
  return {
    id: '(new service)',
    name: '(name of the new service)',
    state: 'Available',
    acceptanceRequired: false,
    loadBalancerArns: [step.loadBalancerArn],
    tags: step.tags,
  };
}

function newEndpoint(step: Extract<Step, { kind: 'create-endpoint' }>): EndpointView {
  return {
    id: '(new endpoint)',
    state: 'available',
    vpcId: step.vpcId,
    serviceName: step.serviceName,
    subnetIds: step.subnetIds,
    groupIds: step.groupIds ?? [],
    networkInterfaceIds: step.subnetIds.map((subnetId) => `(interface in ${subnetId})`),
    dnsEntries: [{ name: '(regional name of the new endpoint)', hostedZoneId: '(its zone)' }],
    tags: step.tags,
  };
}

function newZone(step: Extract<Step, { kind: 'create-zone' }>): ZoneView {
  return {
    id: '(new zone)',
    name: step.name,
    private: true,
    callerReference: '',
    vpcs: [step.vpc],
    tags: step.tags,
  };
}

function mapServices(observed: Observed, id: string, change: (service: ServiceView) => ServiceView): Observed {
  return {
    ...observed,
    services: (observed.services ?? []).map((service) => (service.id === id ? change(service) : service)),
  };
}

function mapEndpoints(observed: Observed, id: string, change: (endpoint: EndpointView) => EndpointView): Observed {
  return {
    ...observed,
    endpoints: (observed.endpoints ?? []).map((endpoint) => (endpoint.id === id ? change(endpoint) : endpoint)),
  };
}

function mapZone(observed: Observed, change: (zone: ZoneView) => ZoneView): Observed {
  return observed.zone === null || observed.zone === undefined
    ? observed
    : { ...observed, zone: change(observed.zone) };
}

/** What a wait will end in, for `plan`, which does not wait. */
export function expectAfterWait(observed: Observed): Observed {
  const settle = (state: string): string =>
    stateIs(state, 'pending', 'pendingAcceptance', unseenState) ? 'available' : state;
  return {
    ...observed,
    ...(observed.loadBalancer ? { loadBalancer: { ...observed.loadBalancer, state: 'active' } } : {}),
    ...(observed.services ? { services: observed.services.map((s) => ({ ...s, state: settle(s.state) })) } : {}),
    ...(observed.endpoints ? { endpoints: observed.endpoints.map((e) => ({ ...e, state: settle(e.state) })) } : {}),
    ...(observed.serviceZones === null ? { serviceZones: observed.loadBalancer?.zones ?? [] } : {}),
  };
}
