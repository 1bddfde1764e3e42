/** Who may enter the cluster: the aws-auth mapping where it is used, and what is wrong with one that is there. PURE. */
import { parse, stringify } from 'yaml';
import { deployerGroup, type Manifest, managedBy } from '../baseline/labels.ts';
import { isObject, list, text } from '../gate/json.ts';
import { type Project, roleName } from './project.ts';
import type { AwsSandbox } from './sandbox.ts';

export interface Mapping {
  readonly principal: string;
  readonly username: string;
  readonly groups: readonly string[];
}

/** What each project's deploy role should be: one user each (the session's name in it), one group. */
export function desiredMappings(sandbox: AwsSandbox, projects: readonly Project[]): Mapping[] {
  return projects.map((project) => ({
    principal: `arn:aws:iam::${sandbox.spec.account}:role/${roleName(sandbox.name, project.name, 'deploy')}`,
    username: `ci:${project.name}:{{SessionName}}`,
    groups: [deployerGroup(project.tenant)],
  }));
}

/** The ConfigMap, where the sandbox asks for it; else nothing: access entries need none. */
export function awsAuth(sandbox: AwsSandbox, projects: readonly Project[]): Manifest[] {
  if (sandbox.spec.kubernetes?.access !== 'aws-auth') return [];
  const nodes = {
    rolearn: `arn:aws:iam::${sandbox.spec.account}:role/postern-${sandbox.name}-node`,
    username: 'system:node:{{EC2PrivateDNSName}}',
    groups: ['system:bootstrappers', 'system:nodes'],
  };
  const roles = [
    nodes,
    ...desiredMappings(sandbox, projects).map(({ principal, username, groups }) => ({
      rolearn: principal,
      username,
      groups,
    })),
  ];
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'aws-auth', namespace: 'kube-system', labels: { ...managedBy } },
      data: { mapRoles: stringify(roles, { lineWidth: 0 }) },
    },
  ];
}

/** Reads `mapRoles` and `mapUsers` of a live aws-auth. */
export function readAwsAuth(data: Readonly<Record<string, string>>): Mapping[] {
  return (['mapRoles', 'mapUsers'] as const).flatMap((key) => {
    const value: unknown = data[key] === undefined ? [] : parse(data[key], { maxAliasCount: 0 });
    return list(value)
      .filter(isObject)
      .map((entry) => ({
        principal: text(entry['rolearn']) ?? text(entry['userarn']) ?? '',
        username: text(entry['username']) ?? '',
        groups: list(entry['groups']).flatMap((group) => text(group) ?? []),
      }));
  });
}

export interface MappingFinding {
  readonly principal: string;
  readonly state: 'ok' | 'missing' | 'differs' | 'unknown';
  readonly problems: readonly string[];
}

/** Desired against live, and what is dangerous in what is live. */
export function compareMappings(desired: readonly Mapping[], live: readonly Mapping[]): MappingFinding[] {
  const findings: MappingFinding[] = desired.map((want) => {
    const found = live.find((one) => one.principal === want.principal);
    if (found === undefined)
      return {
        principal: want.principal,
        state: 'missing',
        problems: ['is not mapped: the pipeline cannot enter the cluster'],
      };
    const same = JSON.stringify([...found.groups].toSorted()) === JSON.stringify([...want.groups].toSorted());
    return {
      principal: want.principal,
      state: same ? 'ok' : 'differs',
      problems: [
        ...(same ? [] : [`has groups ${found.groups.join(', ') || 'none'} instead of ${want.groups.join(', ')}`]),
        ...dangers(found, live),
      ],
    };
  });
  for (const one of live)
    if (!desired.some((want) => want.principal === one.principal))
      findings.push({ principal: one.principal, state: 'unknown', problems: dangers(one, live) });
  return findings;
}

function dangers({ principal, username, groups }: Mapping, live: readonly Mapping[]): string[] {
  const isNode = groups.includes('system:nodes');
  return [
    ...(groups.includes('system:masters')
      ? ['is system:masters: it passes by all of RBAC and cannot be narrowed']
      : []),
    ...(!isNode && username.startsWith('system:') ? [`is named ${username}, as the cluster’s own parts are`] : []),
    ...(!isNode &&
    !username.includes('{{') &&
    live.some((other) => other.principal !== principal && other.username === username)
      ? [`shares the user name ${username}: the audit log cannot tell them apart`]
      : []),
  ];
}
