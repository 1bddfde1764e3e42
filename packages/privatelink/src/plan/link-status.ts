import type { PrivateLinkStatus, VpcEndpointServiceStatus } from '../kinds/status.ts';
import type { DesiredLink } from './desired.ts';
import { ownerTag } from './names.ts';
import { chosenEndpoint } from './next-endpoint.ts';
import { chosenService, type KnownIds } from './next-service.ts';
import type { Observed } from './observed.ts';

/** The ids in the status, from what is seen; what was not looked at stays as it was. Never shorter for a moment. */
export function linkStatusFrom(
  before: PrivateLinkStatus,
  desired: DesiredLink,
  observed: Observed,
  known: KnownIds,
): PrivateLinkStatus {
  const service = observed.services === undefined ? undefined : chosenService(observed.services, known.serviceId);
  const endpoint =
    service === undefined || observed.endpoints === undefined
      ? undefined
      : chosenEndpoint(observed.endpoints, service, known.endpointId);
  return {
    ...before,
    ...(service === undefined
      ? {}
      : {
          vpcEndpointService: {
            ...(before.vpcEndpointService?.id === service.id ? before.vpcEndpointService : {}),
            name: service.name,
            id: service.id,
            ...principalsFrom(desired, observed),
          },
        }),
    ...(endpoint === undefined ? {} : { vpcEndpointID: endpoint.id }),
    ...(isMarked(observed) ? { hostedZoneID: observed.zone!.id } : {}),
  };
}

/** Named in the status only once it carries our mark, or cannot: a crash before that is healed by its caller reference. */
function isMarked({ zone }: Observed): boolean {
  return zone !== undefined && zone !== null && (zone.tags === undefined || zone.tags[ownerTag] !== undefined);
}

function principalsFrom(
  desired: DesiredLink,
  { hubPrincipal, principals }: Observed,
): Partial<VpcEndpointServiceStatus> {
  if (hubPrincipal === undefined || principals === undefined || !principals.includes(hubPrincipal)) return {};
  const additional = desired.additionalPrincipals.filter((arn) => arn !== hubPrincipal && principals.includes(arn));
  return { defaultAllowedPrincipal: hubPrincipal, additionalAllowedPrincipals: additional };
}

/** Hive has no empty list of additional principals: absent and empty are one. */
export function compact(status: PrivateLinkStatus): PrivateLinkStatus {
  const service = status.vpcEndpointService;
  if (service?.additionalAllowedPrincipals?.length !== 0) return status;
  const { additionalAllowedPrincipals: _empty, ...rest } = service;
  return { ...status, vpcEndpointService: rest };
}
