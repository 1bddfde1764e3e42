/** Projects on disk and in the cluster: add, lint, list, remove, and their pipelines. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Diagnostic, PosternError, UsageError, didYouMean } from '@postern/core';
import { stringify } from 'yaml';
import { compareMappings, desiredMappings, readAwsAuth, type MappingFinding, type Mapping } from '../plan/access.ts';
import { loadResources } from '../plan/load.ts';
import { pipeline, type PipelineFile } from '../plan/pipeline.ts';
import { type Project } from '../plan/project.ts';
import { type AwsSandbox, isAws } from '../plan/sandbox.ts';
import { type TrustFinding, lintPermissions, lintSessions, lintTrust } from '../plan/trust-lint.ts';
import { type PolicyDocument, permissions, roleSecondsMin, sessionSeconds, trustPolicy } from '../plan/trust.ts';
import { awsJson } from './aws-cli.ts';
import type { Cluster } from './cluster.ts';
import { loadSandbox } from './environment.ts';
import { sourceFiles } from './files.ts';

async function find(
  dir: string,
  name: string,
): Promise<{ sandbox: AwsSandbox; project: Project; warnings: readonly Diagnostic[] }> {
  const { sandbox, projects, warnings } = await loadSandbox(dir);
  const project = projects.find((one) => one.name === name);
  if (project === undefined) {
    const near = didYouMean(
      name,
      projects.map((one) => one.name),
    );
    throw new UsageError(`there is no project ${name} in ${dir}`, {
      hint:
        near === undefined
          ? `there are: ${projects.map((one) => one.name).join(', ') || 'none'}`
          : `did you mean ${near}?`,
    });
  }
  if (!isAws(sandbox))
    throw new UsageError('CI trust is AWS’s; this sandbox’s provider is existing', {
      hint: 'its pipelines need credentials of that cluster',
    });
  return { sandbox, project, warnings };
}

export interface Added {
  readonly path: string;
  readonly trust: PolicyDocument;
  readonly findings: readonly TrustFinding[];
}

/** The whole folder is checked with the new document in it before anything is written. */
export async function addProject(
  dir: string,
  name: string,
  spec: Record<string, unknown>,
  dryRun: boolean,
): Promise<Added> {
  const path = join(dir, 'projects', `${name}.yaml`);
  const text = stringify({ apiVersion: 'postern.dev/v1', kind: 'Project', metadata: { name }, spec }, { lineWidth: 0 });
  const files = await sourceFiles([dir]);
  if (files.some(({ file }) => file === path))
    throw new PosternError('EXISTS', `${path} exists`, { hint: 'edit it, or remove the project first', exitCode: 2 });
  const { sandbox, projects } = loadResources([...files, { file: path, text }]);
  const project = projects.find((one) => one.name === name)!;
  if (sandbox === undefined || !isAws(sandbox))
    throw new UsageError(`${dir} holds no Sandbox on AWS: there is nothing to trust a pipeline with`);
  const trust = trustPolicy(sandbox.spec.account, project);
  const findings = lintTrust(trust, project);
  const refused = findings.filter((finding) => finding.severity === 'error');
  if (refused.length > 0) throw new PosternError('TRUST', refused.map((finding) => finding.message).join('\n'));
  if (!dryRun) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'wx' });
  }
  return { path, trust, findings };
}

export async function removeProject(dir: string, name: string): Promise<string> {
  const path = join(dir, 'projects', `${name}.yaml`);
  const files = await sourceFiles([dir]);
  if (!files.some(({ file }) => file === path)) {
    await find(dir, name);
    throw new UsageError(`project ${name} is not in ${path}: take its document away by hand`);
  }
  await rm(path);
  return path;
}

export async function lintProject(
  dir: string,
  name: string,
  policy: unknown,
  allowed: unknown,
): Promise<TrustFinding[]> {
  const { sandbox, project } = await find(dir, name);
  const target = { account: sandbox.spec.account, region: sandbox.spec.region, cluster: sandbox.name };
  // `aws iam get-role` wraps the document and adds the session's maximum.
  const role = (typeof policy === 'object' && policy !== null && 'Role' in policy ? policy.Role : policy) as
    | { AssumeRolePolicyDocument?: unknown; MaxSessionDuration?: number }
    | undefined;
  const document = role?.AssumeRolePolicyDocument ?? policy ?? trustPolicy(sandbox.spec.account, project);
  return [
    ...lintTrust(document, project),
    ...(allowed === undefined
      ? [
          ...lintPermissions(permissions(project, 'push', target)),
          ...lintPermissions(permissions(project, 'deploy', target)),
        ]
      : lintPermissions(allowed)),
    ...lintSessions({ pipelineSeconds: sessionSeconds, roleSecondsMax: role?.MaxSessionDuration ?? roleSecondsMin }),
  ];
}

export async function projectPipeline(dir: string, name: string): Promise<PipelineFile> {
  const { sandbox, project } = await find(dir, name);
  return pipeline({
    sandbox: sandbox.name,
    project,
    target: { account: sandbox.spec.account, region: sandbox.spec.region, cluster: sandbox.name },
  });
}

export interface ListedProject {
  readonly name: string;
  readonly provider: string;
  readonly tenant: string;
  readonly refs: readonly string[];
  readonly repositories: readonly string[];
  readonly mapping: MappingFinding['state'] | 'not asked';
  readonly problems: readonly string[];
}

export async function listProjects(
  dir: string,
  cluster: Cluster | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<{ projects: ListedProject[]; unknown: MappingFinding[] }> {
  const { sandbox, projects } = await loadSandbox(dir);
  const aws = isAws(sandbox) ? sandbox : undefined;
  const live = cluster === undefined || aws === undefined ? undefined : await liveMappings(aws, cluster, environment);
  const desired = aws === undefined ? [] : desiredMappings(aws, projects);
  const findings = live === undefined ? [] : compareMappings(desired, live);
  return {
    projects: projects.map(({ name, provider, tenant, refs, repositories }, i) => {
      const finding = findings.find((one) => one.principal === desired[i]?.principal);
      return {
        name,
        provider,
        tenant,
        refs,
        repositories,
        mapping: finding?.state ?? 'not asked',
        problems: finding?.problems ?? [],
      };
    }),
    unknown: findings.filter((finding) => finding.state === 'unknown'),
  };
}

/** An access entry beats aws-auth for the same principal; both are read. */
async function liveMappings(sandbox: AwsSandbox, cluster: Cluster, environment: NodeJS.ProcessEnv): Promise<Mapping[]> {
  const map = await cluster.read({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'aws-auth', namespace: 'kube-system' },
  });
  const old = readAwsAuth((map?.['data'] ?? {}) as Record<string, string>);
  if ((sandbox.spec.kubernetes?.access ?? 'access-entries') === 'aws-auth') return old;
  const base = ['eks', '--region', sandbox.spec.region];
  const { accessEntries = [] } = (await awsJson(
    [...base, 'list-access-entries', '--cluster-name', sandbox.name],
    environment,
  )) as { accessEntries?: string[] };
  const entries = await Promise.all(
    accessEntries.map(async (principal): Promise<Mapping> => {
      const { accessEntry } = (await awsJson(
        [...base, 'describe-access-entry', '--cluster-name', sandbox.name, '--principal-arn', principal],
        environment,
      )) as { accessEntry?: { username?: string; kubernetesGroups?: string[] } };
      return { principal, username: accessEntry?.username ?? '', groups: accessEntry?.kubernetesGroups ?? [] };
    }),
  );
  return [...entries, ...old.filter((one) => !entries.some((entry) => entry.principal === one.principal))];
}
