/** Is a trust policy as narrow as its project? Decided by trying tokens on it, not by looking for patterns of text. PURE. */
import { isObject, list, object } from '../gate/json.ts';
import { admits } from './iam.ts';
import type { Project } from './project.ts';
import { own, strangers } from './tokens.ts';
import { roleSecondsMin, sessionSeconds } from './trust.ts';

export interface TrustFinding {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  /** The subject of the token that got in. */
  readonly subject?: string;
}

export function lintTrust(policy: unknown, project: Project): TrustFinding[] {
  const findings: TrustFinding[] = [];
  const statements = list(object(policy)['Statement']).concat(
    isObject(object(policy)['Statement']) ? [object(policy)['Statement']] : [],
  );
  if (statements.length === 0)
    return [
      {
        severity: 'error',
        code: 'no-statement',
        message: 'the trust policy has no statement: nobody can take the role',
      },
    ];
  findings.push(...otherPrincipals(statements));
  for (const { who, token } of own(project))
    if (!admits(policy, token).admitted)
      findings.push({
        severity: 'error',
        code: 'own-refused',
        message: `refuses ${who}`,
        subject: String(token.claims['sub']),
      });
  const seen = new Set<string>();
  for (const { code, who, token } of strangers(project)) {
    const { admitted, unknown } = admits(policy, token);
    for (const operator of unknown)
      if (!seen.has(operator)) {
        seen.add(operator);
        findings.push({
          severity: 'warning',
          code: 'unknown-operator',
          message: `the operator ${operator} is not known here and was not counted as a restriction`,
        });
      }
    if (admitted)
      findings.push({
        severity: 'error',
        code: `admits-${code}`,
        message: `would let in ${who}`,
        subject: String(token.claims['sub']),
      });
  }
  if (project.provider === 'github' && project.projectID === undefined)
    findings.push({
      severity: 'warning',
      code: 'mutable-name',
      message: `names ${project.organisation}/${project.project} by name alone: made again under the same name it would match; give projectID (repository_id)`,
    });
  return findings;
}

/** A trust policy may also name people and services; a pipeline's role has no business with them. */
function otherPrincipals(statements: readonly unknown[]): TrustFinding[] {
  return statements.filter(isObject).flatMap((statement): TrustFinding[] => {
    const principal = statement['Principal'];
    if (statement['Effect'] !== 'Allow') return [];
    if ('NotPrincipal' in statement)
      return [
        {
          severity: 'error',
          code: 'not-principal',
          message: 'NotPrincipal with Allow lets in everybody else in the world',
        },
      ];
    if (principal === '*')
      return [
        {
          severity: 'error',
          code: 'any-principal',
          message: 'Principal "*" lets in any identity of any provider and account',
        },
      ];
    const other = Object.keys(object(principal)).filter((kind) => kind !== 'Federated');
    return other.length === 0
      ? []
      : [
          {
            severity: 'error',
            code: 'other-principal',
            message: `lets in ${other.map((kind) => `${kind} ${JSON.stringify(object(principal)[kind])}`).join(', ')}: a pipeline’s role is for its pipeline alone`,
          },
        ];
  });
}

/** Sessions: what the pipeline asks for, and the most the role allows. */
export function lintSessions({
  pipelineSeconds,
  roleSecondsMax,
}: {
  readonly pipelineSeconds?: number;
  readonly roleSecondsMax?: number;
}): TrustFinding[] {
  const findings: TrustFinding[] = [];
  if (pipelineSeconds !== undefined && pipelineSeconds > sessionSeconds)
    findings.push({
      severity: 'error',
      code: 'session-long',
      message: `the pipeline asks for ${pipelineSeconds} s; ${sessionSeconds} s are enough for a deployment`,
    });
  if (roleSecondsMax !== undefined && roleSecondsMax > roleSecondsMin)
    findings.push({
      severity: 'error',
      code: 'role-long',
      message: `the role allows sessions of ${roleSecondsMax} s; its minimum, ${roleSecondsMin} s, is enough`,
    });
  if (roleSecondsMax !== undefined && roleSecondsMax < roleSecondsMin)
    findings.push({
      severity: 'error',
      code: 'role-short',
      message: `AWS refuses a maximum session of ${roleSecondsMax} s; the least is ${roleSecondsMin} s`,
    });
  return findings;
}

/** Actions that would make a pipeline's role an administrator of the cluster, of its access, or of every repository. */
const tooMuch: ReadonlyArray<readonly [RegExp, string]> = [
  [/^(\*|[a-z0-9]+:\*)$/i, 'every action of a service'],
  [/^eks:(create|delete|update|associate|disassociate)/i, 'changing clusters and who may enter them'],
  [/^(iam|sts|organizations):/i, 'handing out rights'],
  [/^s3:/i, 'objects in buckets, where Terraform’s state is'],
  [/^ecr:(delete|put(?!image$)|set|batchdelete|createrepository)/i, 'deleting images or changing repositories'],
];

export function lintPermissions(policy: unknown): TrustFinding[] {
  return list(object(policy)['Statement'])
    .filter(isObject)
    .filter((statement) => statement['Effect'] === 'Allow')
    .flatMap((statement) => {
      const asList = (value: unknown): string[] =>
        (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
      if ('NotAction' in statement)
        return [{ severity: 'error' as const, code: 'permission', message: 'NotAction allows everything else' }];
      return asList(statement['Action']).flatMap((action): TrustFinding[] => {
        const found = tooMuch.find(([pattern]) => pattern.test(action));
        if (found !== undefined)
          return [{ severity: 'error', code: 'permission', message: `${action} allows ${found[1]}` }];
        if (asList(statement['Resource']).includes('*') && action !== 'ecr:GetAuthorizationToken')
          return [{ severity: 'error', code: 'permission', message: `${action} is allowed on every resource` }];
        return [];
      });
    });
}
