/** Policies that isolate nothing: found before they are applied. A policy that exists proves nothing. PURE. */
import { isObject, list, object, objects, text } from '../gate/json.ts';
import { type Manifest, namespaceNameLabel } from './labels.ts';

export interface PolicyProblem {
  readonly policy: string;
  readonly message: string;
}

/** The cluster's own namespaces: they exist without our manifests. */
const clusterNamespaces = ['kube-system', 'default', 'kube-public', 'kube-node-lease'];

/**
 * Selectors that match no namespace there will be, rules that allow everything, policies that are written twice.
 * `elsewhere` are namespaces that exist beyond these manifests, with their labels.
 */
export function checkPolicies(
  manifests: readonly Manifest[],
  elsewhere: ReadonlyArray<{ readonly name: string; readonly labels: Readonly<Record<string, string>> }> = [],
): PolicyProblem[] {
  const namespaces = [
    ...clusterNamespaces.map((name) => ({ name, labels: {} as Readonly<Record<string, string>> })),
    ...elsewhere,
    ...manifests
      .filter((m) => m.kind === 'Namespace')
      .map((m) => ({ name: m.metadata.name, labels: m.metadata.labels ?? {} })),
  ].map(({ name, labels }) => ({ ...labels, [namespaceNameLabel]: name }));
  const problems: PolicyProblem[] = [];
  const seen = new Set<string>();
  for (const manifest of manifests) {
    const policy = `${manifest.kind} ${manifest.metadata.namespace === undefined ? '' : `${manifest.metadata.namespace}/`}${manifest.metadata.name}`;
    if (seen.has(policy)) problems.push({ policy, message: 'is written twice; the second would replace the first' });
    seen.add(policy);
    if (manifest.kind === 'NetworkPolicy') problems.push(...checkPolicy(policy, object(manifest['spec']), namespaces));
  }
  return problems;
}

function checkPolicy(
  policy: string,
  spec: ReturnType<typeof object>,
  namespaces: ReadonlyArray<Readonly<Record<string, string>>>,
): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const add = (message: string): void => void problems.push({ policy, message });
  if (list(spec['policyTypes']).length === 0)
    add('names no policyTypes: whether egress is restricted would depend on its rules');
  for (const [direction, peersKey] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    for (const [i, rule] of list(spec[direction]).entries()) {
      const place = `${direction}[${i}]`;
      const peers = list(object(rule)[peersKey]);
      if (!isObject(rule) || Object.keys(rule).length === 0) add(`${place} is empty and allows everything`);
      else if (peers.length === 0) add(`${place} names no ${peersKey}: it allows everybody`);
      for (const [j, peer] of objects(peers).entries()) checkPeer(`${place}.${peersKey}[${j}]`, peer, namespaces, add);
    }
  }
  return problems;
}

function checkPeer(
  place: string,
  peer: ReturnType<typeof object>,
  namespaces: ReadonlyArray<Readonly<Record<string, string>>>,
  add: (message: string) => void,
): void {
  if (Object.keys(peer).length === 0) return add(`${place} is empty`);
  const block = object(peer['ipBlock']);
  const cidr = text(block['cidr']);
  if (cidr !== undefined && cidr.endsWith('/0') && list(block['except']).length === 0)
    return add(`${place} allows every address, the metadata service and the nodes among them`);
  if (!('namespaceSelector' in peer)) return;
  const selector = object(peer['namespaceSelector']);
  const labels = Object.entries(object(selector['matchLabels']));
  if (labels.length === 0 && list(selector['matchExpressions']).length === 0)
    return add(`${place} selects every namespace`);
  // The generator writes matchLabels only; expressions from elsewhere are not judged here.
  if (labels.length > 0 && !namespaces.some((namespace) => labels.every(([key, value]) => namespace[key] === value)))
    add(
      `${place} selects nothing: no namespace has ${labels.map(([key, value]) => `${key}=${String(value)}`).join(', ')}`,
    );
}
