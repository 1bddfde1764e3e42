/** Who may take a project's roles, and what the roles may do: the IAM documents. PURE. */
import type { Project, RolePurpose } from './project.ts';

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** Credentials of a pipeline live this long: `aws-cli/setup` and `configure-aws-credentials` ask for it. */
export const sessionSeconds = 1800;

/** AWS lets no role's maximum be shorter. */
export const roleSecondsMin = 3600;

const githubIssuer = 'token.actions.githubusercontent.com';

/** The issuer without its scheme: what the provider's ARN and the condition keys are made of. */
export function issuerOf(project: Pick<Project, 'provider' | 'organisation'>): string {
  return project.provider === 'circleci' ? `oidc.circleci.com/org/${project.organisation}` : githubIssuer;
}

export function audienceOf(project: Pick<Project, 'provider' | 'organisation'>): string {
  return project.provider === 'circleci' ? project.organisation : 'sts.amazonaws.com';
}

/**
 * A user id is any UUID. Question marks and not a star: a star also matches slashes, and a branch named
 * `x/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main` would end in what the pattern asks for.
 */
const anyUser = '????????-????-????-????-????????????';

export function trustPolicy(account: string, project: Project): PolicyDocument {
  const issuer = issuerOf(project);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'Pipeline',
        Effect: 'Allow',
        Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${issuer}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition:
          project.provider === 'circleci' ? circleciCondition(project, issuer) : githubCondition(project, issuer),
      },
    ],
  };
}

function circleciCondition(
  project: Project & { provider: 'circleci' },
  issuer: string,
): NonNullable<Statement['Condition']> {
  const { organisation, project: id, vcsOrigin, refs } = project;
  return {
    StringEquals: { [`${issuer}:aud`]: organisation },
    // The claims of the second token (CIRCLE_OIDC_TOKEN_V2): the first one says nothing of the ref.
    StringLike: {
      [`${issuer}:sub`]: refs.map(
        (ref) => `org/${organisation}/project/${id}/user/${anyUser}/vcs-origin/${vcsOrigin}/vcs-ref/${ref}`,
      ),
    },
    // Whoever may rerun with SSH gets a shell with the token. Where STS hands the claim on, it counts; where not, this changes nothing.
    StringEqualsIfExists: { [`${issuer}:oidc.circleci.com/ssh-rerun`]: 'false' },
  };
}

function githubCondition(
  project: Project & { provider: 'github' },
  issuer: string,
): NonNullable<Statement['Condition']> {
  const { organisation, project: repository, organisationID, projectID, refs } = project;
  return {
    StringEquals: {
      [`${issuer}:aud`]: 'sts.amazonaws.com',
      [`${issuer}:sub`]: refs.map((ref) => `repo:${organisation}/${repository}:ref:${ref}`),
      ...(projectID === undefined ? {} : { [`${issuer}:repository_id`]: projectID }),
      ...(organisationID === undefined ? {} : { [`${issuer}:repository_owner_id`]: organisationID }),
    },
  };
}

export interface Target {
  readonly account: string;
  readonly region: string;
  readonly cluster: string;
}

/** Push: its own repositories and nothing to read of others. Deploy: where the cluster is; what it may do there, RBAC says. */
export function permissions(
  project: Project,
  purpose: RolePurpose,
  { account, region, cluster }: Target,
): PolicyDocument {
  const statements: Statement[] =
    purpose === 'push'
      ? [
          // ECR gives this one token for a whole registry; it opens only what the next statement allows.
          { Sid: 'Login', Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
          {
            Sid: 'Push',
            Effect: 'Allow',
            Action: [
              'ecr:BatchCheckLayerAvailability',
              'ecr:BatchGetImage',
              'ecr:CompleteLayerUpload',
              'ecr:DescribeImageScanFindings',
              'ecr:DescribeImages',
              'ecr:GetDownloadUrlForLayer',
              'ecr:InitiateLayerUpload',
              'ecr:PutImage',
              'ecr:UploadLayerPart',
            ],
            Resource: project.repositories.map((name) => `arn:aws:ecr:${region}:${account}:repository/${name}`),
          },
        ]
      : [
          {
            Sid: 'FindCluster',
            Effect: 'Allow',
            Action: 'eks:DescribeCluster',
            Resource: `arn:aws:eks:${region}:${account}:cluster/${cluster}`,
          },
        ];
  return { Version: '2012-10-17', Statement: statements };
}
