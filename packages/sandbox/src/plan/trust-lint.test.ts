/** Trust policies: ours admit the pipeline and nobody else; the ones found in the wild are refused with who could have used them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { admits, wildcard } from './iam.ts';
import { type Project, projectSchema, toProject } from './project.ts';
import { own, strangers } from './tokens.ts';
import { lintPermissions, lintSessions, lintTrust } from './trust-lint.ts';
import { permissions, trustPolicy } from './trust.ts';

const account = '123456789012';
const organisation = '6b376885-8f20-45b2-ba2f-c27c0919bc6d';
const id = '0f2f1c5e-1111-4222-8333-444455556666';
const circle = toProject(
  projectSchema.parse({
    apiVersion: 'postern.dev/v1',
    kind: 'Project',
    metadata: { name: 'adapter' },
    spec: {
      provider: 'circleci',
      organisation,
      project: id,
      vcsOrigin: 'github.com/acme/app',
      tenant: 'pay',
      refs: ['refs/heads/main'],
      repositories: ['bb/pay/adapter'],
    },
  }),
);
const hub: Project = {
  ...toProject(
    projectSchema.parse({
      apiVersion: 'postern.dev/v1',
      kind: 'Project',
      metadata: { name: 'adapter' },
      spec: {
        provider: 'github',
        organisation: 'acme',
        project: 'app',
        projectID: '42',
        organisationID: '7',
        tenant: 'pay',
        refs: ['refs/heads/main'],
        repositories: ['bb/pay/adapter'],
      },
    }),
  ),
};

const issuer = `oidc.circleci.com/org/${organisation}`;
const gh = 'token.actions.githubusercontent.com';

function policy(provider: string, condition: Record<string, unknown>, more: Record<string, unknown> = {}): unknown {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${provider}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: condition,
        ...more,
      },
    ],
  };
}
const codes = (found: ReturnType<typeof lintTrust>): string[] =>
  [...new Set(found.filter((f) => f.severity === 'error').map((f) => f.code))].toSorted();

test('our own policies admit the pipeline and nobody else', () => {
  for (const project of [
    circle,
    hub,
    { ...circle, refs: ['refs/heads/main', 'refs/heads/release'] },
    { ...hub, refs: ['refs/tags/v1'] },
  ])
    assert.deepEqual(lintTrust(trustPolicy(account, project), project), []);
});

test('our own policies admit no token made of random parts', () => {
  const word = fc.constantFrom(
    'main',
    'x',
    'refs/heads/main',
    'vcs-ref',
    'vcs-origin',
    'github.com/acme/app',
    organisation,
    id,
    'user',
    'org',
    'project',
    '*',
    '?',
  );
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 14 }), (parts) => {
      const [legit] = own(circle);
      const sub = `org/${organisation}/project/${id}/user/${parts.join('/')}`;
      const token = { ...legit!.token, claims: { ...legit!.token.claims, sub } };
      assert.equal(admits(trustPolicy(account, circle), token).admitted, false, sub);
    }),
  );
});

const aud = { [`${issuer}:aud`]: organisation };
const refused: ReadonlyArray<readonly [string, Project, unknown, string]> = [
  [
    'any branch of the project (as GovStack has it)',
    circle,
    policy(issuer, {
      StringEquals: aud,
      StringLike: { [`${issuer}:sub`]: `org/${organisation}/project/${id}/user/*` },
    }),
    'admits-another-branch admits-fork admits-pull-request admits-ssh-rerun',
  ],
  [
    'any project of the organisation',
    circle,
    policy(issuer, {
      StringEquals: aud,
      StringLike: {
        [`${issuer}:sub`]: `org/${organisation}/project/*/user/*/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main`,
      },
    }),
    'admits-another-branch admits-another-project admits-ssh-rerun',
  ],
  [
    'no subject',
    circle,
    policy(issuer, { StringEquals: aud }),
    'admits-another-branch admits-another-project admits-fork admits-pull-request admits-ssh-rerun',
  ],
  [
    'no audience',
    circle,
    policy(issuer, {
      StringLike: {
        [`${issuer}:sub`]: `org/${organisation}/project/${id}/user/????????-????-????-????-????????????/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main`,
      },
    }),
    'admits-another-audience admits-ssh-rerun',
  ],
  [
    'a fork, because the origin is open',
    circle,
    policy(issuer, {
      StringEquals: aud,
      StringLike: {
        [`${issuer}:sub`]: `org/${organisation}/project/${id}/user/*/vcs-origin/*/vcs-ref/refs/heads/main`,
      },
    }),
    'admits-another-branch admits-fork admits-ssh-rerun',
  ],
  [
    'a crafted branch, because a star matches slashes',
    circle,
    policy(issuer, {
      StringEquals: { ...aud, [`${issuer}:oidc.circleci.com/ssh-rerun`]: 'false' },
      StringLike: {
        [`${issuer}:sub`]: `org/${organisation}/project/${id}/user/*/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main`,
      },
    }),
    'admits-another-branch',
  ],
  [
    'GitHub: any repository',
    hub,
    policy(gh, { StringEquals: { [`${gh}:aud`]: 'sts.amazonaws.com' } }),
    'admits-another-branch admits-another-organisation admits-another-project admits-environment admits-fork admits-pull-request admits-recreated',
  ],
  [
    'GitHub: any repository of the organisation',
    hub,
    policy(gh, { StringEquals: { [`${gh}:aud`]: 'sts.amazonaws.com' }, StringLike: { [`${gh}:sub`]: 'repo:acme/*' } }),
    'admits-another-branch admits-another-project admits-environment admits-pull-request admits-recreated',
  ],
  [
    'GitHub: any branch of the repository',
    hub,
    policy(gh, {
      StringEquals: { [`${gh}:aud`]: 'sts.amazonaws.com' },
      StringLike: { [`${gh}:sub`]: 'repo:acme/app:*' },
    }),
    'admits-another-branch admits-environment admits-pull-request admits-recreated',
  ],
  [
    'GitHub: an organisation that only begins so',
    hub,
    policy(gh, {
      StringEquals: { [`${gh}:aud`]: 'sts.amazonaws.com' },
      StringLike: { [`${gh}:sub`]: 'repo:acme*:ref:refs/heads/main' },
    }),
    'admits-another-organisation admits-another-project admits-recreated',
  ],
  [
    'a wildcard that StringEquals takes literally',
    hub,
    policy(gh, { StringEquals: { [`${gh}:aud`]: 'sts.amazonaws.com', [`${gh}:sub`]: 'repo:acme/app:*' } }),
    'own-refused',
  ],
  [
    'ForAllValues of a misspelled claim',
    hub,
    policy(gh, {
      'ForAllValues:StringEquals': { [`${gh}:subject`]: 'repo:acme/app:ref:refs/heads/main' },
      StringEquals: { [`${gh}:aud`]: 'sts.amazonaws.com' },
    }),
    'admits-another-branch admits-another-organisation admits-another-project admits-environment admits-fork admits-pull-request admits-recreated',
  ],
  [
    'everybody',
    hub,
    { Statement: { Effect: 'Allow', Principal: '*', Action: 'sts:*' } },
    'admits-another-audience admits-another-branch admits-another-organisation admits-another-project admits-environment admits-fork admits-pull-request admits-recreated any-principal',
  ],
  [
    'an account beside the provider',
    hub,
    {
      Statement: [
        ...trustPolicy(account, hub).Statement,
        { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' },
      ],
    },
    'other-principal',
  ],
  [
    'an environment job, whose subject names no ref',
    hub,
    policy(gh, {
      StringEquals: { [`${gh}:aud`]: 'sts.amazonaws.com' },
      StringLike: { [`${gh}:sub`]: ['repo:acme/app:ref:refs/heads/main', 'repo:acme/app:environment:*'] },
    }),
    'admits-environment admits-recreated',
  ],
];
for (const [what, project, document, expected] of refused)
  test(`refused: ${what}`, () => {
    const findings = lintTrust(document, project);
    assert.equal(codes(findings).join(' '), expected);
    for (const finding of findings.filter((f) => f.code.startsWith('admits-'))) {
      assert.match(finding.message, /^would let in ./);
      assert.ok(finding.subject !== undefined && finding.subject !== '');
    }
  });

test('a Deny on top narrows; an unknown operator does not', () => {
  const wide = policy(issuer, {
    StringEquals: aud,
    StringLike: { [`${issuer}:sub`]: `org/${organisation}/project/${id}/user/*` },
  }) as { Statement: unknown[] };
  const deny = {
    Effect: 'Deny',
    Principal: { Federated: '*' },
    Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: {
      StringNotLike: {
        [`${issuer}:sub`]: `org/${organisation}/project/${id}/user/????????-????-????-????-????????????/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main`,
      },
    },
  };
  assert.deepEqual(codes(lintTrust({ Statement: [...wide.Statement, deny] }, circle)), ['admits-ssh-rerun']);
  const odd = lintTrust(
    policy(gh, { StringEquals: { [`${gh}:aud`]: 'sts.amazonaws.com' }, IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }),
    hub,
  );
  assert.ok(odd.some((f) => f.code === 'unknown-operator') && codes(odd).includes('admits-fork'));
});

test('without a repository id GitHub names are mutable, and that is said', () => {
  const { projectID: _, ...nameless } = hub as Project & { projectID?: string };
  const project = nameless as Project;
  assert.deepEqual(
    lintTrust(trustPolicy(account, project), project).map((f) => [f.severity, f.code]),
    [['warning', 'mutable-name']],
  );
});

test('documents that would be wide are refused before there is a policy', () => {
  const refuses = (spec: Record<string, unknown>): string => {
    const { name: _, ...base } = circle;
    const result = projectSchema.safeParse({
      apiVersion: 'postern.dev/v1',
      kind: 'Project',
      metadata: { name: 'p' },
      spec: { ...base, ...spec },
    });
    return result.success ? '' : result.error.issues.map((issue) => issue.message).join('; ');
  };
  assert.equal(refuses({}), '');
  assert.match(refuses({ refs: ['refs/heads/*'] }), /is a pattern/);
  assert.match(refuses({ refs: ['main'] }), /no ref such as/);
  assert.match(refuses({ refs: [] }), /.+/);
  assert.match(refuses({ project: 'my-project' }), /no UUID/);
  assert.match(refuses({ vcsOrigin: 'github.com/*/app' }), /no repository/);
});

test('push and deploy are different roles, and neither administers anything', () => {
  const target = { account, region: 'eu-central-1', cluster: 'playground' };
  for (const purpose of ['push', 'deploy'] as const)
    assert.deepEqual(lintPermissions(permissions(circle, purpose, target)), []);
  assert.notDeepEqual(permissions(circle, 'push', target), permissions(circle, 'deploy', target));
  const govstack = {
    Statement: [
      { Effect: 'Allow', Action: ['eks:DescribeCluster', 'eks:AccessKubernetesApi', 's3:PutObject'], Resource: '*' },
    ],
  };
  assert.equal(lintPermissions(govstack).length, 3);
});

test('sessions: 1800 s asked for, 3600 s the role’s maximum', () => {
  assert.deepEqual(lintSessions({ pipelineSeconds: 1800, roleSecondsMax: 3600 }), []);
  assert.deepEqual(
    lintSessions({ pipelineSeconds: 3600, roleSecondsMax: 43_200 }).map((f) => f.code),
    ['session-long', 'role-long'],
  );
  assert.deepEqual(
    lintSessions({ roleSecondsMax: 1800 }).map((f) => f.code),
    ['role-short'],
  );
});

test('IAM wildcards: star over slashes, question mark one character, everything else itself', () => {
  assert.ok(
    wildcard('a*c').test('a/b/c') &&
      wildcard('a?c').test('abc') &&
      !wildcard('a?c').test('abbc') &&
      !wildcard('a.c').test('abc'),
  );
  assert.ok(!wildcard('a').test('ab') && !wildcard('b').test('ab'));
  assert.equal(strangers(circle).length > 10 && strangers(hub).length > 8, true);
});
