/** The tokens a trust policy will meet: the pipeline's own, and those of people who would like to be it. PURE. */
import type { Token } from './iam.ts';
import type { Project } from './project.ts';
import { audienceOf, issuerOf } from './trust.ts';

export interface Visitor {
  readonly code: string;
  /** Who it is, for the sentence "would let in ...". */
  readonly who: string;
  readonly token: Token;
}

const user = '5a1b2c3d-0000-4000-8000-00000000000a';
const otherUUID = 'deadbeef-0000-4000-8000-000000000001';

/** The pipeline itself, once for each ref. */
export function own(project: Project): Visitor[] {
  return project.refs.map((ref) => ({
    code: 'own',
    who: `the pipeline itself on ${ref}`,
    token: project.provider === 'circleci' ? circleci(project, { ref }) : github(project, { ref }),
  }));
}

/** Everybody else worth trying. None of them may be admitted. */
export function strangers(project: Project): Visitor[] {
  return project.provider === 'circleci' ? circleciStrangers(project) : githubStrangers(project);
}

interface CircleClaims {
  readonly organisation?: string;
  readonly id?: string;
  readonly origin?: string;
  readonly ref?: string;
  readonly audience?: string;
  readonly ssh?: boolean;
  readonly version?: 1 | 2;
}

function circleci(project: Project & { provider: 'circleci' }, claims: CircleClaims): Token {
  const {
    organisation = project.organisation,
    id = project.project,
    origin = project.vcsOrigin,
    ref = project.refs[0]!,
    version = 2,
  } = claims;
  const base = `org/${organisation}/project/${id}/user/${user}`;
  return {
    issuer: issuerOf(project),
    claims: {
      aud: claims.audience ?? audienceOf(project),
      sub: version === 1 ? base : `${base}/vcs-origin/${origin}/vcs-ref/${ref}`,
      'oidc.circleci.com/project-id': id,
      'oidc.circleci.com/vcs-origin': origin,
      'oidc.circleci.com/vcs-ref': ref,
      'oidc.circleci.com/ssh-rerun': String(claims.ssh ?? false),
    },
  };
}

function otherRefs(refs: readonly string[]): ReadonlyArray<readonly [string, string]> {
  const [first] = refs as [string];
  const tries: ReadonlyArray<readonly [string, string]> = [
    ['another branch', 'refs/heads/anything'],
    ['a branch whose name begins like an allowed one', `${first}-anything`],
    ['a branch below an allowed one’s name', `${first}/anything`],
    ['a branch that ends like an allowed one', `refs/heads/anything/${first.replace(/^refs\/(heads|tags)\//, '')}`],
    ['a tag', 'refs/tags/anything'],
  ];
  return tries.filter(([, ref]) => !refs.includes(ref));
}

function circleciStrangers(project: Project & { provider: 'circleci' }): Visitor[] {
  const fork = project.vcsOrigin.replace(/\/[^/]+\//, '/mallory/');
  const [ref] = project.refs as [string];
  const make = (code: string, who: string, claims: CircleClaims): Visitor => ({
    code,
    who,
    token: circleci(project, claims),
  });
  return [
    ...otherRefs(project.refs).map(([who, other]) =>
      make('another-branch', `${who} (${other}) of ${project.vcsOrigin}`, { ref: other }),
    ),
    make('another-branch', `a branch named so that its subject ends like ${ref}’s`, {
      ref: `refs/heads/x/vcs-origin/${project.vcsOrigin}/vcs-ref/${ref}`,
    }),
    make('another-branch', 'any branch, by the first token (CIRCLE_OIDC_TOKEN), whose subject names no ref', {
      version: 1,
    }),
    make('pull-request', 'a pull request', { ref: 'refs/pull/1/head' }),
    make('fork', `a fork (${fork}) building on ${ref}`, { origin: fork }),
    make('fork', `a fork’s pull request (${fork})`, { origin: fork, ref: 'refs/pull/1/head' }),
    make('another-project', `another project of the organisation (${otherUUID})`, { id: otherUUID }),
    make('another-project', `another project of the organisation, building the same repository name elsewhere`, {
      id: otherUUID,
      origin: `github.com/mallory/app`,
    }),
    make('another-organisation', `an organisation of somebody else (${otherUUID})`, {
      organisation: otherUUID,
      audience: otherUUID,
      id: otherUUID,
    }),
    make('another-audience', 'a token issued for another audience', { audience: 'https://somewhere.example' }),
    make('ssh-rerun', `somebody with a shell: a rerun with SSH of a build on ${ref}`, { ssh: true }),
  ];
}

interface GitHubClaims {
  readonly owner?: string;
  readonly repository?: string;
  readonly ref?: string;
  readonly subject?: string;
  readonly audience?: string;
  readonly ids?: boolean;
  readonly environment?: string;
}

function github(project: Project & { provider: 'github' }, claims: GitHubClaims): Token {
  const { owner = project.organisation, repository = project.project, ref = project.refs[0]!, ids = true } = claims;
  const same = ids && owner === project.organisation && repository === project.project;
  return {
    issuer: issuerOf(project),
    claims: {
      aud: claims.audience ?? audienceOf(project),
      sub: claims.subject ?? `repo:${owner}/${repository}:ref:${ref}`,
      repository: `${owner}/${repository}`,
      repository_id: same ? (project.projectID ?? '1') : '999999999',
      repository_owner: owner,
      repository_owner_id: ids && owner === project.organisation ? (project.organisationID ?? '1') : '999999998',
      ref,
      actor: 'mallory',
      workflow: 'ci',
      job_workflow_ref: `${owner}/${repository}/.github/workflows/ci.yml@${ref}`,
      ...(claims.environment === undefined ? {} : { environment: claims.environment }),
    },
  };
}

function githubStrangers(project: Project & { provider: 'github' }): Visitor[] {
  const { organisation, project: repository } = project;
  const [ref] = project.refs as [string];
  const full = `${organisation}/${repository}`;
  const make = (code: string, who: string, claims: GitHubClaims): Visitor => ({
    code,
    who,
    token: github(project, claims),
  });
  return [
    ...otherRefs(project.refs).map(([who, other]) =>
      make('another-branch', `${who} (${other}) of ${full}`, { ref: other }),
    ),
    make('pull-request', `a pull request to ${full}, from whoever`, {
      ref: 'refs/pull/1/merge',
      subject: `repo:${full}:pull_request`,
    }),
    make('environment', `a job of any branch of ${full} that names an environment`, {
      ref: 'refs/heads/anything',
      environment: 'anything',
      subject: `repo:${full}:environment:anything`,
    }),
    make('fork', `a fork (mallory/${repository}) on ${ref}`, { owner: 'mallory' }),
    make('another-project', `another repository of ${organisation}`, { repository: 'anything' }),
    make('another-project', `a repository whose name begins like ${repository}`, {
      repository: `${repository}-anything`,
    }),
    make('another-organisation', `an organisation whose name begins like ${organisation}`, {
      owner: `${organisation}-anything`,
    }),
    make('another-organisation', 'any repository on GitHub', {
      owner: 'mallory',
      repository: 'anything',
      ref: 'refs/heads/anything',
    }),
    make('another-audience', 'a token issued for another audience', { audience: 'https://somewhere.example' }),
    ...(project.projectID === undefined
      ? []
      : [
          make('recreated', `a repository made again under the name ${full} after this one was deleted or renamed`, {
            ids: false,
          }),
        ]),
  ];
}
