/** The Project kind: one pipeline of one tenant, and who exactly it is at its CI provider. PURE. */
import { nameField } from '@postern/core';
import { z } from 'zod';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const uuidField = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine((text) => uuidPattern.test(text), {
    error: (issue) => `${JSON.stringify(issue.input)} is no UUID; CircleCI shows it in the settings`,
  });

const refField = z.string().superRefine((ref, context) => {
  const issue = (message: string): void =>
    context.addIssue({ code: 'custom', message: `${JSON.stringify(ref)} ${message}` });
  if (/[*?[]/.test(ref))
    issue('is a pattern: any branch that somebody makes to match it could take the role; name each ref');
  else if (!/^refs\/(heads|tags)\/[^\s~^:\\]+$/.test(ref) || ref.includes('..') || ref.endsWith('/'))
    issue('is no ref such as refs/heads/main');
});

/** ECR's own rule for names, without what GovStack's pipelines never use. */
const repositoryField = z
  .string()
  .max(256)
  .regex(/^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/, {
    error: (issue) => `${JSON.stringify(issue.input)} is no repository name such as bb/payments/adapter`,
  });

const shared = {
  tenant: nameField().describe('The tenant it deploys for.'),
  refs: z
    .array(refField)
    .min(1)
    .max(20)
    .describe('From which refs it may push and deploy; each in full: refs/heads/main.'),
  repositories: z.array(repositoryField).min(1).max(50).describe('Its image repositories.'),
};

const circleci = z.strictObject({
  provider: z.literal('circleci'),
  organisation: uuidField.describe('The organisation’s id (a UUID), from its settings.'),
  project: uuidField.describe('The project’s id (a UUID), from its settings.'),
  vcsOrigin: z
    .string()
    .regex(/^[a-z0-9.-]+(\/[A-Za-z0-9._-]+)+$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is no repository such as github.com/acme/app`,
    })
    .describe('The repository, as CircleCI names it: github.com/acme/app. Without it a fork would do.'),
  context: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('The CircleCI context that holds the roles; default: the sandbox’s name.'),
  ...shared,
});

const github = z.strictObject({
  provider: z.literal('github'),
  organisation: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9-]{0,38})$/, 'is no GitHub organisation')
    .describe('The organisation’s or user’s login.'),
  project: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/, 'is no GitHub repository name')
    .describe('The repository’s name.'),
  organisationID: z
    .string()
    .regex(/^\d{1,20}$/, 'is no number')
    .optional()
    .describe('repository_owner_id: survives a renamed organisation.'),
  projectID: z
    .string()
    .regex(/^\d{1,20}$/, 'is no number')
    .optional()
    .describe('repository_id: a repository made again under the same name has another one.'),
  ...shared,
});

export const projectSchema = z
  .strictObject({
    apiVersion: z.literal('postern.dev/v1'),
    kind: z.literal('Project'),
    // The role's name carries it: postern-SANDBOX-NAME-deploy, and IAM allows 64 characters.
    metadata: z.looseObject({ name: nameField().max(32) }),
    spec: z.discriminatedUnion('provider', [circleci, github]),
    status: z.unknown().optional(),
  })
  .describe('A CI pipeline: who it is at its provider, from which refs, for which tenant, into which repositories.');

export type ProjectDocument = z.infer<typeof projectSchema>;
export type Project = ProjectDocument['spec'] & { readonly name: string };

export function toProject({ metadata, spec }: ProjectDocument): Project {
  return { ...spec, name: metadata.name };
}

export type RolePurpose = 'push' | 'deploy';

/** IAM's own limit. */
export const roleNameCharsMax = 64;

export function roleName(sandbox: string, project: string, purpose: RolePurpose): string {
  return `postern-${sandbox}-${project}-${purpose}`;
}
