import { chosenService } from './next-service.ts';
import { type ConnectionView, type Observed, stateIs, unseenState } from './observed.ts';
import type { Next } from './steps.ts';

/**
 * Removal, in Hive's order (zone, endpoints, services), but complete: each deletion is awaited, third parties' connections
 * are rejected, and only `done` lets the finalizer go.
 */
export function nextTeardown(observed: Observed): Next {
  const { zone, endpoints, services, connections } = observed;
  if (endpoints === undefined) return { kind: 'look', at: 'endpoints' }; // first: its VPC says whose zone it is
  if (zone === undefined) return { kind: 'look', at: 'zone' };
  if (zone !== null) {
    if (observed.record !== null)
      return { kind: 'act', step: { kind: 'delete-records', zoneId: zone.id }, why: 'a zone must be empty to go' };
    return { kind: 'act', step: { kind: 'delete-zone', zoneId: zone.id }, why: 'the link is not wanted any more' };
  }
  const alive = endpoints.filter(({ state }) => !stateIs(state, 'deleted'));
  const toDelete = alive.filter(({ state }) => !stateIs(state, 'deleting', unseenState)).map(({ id }) => id);
  if (toDelete.length > 0)
    return { kind: 'act', step: { kind: 'delete-endpoints', ids: toDelete }, why: 'the link is not wanted any more' };
  if (alive.length > 0)
    return {
      kind: 'wait',
      for: 'endpoint-to-be-gone',
      reason: 'DeprovisionCleanupInProgress',
      message: `waiting for the VPC endpoint ${alive.map(({ id }) => id).join(', ')} to be deleted`,
    };
  if (services === undefined) return { kind: 'look', at: 'services' };
  const remaining = services.filter(({ state }) => !stateIs(state, 'deleted'));
  const [service] = remaining.filter(({ state }) => !stateIs(state, 'deleting', unseenState));
  if (service === undefined) {
    if (remaining.length === 0) return { kind: 'done', message: 'everything of the private link is deleted' };
    return {
      kind: 'wait',
      for: 'service-to-be-gone',
      reason: 'DeprovisionCleanupInProgress',
      message: `waiting for the VPC endpoint service ${remaining.map(({ id }) => id).join(', ')} to be deleted${missing(observed)}`,
    };
  }
  if (connections === undefined) return { kind: 'look', at: 'connections' };
  const toReject = connections.filter((connection) => isLive(connection)).map(({ endpointId }) => endpointId);
  if (toReject.length > 0)
    return {
      kind: 'act',
      step: { kind: 'reject-connections', serviceId: service.id, endpointIds: toReject },
      why: 'a service with connections of third parties cannot be deleted',
    };
  return { kind: 'act', step: { kind: 'delete-services', ids: [service.id] }, why: 'the link is not wanted any more' };
}

function isLive({ state }: ConnectionView): boolean {
  return stateIs(state, 'available', 'pending', 'pendingAcceptance');
}

/** The service whose connections are asked for next. */
export function serviceBeingRemoved(observed: Observed): string | undefined {
  const open = (observed.services ?? []).filter(({ state }) => !stateIs(state, 'deleted', 'deleting', unseenState));
  return (open[0] ?? chosenService(open, undefined))?.id;
}

function missing({ missingPermissions = [] }: Observed): string {
  return missingPermissions.length === 0 ? '' : `; not permitted: ${missingPermissions.toSorted().join(', ')}`;
}
