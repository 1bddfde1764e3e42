/** The packaging rules, on rendered manifests: what a building block may bring into a tenant's namespace. PURE. */
import { isObject, list, object, objects, text } from '../gate/json.ts';
import { containersOf, templateOf } from './workload.ts';

export interface LintFinding {
  readonly severity: 'error' | 'warning';
  readonly rule: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export interface LintOptions {
  /** The namespace it is for; objects may name it or none. */
  readonly namespace?: string | undefined;
  /** True when images have been pinned: then every image must be named by digest. */
  readonly pinned?: boolean | undefined;
}

/** What a tenant may bring; every other kind is refused, so that a kind of tomorrow is, too. */
const allowedKinds = new Set([
  'v1/ConfigMap',
  'v1/Secret',
  'v1/Service',
  'v1/ServiceAccount',
  'v1/PersistentVolumeClaim',
  'v1/Pod',
  'apps/v1/Deployment',
  'apps/v1/StatefulSet',
  'apps/v1/DaemonSet',
  'batch/v1/Job',
  'batch/v1/CronJob',
  'autoscaling/v1/HorizontalPodAutoscaler',
  'autoscaling/v2/HorizontalPodAutoscaler',
  'policy/v1/PodDisruptionBudget',
]);

const why: Readonly<Record<string, string>> = {
  Namespace: 'namespaces are made by the platform, with what isolates them',
  NetworkPolicy: 'policies add up: this one could only widen what the platform allows',
  ResourceQuota: 'quotas are set by the platform',
  LimitRange: 'limits are set by the platform',
  Role: 'rights are given by the platform',
  RoleBinding: 'rights are given by the platform',
  ClusterRole: 'nobody here has rights over the cluster',
  ClusterRoleBinding: 'nobody here has rights over the cluster',
  CustomResourceDefinition: 'definitions are the whole cluster’s',
  Ingress: 'nothing is exposed by default; routes are the platform’s',
  PersistentVolume: 'volumes come from claims',
};

export function lintManifest(manifest: unknown, options: LintOptions = {}): LintFinding[] {
  const findings: LintFinding[] = [];
  const add = (severity: LintFinding['severity'], rule: string, path: readonly PropertyKey[], message: string): void =>
    void findings.push({ severity, rule, path, message });
  if (!isObject(manifest) || text(manifest['kind']) === undefined || text(manifest['apiVersion']) === undefined) {
    add('error', 'no-object', [], 'is no Kubernetes object: apiVersion and kind are missing');
    return findings;
  }
  const kind = text(manifest['kind'])!;
  if (!allowedKinds.has(`${text(manifest['apiVersion'])}/${kind}`))
    add(
      'error',
      'kind',
      ['kind'],
      `${text(manifest['apiVersion'])} ${kind} may not be brought along: ${why[kind] ?? 'only basic, namespaced kinds are'}`,
    );
  const namespace = text(object(manifest['metadata'])['namespace']);
  if (namespace !== undefined && options.namespace !== undefined && namespace !== options.namespace)
    add(
      'error',
      'foreign-namespace',
      ['metadata', 'namespace'],
      `${namespace} is not ${options.namespace}; leave the namespace to the installation`,
    );
  if (namespace !== undefined && options.namespace === undefined)
    add(
      'warning',
      'fixed-namespace',
      ['metadata', 'namespace'],
      `is fixed to ${namespace}; leave the namespace to the installation`,
    );
  if (kind === 'Service') lintService(object(manifest['spec']), add);
  if (
    kind === 'Secret' &&
    [...Object.values(object(manifest['data'])), ...Object.values(object(manifest['stringData']))].some(
      (value) => value !== '' && value !== null,
    )
  )
    add('error', 'literal-secret', ['data'], 'carries its secret in clear; refer to one that is made in the namespace');
  const template = templateOf(manifest);
  if (template !== undefined) {
    lintPod(template.path, template.spec, add);
    for (const { path, container } of containersOf(template)) lintContainer(path, container, options, kind, add);
  }
  return findings;
}

type Add = (severity: LintFinding['severity'], rule: string, path: readonly PropertyKey[], message: string) => void;

function lintService(spec: ReturnType<typeof object>, add: Add): void {
  const type = text(spec['type']) ?? 'ClusterIP';
  if (type === 'NodePort' || type === 'LoadBalancer')
    add('error', 'exposed', ['spec', 'type'], `${type} exposes it outside the cluster; use ClusterIP`);
  if (type === 'ExternalName')
    add('error', 'external-name', ['spec', 'type'], 'ExternalName points a name inside at a host outside');
  if (list(spec['externalIPs']).length > 0)
    add('error', 'external-ips', ['spec', 'externalIPs'], 'would catch traffic meant for others');
}

function lintPod(path: readonly PropertyKey[], spec: ReturnType<typeof object>, add: Add): void {
  for (const key of ['hostNetwork', 'hostPID', 'hostIPC'] as const)
    if (spec[key] === true)
      add('error', 'host', [...path, key], 'shares what is the node’s; network policies do not reach it');
  for (const [i, volume] of objects(spec['volumes']).entries())
    if ('hostPath' in volume) add('error', 'host-path', [...path, 'volumes', i, 'hostPath'], 'mounts the node’s files');
  if (spec['automountServiceAccountToken'] === true)
    add(
      'warning',
      'token',
      [...path, 'automountServiceAccountToken'],
      'a token for the API server is mounted; basic blocks need none',
    );
}

function lintContainer(
  path: readonly PropertyKey[],
  container: ReturnType<typeof object>,
  options: LintOptions,
  kind: string,
  add: Add,
): void {
  lintImage([...path, 'image'], text(container['image']), options, add);
  const security = object(container['securityContext']);
  if (security['privileged'] === true)
    add('error', 'privileged', [...path, 'securityContext', 'privileged'], 'is root on the node');
  if (security['allowPrivilegeEscalation'] === true)
    add(
      'error',
      'escalation',
      [...path, 'securityContext', 'allowPrivilegeEscalation'],
      'may gain more rights than it starts with',
    );
  const added = list(object(security['capabilities'])['add']).filter((name) => name !== 'NET_BIND_SERVICE');
  if (added.length > 0)
    add(
      'error',
      'capabilities',
      [...path, 'securityContext', 'capabilities', 'add'],
      `adds ${added.map(String).join(', ')}`,
    );
  if (security['runAsUser'] === 0)
    add(
      'warning',
      'root',
      [...path, 'securityContext', 'runAsUser'],
      'runs as root: a restricted tenant refuses it; fsGroup makes volumes writable without',
    );
  for (const [i, port] of objects(container['ports']).entries())
    if (typeof port['hostPort'] === 'number' && port['hostPort'] > 0)
      add('error', 'host-port', [...path, 'ports', i, 'hostPort'], 'listens on the node');
  for (const [i, variable] of objects(container['env']).entries())
    if (/passw|secret|token|api_?key/i.test(text(variable['name']) ?? '') && text(variable['value']) !== undefined)
      add(
        'error',
        'literal-secret',
        [...path, 'env', i, 'value'],
        `${text(variable['name'])} is given in clear; take it from a Secret (valueFrom.secretKeyRef)`,
      );
  const init = path.includes('initContainers');
  if (!('requests' in object(container['resources'])))
    add('warning', 'resources', path, 'asks for no resources: it gets the namespace’s defaults (100m, 128Mi)');
  if (!init && !('readinessProbe' in container) && !['Job', 'CronJob', 'Pod'].includes(kind))
    add('warning', 'probe', path, 'has no readinessProbe: a rollout cannot tell when it works');
}

function lintImage(path: readonly PropertyKey[], image: string | undefined, { pinned }: LintOptions, add: Add): void {
  if (image === undefined) return add('error', 'image', path, 'names no image');
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return;
  const tag = /:([\w][\w.-]{0,127})$/.exec(image)?.[1];
  if (tag === undefined || tag === 'latest')
    add('error', 'image-latest', path, `${image} is whatever is newest when a pod starts; name it by digest`);
  else
    add(
      pinned === true ? 'error' : 'warning',
      'image-tag',
      path,
      `${image} is named by tag; the cluster admits digests only (a release pins its own images)`,
    );
}
