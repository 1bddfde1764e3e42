/** Whether a principal may do something: its identity policies, narrowed by a permissions boundary and session policies. */
import { randomBytes } from 'node:crypto';
import { AwsError } from '../error.ts';
import { documentOf, documentsOfHolder } from '../iam/documents.ts';
import { roles, users } from '../iam/records.ts';
import type { World } from '../world/world.ts';
import { evaluate, type Verdict } from './policy.ts';
import type { Principal } from './principal.ts';

/** Nobody needs a permission for these: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const free: ReadonlySet<string> = new Set(['sts:GetCallerIdentity', 'sts:GetSessionToken']);

/** Throws the service's own refusal, in its own words, when `action` is not allowed on every one of `resources`. */
export function authorize(
  world: World,
  principal: Principal,
  service: string,
  region: string,
  action: string,
  resources: readonly string[],
): void {
  // AssumeRole is decided by the role's trust policy; see sts/assume.ts.
  if (principal.kind === 'root' || principal.kind === 'anonymous' || free.has(action)) return;
  const { documents, boundary } = documentsOf(world, principal);
  const session = principal.kind === 'session' ? principal.policies : [];
  const context = contextOf(principal, region);
  for (const resource of resources.length === 0 ? ['*'] : resources) {
    const question = { action, resource, context };
    const limits = [boundary, session].filter((limit) => limit !== undefined && limit.length > 0) as string[][];
    const verdicts = [documents, ...limits].map((set) => evaluate(set, question));
    if (verdicts.every((verdict) => verdict === 'allow')) continue;
    throw denied(
      principal,
      service,
      action,
      resource,
      verdicts.includes('explicit-deny') ? 'explicit-deny' : 'implicit-deny',
    );
  }
}

function documentsOf(world: World, principal: Principal): { documents: string[]; boundary: string[] | undefined } {
  const holder =
    principal.kind === 'user'
      ? users.get(world, `${principal.account}/${principal.name}`)
      : principal.kind === 'session'
        ? roles.get(world, `${principal.account}/${principal.role}`)
        : undefined;
  if (holder === undefined) return { documents: [], boundary: undefined };
  return {
    documents: documentsOfHolder(world, holder),
    boundary: holder.boundary === undefined ? undefined : documentOf(world, holder.boundary),
  };
}

function contextOf(principal: Principal, region: string): Record<string, string> {
  return {
    'aws:PrincipalArn': principal.kind === 'session' ? principal.roleArn : principal.arn,
    'aws:PrincipalAccount': principal.account,
    'aws:RequestedRegion': region,
    'aws:userid': principal.userId,
    'aws:SecureTransport': 'true',
  };
}

function denied(principal: Principal, service: string, action: string, resource: string, verdict: Verdict): AwsError {
  const because =
    verdict === 'explicit-deny'
      ? `with an explicit deny in an identity-based policy`
      : `because no identity-based policy allows the ${action} action`;
  const sentence = `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${because}`;
  if (service === 'ec2')
    // The blob differs at each call, as on AWS: whoever shows this message must scrub it.
    // https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
    return new AwsError(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. ${sentence}. Encoded authorization failure message: ${randomBytes(48).toString('base64url')}`,
      403,
    );
  return service === 'ecr' || service === 'eks'
    ? new AwsError('AccessDeniedException', sentence, service === 'ecr' ? 400 : 403)
    : new AwsError('AccessDenied', sentence, 403);
}
