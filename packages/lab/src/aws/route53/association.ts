/**
 * VPCs of private zones, also of other accounts: the zone's owner authorises, the VPC's owner associates.
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-associate-vpcs-different-accounts.html
 * moto has no authorisations and keeps zones in their account.
 */
import type * as sdk from '@aws-sdk/client-route-53';
import { vpcs } from '../ec2/records.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import { page } from '../world/page.ts';
import { makeChange } from './change.ts';
import { type HostedZone, hostedZones } from './records.ts';
import { bare, mayLookAtVpcs, needOwnVpc, needZone, noSuchZone, refuseConflict, showVpc } from './zone.ts';

export const associationOperations: Operations<typeof sdk> = {
  AssociateVPCWithHostedZone(call, input) {
    const zone = hostedZones.get(call.world, bare(input.HostedZoneId ?? ''));
    if (zone === undefined) throw noSuchZone(input.HostedZoneId);
    const vpc = needOwnVpc(call, input.VPC ?? {}, 'associate');
    if (zone.account !== call.account && !zone.authorizations.some(({ id }) => id === vpc.id))
      throw new AwsError(
        'NotAuthorizedException',
        `The current account has not been authorized to associate hosted zone ${zone.id} with VPC ${vpc.id}`,
        401,
      );
    mustBePrivate(zone);
    // Once more is no error, but another zone of that name is.
    refuseConflict(call, zone.name, vpc, zone.id);
    if (zone.vpcs.length >= call.world.quotas.vpcsPerHostedZone)
      throw new AwsError('LimitsExceeded', `The hosted zone ${zone.id} has the maximum number of VPCs`);
    if (!zone.vpcs.some(({ id }) => id === vpc.id)) zone.vpcs.push(vpc);
    return { ChangeInfo: makeChange(call, input.Comment) };
  },

  DisassociateVPCFromHostedZone(call, input) {
    const zone = hostedZones.get(call.world, bare(input.HostedZoneId ?? ''));
    if (zone === undefined) throw noSuchZone(input.HostedZoneId);
    mayLookAtVpcs(call);
    const id = input.VPC?.VPCId ?? '';
    // Either owner may: the zone's, or the VPC's.
    if (zone.account !== call.account && vpcs.get(call.world, id)?.account !== call.account)
      throw noSuchZone(input.HostedZoneId);
    mustBePrivate(zone);
    if (!zone.vpcs.some((vpc) => vpc.id === id))
      throw new AwsError(
        'VPCAssociationNotFound',
        `The VPC: ${id} in region ${input.VPC?.VPCRegion ?? ''} is not associated with hosted zone ${zone.id}`,
        404,
      );
    if (zone.vpcs.length === 1)
      throw new AwsError(
        'LastVPCAssociation',
        'The VPC that you are trying to disassociate from the private hosted zone is the last VPC that is associated with the hosted zone.',
      );
    zone.vpcs = zone.vpcs.filter((vpc) => vpc.id !== id);
    return { ChangeInfo: makeChange(call, input.Comment) };
  },

  CreateVPCAssociationAuthorization(call, input) {
    const zone = needZone(call, input.HostedZoneId);
    mustBePrivate(zone);
    const vpc = vpcs.get(call.world, input.VPC?.VPCId);
    if (vpc === undefined || vpc.region !== input.VPC?.VPCRegion)
      throw new AwsError(
        'InvalidVPCId',
        `The VPC: ${input.VPC?.VPCId ?? ''} in region ${input.VPC?.VPCRegion ?? ''} that you provided is not found.`,
      );
    if (zone.authorizations.length >= call.world.quotas.authorizationsPerHostedZone)
      throw new AwsError(
        'TooManyVPCAssociationAuthorizations',
        `The hosted zone ${zone.id} has the maximum number of authorizations`,
      );
    if (!zone.authorizations.some(({ id }) => id === vpc.id))
      zone.authorizations.push({ id: vpc.id, region: vpc.region });
    return { HostedZoneId: zone.id, VPC: showVpc(vpc) };
  },

  DeleteVPCAssociationAuthorization(call, input) {
    const zone = needZone(call, input.HostedZoneId);
    const id = input.VPC?.VPCId ?? '';
    if (!zone.authorizations.some((vpc) => vpc.id === id))
      throw new AwsError(
        'VPCAssociationAuthorizationNotFound',
        `The VPC ${id} is not authorized to be associated with hosted zone ${zone.id}`,
        404,
      );
    zone.authorizations = zone.authorizations.filter((vpc) => vpc.id !== id);
    return {};
  },

  ListVPCAssociationAuthorizations(call, input) {
    const zone = needZone(call, input.HostedZoneId);
    const { items, next } = page(call, zone.authorizations, ({ id }) => id, {
      max: input.MaxResults,
      token: input.NextToken,
      usual: 50,
      most: 50,
    });
    return { HostedZoneId: zone.id, VPCs: items.map(showVpc), ...(next === undefined ? {} : { NextToken: next }) };
  },
};

function mustBePrivate(zone: HostedZone): void {
  if (!zone.privateZone)
    throw new AwsError(
      'PublicZoneVPCAssociation',
      `You're trying to associate a VPC with a public hosted zone. Amazon Route 53 doesn't support associating a VPC with a public hosted zone.`,
    );
}
