/**
 * Who signed a request: the key id in the signature's scope. A key of twelve digits is the root of that account; other keys are
 * those IAM and STS of this simulator made. Signatures themselves are not verified: nobody rehearses with real secrets.
 */
import { AwsError } from '../error.ts';
import { accessKeys, sessions, users } from '../iam/records.ts';
import { partitionOf } from '../world/partition.ts';
import type { World } from '../world/world.ts';
import { anonymous, type Principal } from './principal.ts';

export interface Scope {
  readonly keyId: string;
  readonly region: string;
  readonly service: string;
}

/** `Credential=KEY/20261121/eu-central-1/ec2/aws4_request` in the header, or `X-Amz-Credential` of a presigned address. */
export function scopeOf(authorization: string | undefined, url: URL): Scope | undefined {
  const text =
    authorization === undefined
      ? (url.searchParams.get('X-Amz-Credential') ?? undefined)
      : /Credential=([^,\s]+)/.exec(authorization)?.[1];
  const parts = text?.split('/');
  if (parts === undefined || parts.length < 5) return undefined;
  const [service, region] = [parts.at(-2)!, parts.at(-3)!];
  // Key ids have no slash, but what is before the date is the key whatever it holds.
  return { keyId: parts.slice(0, -4).join('/'), region, service };
}

export function principalOf(world: World, scope: Scope, token: string | undefined): Principal {
  const { keyId, region } = scope;
  const partition = partitionOf(region);
  if (/^\d{12}$/.test(keyId))
    return { kind: 'root', account: keyId, arn: `arn:${partition}:iam::${keyId}:root`, userId: keyId };
  const session = sessions.get(world, keyId);
  if (session !== undefined) {
    if (session.token !== token) throw invalidToken(scope, 'its session token is missing or another');
    if (session.expiresAtMs <= world.now()) throw expiredToken(scope);
    return {
      kind: 'session',
      account: session.account,
      arn: `arn:${partition}:sts::${session.account}:assumed-role/${session.role}/${session.sessionName}`,
      userId: `${session.roleUniqueId}:${session.sessionName}`,
      role: session.role,
      roleArn: session.roleArn,
      policies: session.policies,
    };
  }
  const key = accessKeys.get(world, keyId);
  const user = users.get(world, key === undefined ? undefined : `${key.account}/${key.user}`);
  if (key?.state !== 'Active' || user === undefined)
    throw invalidToken(
      scope,
      'this simulator knows keys of twelve digits (the root of that account), those of its IAM, and its sessions',
    );
  return { kind: 'user', account: user.account, arn: user.arn, userId: user.uniqueId, name: user.name };
}

/** Calls that need no signature: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
export const unsigned: ReadonlySet<string> = new Set(['AssumeRoleWithWebIdentity', 'AssumeRoleWithSAML']);
export { anonymous };

/** Each service has its own code for the same refusal: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
function invalidToken(scope: Scope, why: string): AwsError {
  if (scope.service === 'ec2')
    return new AwsError('AuthFailure', `AWS was not able to validate the provided access credentials (${why})`, 401);
  const code =
    scope.service === 'ecr' || scope.service === 'eks' ? 'UnrecognizedClientException' : 'InvalidClientTokenId';
  return new AwsError(code, `The security token included in the request is invalid. (${why})`, 403);
}

function expiredToken(scope: Scope): AwsError {
  if (scope.service === 'ec2') return new AwsError('RequestExpired', 'Request has expired.', 400);
  const code = scope.service === 'ecr' || scope.service === 'eks' ? 'ExpiredTokenException' : 'ExpiredToken';
  return new AwsError(code, 'The security token included in the request is expired', 403);
}
