/** What the deployer of a tenant may do in its namespaces: install a chart, and nothing that isolates. PURE. */
import { type Manifest, deployerGroup, managedBy, tenantLabel } from './labels.ts';

const all = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/**
 * No verb on Role, RoleBinding, NetworkPolicy, ResourceQuota, LimitRange, Namespace, Pod exec, nor `escalate`, `bind`,
 * `impersonate`. Secrets can be written and read by name, but not listed: Helm keeps its releases in ConfigMaps here.
 */
const rules = [
  { apiGroups: [''], resources: ['configmaps', 'services', 'persistentvolumeclaims', 'serviceaccounts'], verbs: all },
  { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'delete', 'get', 'patch', 'update'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['delete', 'get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['pods/log', 'events'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['pods/portforward'], verbs: ['create'] },
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets', 'daemonsets', 'replicasets'], verbs: all },
  { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'], verbs: all },
  { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: all },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: all },
];

export function deployer(tenant: string, namespace: string): Manifest[] {
  const metadata = { name: 'postern-deployer', namespace, labels: { ...managedBy, [tenantLabel]: tenant } };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: deployerGroup(tenant) }],
    },
  ];
}
