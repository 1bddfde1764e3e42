/** Everything that isolates a tenant, before any chart: the whole list, in the order it is applied. PURE. */
import { deployer } from './deployer.ts';
import { type Manifest, managedBy, tenantLabel } from './labels.ts';
import { networkPolicies } from './network.ts';
import { limitRangeSpec, quotaSpec } from './quota.ts';
import type { Grant, Tenant } from './tenant.ts';

/** Grants that concern a tenant, from whoever's document, as long as they hold. Sorted, each once. */
export function grantsOf(name: string, tenants: readonly Tenant[], nowMs: number): Grant[] {
  const found = new Map<string, Grant>();
  for (const grant of tenants.flatMap((tenant) => tenant.grants))
    if ((grant.from === name || grant.to === name) && grant.expiry > nowMs)
      found.set(
        JSON.stringify([grant.from, grant.to, grant.protocol ?? 'TCP', grant.port, grant.podLabels ?? null]),
        grant,
      );
  return [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, grant]) => grant);
}

/** The manifests of `tenant`; `tenants` is everyone, for the grants in other tenants' documents. */
export function tenantManifests(tenant: Tenant, tenants: readonly Tenant[], nowMs: number): Manifest[] {
  const grants = grantsOf(tenant.name, tenants, nowMs);
  return tenant.namespaces.flatMap((namespace) => namespaceManifests(tenant, namespace, grants));
}

function namespaceManifests(tenant: Tenant, namespace: string, grants: readonly Grant[]): Manifest[] {
  const labels = { ...managedBy, [tenantLabel]: tenant.name };
  const metadata = { namespace, labels };
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: {
          ...labels,
          'pod-security.kubernetes.io/enforce': tenant.podSecurity,
          'pod-security.kubernetes.io/enforce-version': 'latest',
          'pod-security.kubernetes.io/audit': 'restricted',
          'pod-security.kubernetes.io/warn': 'restricted',
        },
        annotations: {
          'postern.dev/organisation': tenant.organisation,
          'postern.dev/quota-class': tenant.quotaClass,
          ...(tenant.businessCases.length === 0
            ? {}
            : { 'postern.dev/business-cases': tenant.businessCases.join(', ') }),
        },
      },
    },
    // Before quota and before any pod: strict CNI modes start pods closed, others open until the first policy is there.
    ...networkPolicies(tenant, namespace, grants),
    {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'postern-quota', ...metadata },
      spec: quotaSpec(tenant.quotaClass),
    },
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'postern-limits', ...metadata },
      spec: limitRangeSpec(tenant.quotaClass),
    },
    // Pods that name no account get this one; without a token they are nobody to the API server.
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', ...metadata },
      automountServiceAccountToken: false,
    },
    ...deployer(tenant.name, namespace),
  ];
}
