/** STS: who am I, and another account's role. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
import type * as sdk from '@aws-sdk/client-sts';
import { evaluateTrust } from '../access/trust.ts';
import { AwsError } from '../error.ts';
import { roles, sessions } from '../iam/records.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';

export const stsOperations: Operations<typeof sdk> = {
  GetCallerIdentity: (call) => ({ Account: call.account, Arn: call.principal.arn, UserId: call.principal.userId }),

  AssumeRole(call, input) {
    const { role, name, arn } = findRole(call, input.RoleArn ?? '');
    const context = input.ExternalId === undefined ? {} : { 'sts:ExternalId': input.ExternalId };
    const allowed =
      role !== undefined &&
      evaluateTrust(role.trust, {
        action: 'sts:AssumeRole',
        principal: call.principal,
        context,
        account: role.account,
      });
    // AWS does not say whether the role is absent or does not trust the caller.
    if (role === undefined || !allowed) throw notAllowed(call, 'sts:AssumeRole', arn);
    // The caller's own policies count too; inside one account, a trust policy that names the caller is enough.
    if (allowed === 'account') call.authorize('sts:AssumeRole', [arn]);
    else if (role.account !== call.account) call.authorize('sts:AssumeRole', [arn]);
    return session(call, role, name, input);
  },

  AssumeRoleWithWebIdentity(call, input) {
    const { role, name, arn } = findRole(call, input.RoleArn ?? '');
    const claims = claimsOf(input.WebIdentityToken ?? '');
    const issuer = claimText(claims, 'iss').replace(/^https:\/\//, '');
    const context = Object.fromEntries(
      Object.entries(claims)
        .filter(([, value]) => typeof value === 'string')
        .map(([claim, value]) => [`${issuer}:${claim}`, value as string]),
    );
    const allowed =
      role !== undefined &&
      evaluateTrust(role.trust, {
        action: 'sts:AssumeRoleWithWebIdentity',
        principal: call.principal,
        federated: `arn:${call.partition}:iam::${role.account}:oidc-provider/${issuer}`,
        context,
        account: role.account,
      });
    if (role === undefined || !allowed)
      throw new AwsError('AccessDenied', `Not authorized to perform sts:AssumeRoleWithWebIdentity on ${arn}`, 403);
    return {
      ...session(call, role, name, input),
      SubjectFromWebIdentityToken: claimText(claims, 'sub'),
      Audience: claimText(claims, 'aud'),
      Provider: issuer,
    };
  },

  GetSessionToken: () => {
    throw new AwsError('AccessDenied', 'Cannot call GetSessionToken with session credentials', 403);
  },

  DecodeAuthorizationMessage: () => ({ DecodedMessage: '{"allowed":false}' }),
};

const arnPattern = /^arn:aws[\w-]*:iam::(\d{12}):role\/(?:.+\/)?([\w+=,.@-]{1,64})$/;

function findRole(call: Call, arn: string) {
  const match = arnPattern.exec(arn);
  if (match === null) throw new AwsError('ValidationError', `${arn} is invalid`);
  const [, account, name] = match as unknown as [string, string, string];
  const role = roles.get(call.world, `${account}/${name}`);
  return { role: role?.arn === arn ? role : undefined, name, arn };
}

function notAllowed(call: Call, action: string, arn: string): AwsError {
  return new AwsError(
    'AccessDenied',
    `User: ${call.principal.arn} is not authorized to perform: ${action} on resource: ${arn}`,
    403,
  );
}

function session(
  call: Call,
  role: NonNullable<ReturnType<typeof findRole>['role']>,
  name: string,
  input: { RoleSessionName?: string | undefined; DurationSeconds?: number | undefined; Policy?: string | undefined },
) {
  const seconds = input.DurationSeconds ?? 3600;
  if (seconds < 900)
    throw new AwsError('ValidationError', 'DurationSeconds must have value greater than or equal to 900');
  if (seconds > role.maxSessionSeconds)
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
  const sessionName = input.RoleSessionName ?? '';
  if (!/^[\w+=,.@-]{2,64}$/.test(sessionName))
    throw new AwsError('ValidationError', `'${sessionName}' is no role session name`);
  const keyId = `ASIA${call.world.hex(16).toUpperCase()}`;
  const record = sessions.put(call.world, {
    id: keyId,
    account: role.account,
    region: 'global',
    createdAtMs: call.now,
    tags: {},
    token: call.world.hex(96),
    secret: call.world.hex(40),
    expiresAtMs: call.now + seconds * 1000,
    roleArn: role.arn,
    role: name,
    sessionName,
    roleUniqueId: role.uniqueId,
    policies: input.Policy === undefined ? [] : [input.Policy],
  });
  return {
    Credentials: {
      AccessKeyId: keyId,
      SecretAccessKey: record.secret,
      SessionToken: record.token,
      Expiration: new Date(record.expiresAtMs),
    },
    AssumedRoleUser: {
      AssumedRoleId: `${role.uniqueId}:${sessionName}`,
      Arn: `arn:${call.partition}:sts::${role.account}:assumed-role/${name}/${sessionName}`,
    },
  };
}

/** The claims of a token. Its signature is not verified: the issuer is no part of the simulator. */
function claimsOf(token: string): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    if (typeof claims === 'object' && claims !== null) return claims as Record<string, unknown>;
  } catch {
    // falls through to the refusal
  }
  throw new AwsError('InvalidIdentityToken', 'The ID Token provided is not a valid JWT.');
}

function claimText(claims: Record<string, unknown>, name: string): string {
  const value = claims[name];
  return typeof value === 'string' ? value : '';
}
