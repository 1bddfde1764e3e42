/**
 * What the cluster itself refuses, by ValidatingAdmissionPolicy (no controller to run): platform labels set by others, images
 * that are not approved, and Services that catch other people's traffic. PURE.
 */
import { type Manifest, managedBy, tenantLabel } from './labels.ts';

/** Where the platform keeps what admission reads. No tenant has rights here. */
export const platformNamespace = 'postern-system';

const apiVersion = 'admissionregistration.k8s.io/v1';

/** Who the platform is, is a question of RBAC: whoever may `manage` the (virtual) resource tenants.postern.dev. */
const isPlatform = "authorizer.group('postern.dev').resource('tenants').check('manage').allowed()";

const guarded = '^(postern\\\\.dev/|pod-security\\\\.kubernetes\\\\.io/).*';

export function approvedImagesName(tenant: string): string {
  return `approved-images-${tenant}`;
}

/** A ConfigMap key for a digest: keys hold no colon. */
export function digestKey(digest: string): string {
  return digest.replace(':', '.');
}

/** For the whole cluster, once. */
export function platformManifests(): Manifest[] {
  const metadata = (name: string) => ({ name, labels: { ...managedBy } });
  const bind = (name: string, spec: Record<string, unknown> = {}): Manifest => ({
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: metadata(name),
    spec: { policyName: name, validationActions: ['Deny'], ...spec },
  });
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        ...metadata(platformNamespace),
        labels: {
          ...managedBy,
          'pod-security.kubernetes.io/enforce': 'restricted',
          'pod-security.kubernetes.io/enforce-version': 'latest',
        },
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: metadata('postern-platform-labels'),
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules: [rule('', 'v1', ['namespaces'], ['CREATE', 'UPDATE'])] },
        variables: [
          { name: 'now', expression: 'has(object.metadata.labels) ? object.metadata.labels : {}' },
          {
            name: 'before',
            expression: 'oldObject != null && has(oldObject.metadata.labels) ? oldObject.metadata.labels : {}',
          },
        ],
        validations: [
          {
            expression: `${isPlatform} || (variables.now.all(k, !k.matches('${guarded}') || (k in variables.before && variables.before[k] == variables.now[k])) && variables.before.all(k, !k.matches('${guarded}') || k in variables.now))`,
            message:
              'labels postern.dev/* and pod-security.kubernetes.io/* are set by the platform: they decide who may talk to whom',
            reason: 'Forbidden',
          },
        ],
      },
    },
    bind('postern-platform-labels'),
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: metadata('postern-services'),
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules: [rule('', 'v1', ['services'], ['CREATE', 'UPDATE'])], ...inTenants() },
        validations: [
          {
            // CVE-2020-8554: who may set externalIPs may catch traffic meant for others.
            expression: '!has(object.spec.externalIPs) || size(object.spec.externalIPs) == 0',
            message: 'a Service must not set externalIPs: it would catch traffic meant for others',
          },
          {
            expression: "!has(object.spec.type) || object.spec.type == 'ClusterIP'",
            message:
              'a Service must be of type ClusterIP: nothing of a tenant is exposed except through the platform’s ingress',
          },
        ],
      },
    },
    bind('postern-services'),
    approvedImagesPolicy(),
  ];
}

/** The rule; each tenant's binding names its list. Pods decide; workloads are checked too, so that the error comes at once. */
function approvedImagesPolicy(): Manifest {
  const spec =
    "object.kind == 'Pod' ? object.spec : object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.spec : object.spec.template.spec";
  const containers = ['containers', 'initContainers', 'ephemeralContainers']
    .map((list) => `(has(variables.spec.${list}) ? variables.spec.${list}.map(c, c.image) : [])`)
    .join(' + ');
  return {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'postern-approved-images', labels: { ...managedBy } },
    spec: {
      failurePolicy: 'Fail',
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: {
        resourceRules: [
          rule('', 'v1', ['pods', 'pods/ephemeralcontainers', 'replicationcontrollers'], ['CREATE', 'UPDATE']),
          rule('apps', 'v1', ['deployments', 'statefulsets', 'daemonsets', 'replicasets'], ['CREATE', 'UPDATE']),
          rule('batch', 'v1', ['jobs', 'cronjobs'], ['CREATE', 'UPDATE']),
        ],
      },
      variables: [
        { name: 'spec', expression: spec },
        { name: 'images', expression: containers },
        { name: 'approved', expression: 'has(params.data) ? params.data : {}' },
        // What runs already may stay as it is: a quarantine stops new pods, and must not break the bookkeeping of old ones.
        {
          name: 'unchanged',
          expression: "request.operation == 'UPDATE' && object.kind == 'Pod' && oldObject.spec == object.spec",
        },
      ],
      validations: [
        {
          expression: `variables.unchanged || variables.images.all(i, i.matches('^[^@]+@sha256:[0-9a-f]{64}$'))`,
          messageExpression: `'images are named by digest (name@sha256:...): ' + variables.images.filter(i, !i.matches('^[^@]+@sha256:[0-9a-f]{64}$')).join(', ')`,
        },
        {
          expression: `variables.unchanged || variables.images.all(i, i.replace(':', '.').split('@')[size(i.replace(':', '.').split('@')) - 1] in variables.approved)`,
          messageExpression: `'not approved for this tenant: ' + variables.images.filter(i, !(i.replace(':', '.').split('@')[size(i.replace(':', '.').split('@')) - 1] in variables.approved)).join(', ')`,
        },
      ],
    },
  };
}

/** The tenant's list and the binding that makes it count. The list itself is owned by releases: its data is not set here. */
export function tenantAdmission(tenant: string): Manifest[] {
  const labels = { ...managedBy, [tenantLabel]: tenant };
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: approvedImagesName(tenant), namespace: platformNamespace, labels },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: `postern-approved-images-${tenant}`, labels },
      spec: {
        policyName: 'postern-approved-images',
        validationActions: ['Deny'],
        // No list, no pods.
        paramRef: { name: approvedImagesName(tenant), namespace: platformNamespace, parameterNotFoundAction: 'Deny' },
        matchResources: { namespaceSelector: { matchLabels: { [tenantLabel]: tenant } } },
      },
    },
  ];
}

function inTenants() {
  return { namespaceSelector: { matchExpressions: [{ key: tenantLabel, operator: 'Exists' }] } };
}

function rule(group: string, version: string, resources: readonly string[], operations: readonly string[]) {
  return { apiGroups: [group], apiVersions: [version], operations, resources };
}
