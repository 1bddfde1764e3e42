import type { AdmissionContext, AdmissionIssue } from '@postern/resources';
import type { ClusterDeploymentSpec } from './cluster-deployment.ts';
import { type HiveConfigSpec, hiveConfigName } from './hive-config.ts';

/**
 * The rules beyond the schemas, for files and for the webhook. In a cluster they are Hive's own webhook's, with its region
 * compared as its controller compares it. In a folder what Hive would refuse is told and taken: the condition says it too.
 */

type Aws = NonNullable<NonNullable<ClusterDeploymentSpec['platform']>['aws']>;

export function admitCluster(
  next: ClusterDeploymentSpec,
  previous: ClusterDeploymentSpec | undefined,
  context?: AdmissionContext,
): AdmissionIssue[] {
  if (context === undefined) return [];
  const aws = next.platform?.aws;
  if (previous !== undefined)
    return context.where === 'cluster' ? immutable(aws ?? undefined, previous.platform?.aws ?? undefined) : [];
  const at = ['spec', 'platform', 'aws'];
  const issues: AdmissionIssue[] = [];
  if (aws?.credentialsSecretRef && aws.credentialsAssumeRole)
    issues.push({
      path: [...at, 'credentialsAssumeRole'],
      message: 'is set beside credentialsSecretRef; a cluster has one of the two',
    });
  if (aws?.privateLink?.enabled === true)
    issues.push(...unsupported(aws.region, [...at, 'region'], [...at, 'privateLink', 'enabled'], context));
  return told(issues, context);
}

/** For a `PrivateLink`, which always asks for one. */
export function admitLink(
  next: { readonly region: string },
  previous: { readonly region: string } | undefined,
  context?: AdmissionContext,
): AdmissionIssue[] {
  if (context === undefined) return [];
  if (previous === undefined)
    return told(unsupported(next.region, ['spec', 'region'], ['spec', 'region'], context), context);
  return context.where === 'cluster' && !sameText(next.region, previous.region)
    ? [{ path: ['spec', 'region'], message: `is immutable; it was ${previous.region}` }]
    : [];
}

function told(issues: readonly AdmissionIssue[], { where }: AdmissionContext): AdmissionIssue[] {
  return issues.map((issue) => (where === 'files' ? { ...issue, severity: 'warning' } : issue));
}

/** A region for which the inventory has no VPC, or a hub that has no inventory at all. */
function unsupported(
  region: string,
  atRegion: readonly string[],
  atWish: readonly string[],
  { specOf }: AdmissionContext,
): AdmissionIssue[] {
  const config = specOf({ kind: 'HiveConfig', namespace: '', name: hiveConfigName }) as HiveConfigSpec | undefined;
  const inventory = config?.awsPrivateLink?.endpointVPCInventory ?? [];
  if (inventory.length === 0)
    return [
      {
        path: atWish,
        message: `private links are not supported here: HiveConfig ${hiveConfigName} has no spec.awsPrivateLink.endpointVPCInventory`,
      },
    ];
  if (inventory.some((entry) => sameText(entry.region, region))) return [];
  const regions = [...new Set(inventory.map((entry) => entry.region.toLowerCase()))].toSorted();
  return [
    {
      path: atRegion,
      message: `private links are not supported in region ${region}: no VPC of the endpointVPCInventory in HiveConfig is there (${regions.join(', ')})`,
    },
  ];
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The one thing that Hive lets anybody change afterwards, besides what is none of our business. */
const changeable = 'additionalAllowedPrincipals';

function immutable(next: Aws | undefined, previous: Aws | undefined): AdmissionIssue[] {
  const { privateLink: nextLink, ...nextRest } = next ?? {};
  const { privateLink: previousLink, ...previousRest } = previous ?? {};
  const at = ['spec', 'platform', 'aws'];
  return [
    ...differing(nextRest, previousRest).map((key) => ({ path: [...at, key], message: 'is immutable' })),
    ...differing(nextLink ?? {}, previousLink ?? {})
      .filter((key) => key !== changeable)
      .map((key) => ({
        path: [...at, 'privateLink', key],
        message: 'is immutable: a private link is asked for when the cluster is made, and ends with it',
      })),
  ];
}

/** Keys whose values differ; nothing, null and empty are one. */
function differing(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): string[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].filter((key) => canonical(a[key]) !== canonical(b[key])).toSorted();
}

function canonical(value: unknown): string {
  if (value === undefined || value === null || value === '') return '';
  if (Array.isArray(value)) return value.length === 0 ? '' : `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value)
    .map(([key, inner]) => [key, canonical(inner)] as const)
    .filter(([, inner]) => inner !== '')
    .toSorted(([x], [y]) => (x < y ? -1 : 1));
  return entries.length === 0 ? '' : `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${inner}`).join()}}`;
}
