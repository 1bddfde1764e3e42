import type { DesiredLink } from './desired.ts';
import { chosenEndpoint, goodEndpoints, nextForEndpoint } from './next-endpoint.ts';
import { chosenService, type KnownIds, nextForService } from './next-service.ts';
import { nextForZone } from './next-zone.ts';
import { type Observed, stateIs } from './observed.ts';
import type { Next } from './steps.ts';

/**
 * The planner: desired and observed in, the one next move out. The reconciler makes the move and asks again; `plan` pretends
 * (expect.ts) and asks again; a test checks that asking ends. Nothing remembers how far it came, so a crash costs nothing.
 */
export function next(desired: DesiredLink, observed: Observed, known: KnownIds): Next {
  const forService = nextForService(desired, observed, known);
  if (forService !== undefined) return forService;
  const service = chosenService(observed.services!, known.serviceId)!;
  const forEndpoint = nextForEndpoint(desired, observed, service, known);
  if (forEndpoint !== undefined) return forEndpoint;
  const endpoint = chosenEndpoint(observed.endpoints!, service, known.endpointId)!;
  const forZone = nextForZone(desired, observed, endpoint);
  if (forZone !== undefined) return forZone;
  // Only now: the record points at the chosen endpoint, so what is left over serves nobody.
  const spareEndpoints = goodEndpoints(observed.endpoints!, service).filter(({ id }) => id !== endpoint.id);
  if (spareEndpoints.length > 0)
    return {
      kind: 'act',
      step: { kind: 'delete-endpoints', ids: spareEndpoints.map(({ id }) => id) },
      why: `${endpoint.id} is in use, one is enough`,
    };
  const spareServices = observed.services!.filter(
    ({ id, state }) => id !== service.id && !stateIs(state, 'deleting', 'deleted'),
  );
  if (spareServices.length > 0)
    return {
      kind: 'act',
      step: { kind: 'delete-services', ids: spareServices.map(({ id }) => id) },
      why: `${service.id} is in use, one is enough`,
    };
  return nextForProbe(desired, observed) ?? { kind: 'done', message: readyMessage(observed) };
}

function nextForProbe(desired: DesiredLink, observed: Observed): Next | undefined {
  if (desired.probe === undefined) return undefined;
  if (observed.reachable === undefined) return { kind: 'look', at: 'reachable' };
  if (observed.reachable.ok) return undefined;
  return {
    kind: 'wait',
    for: 'host-to-be-reachable',
    reason: 'EndpointNotReachable',
    message: `${desired.hostName} cannot be reached from vantage point ${desired.probe.vantagePoint}: ${observed.reachable.detail}; look at the endpoint's security group, the routes between the VPCs and the zone's associations`,
  };
}

function readyMessage({ missingPermissions = [] }: Observed): string {
  const ready = 'private link access is ready for use';
  if (missingPermissions.length === 0) return ready;
  return `${ready}; not permitted and therefore left out: ${missingPermissions.toSorted().join(', ')}`;
}
