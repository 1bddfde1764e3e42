/**
 * May this pod connect to that one? NetworkPolicy's semantics (networking.k8s.io/v1), from the API's own documentation and
 * without a line of the generator, so that the two can judge each other. PURE.
 */
import ipaddr from 'ipaddr.js';

export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: ReadonlyArray<{
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }>;
}

export interface PolicyPort {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
}

export interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

export interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly PolicyPort[];
}

export interface Policy {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly podSelector?: Selector;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}

/** An end of a connection. Outside the cluster there is an address and nothing else. */
export type End =
  | {
      readonly kind: 'pod';
      readonly namespace: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly ip: string;
      readonly namedPorts?: Readonly<Record<string, { readonly port: number; readonly protocol: string }>>;
    }
  | { readonly kind: 'address'; readonly ip: string };

export interface World {
  readonly policies: readonly Policy[];
  /** Labels by namespace; `kubernetes.io/metadata.name` is added, as the API server does. */
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface Connection {
  readonly from: End;
  readonly to: End;
  readonly port: number;
  readonly protocol: string;
}

/** Both ends must agree: the caller's egress and the called one's ingress. */
export function allowed(world: World, connection: Connection): boolean {
  return passes(world, connection, 'Egress') && passes(world, connection, 'Ingress');
}

function passes(world: World, connection: Connection, direction: 'Ingress' | 'Egress'): boolean {
  const self = direction === 'Ingress' ? connection.to : connection.from;
  const other = direction === 'Ingress' ? connection.from : connection.to;
  if (self.kind === 'address') return true;
  const isolating = world.policies.filter(
    (policy) =>
      policy.metadata.namespace === self.namespace &&
      typesOf(policy).includes(direction) &&
      selects(policy.spec.podSelector ?? {}, self.labels),
  );
  if (isolating.length === 0) return true;
  // Policies add up: one rule of one policy is enough, and none can take away.
  return isolating.some((policy) => {
    const rules = (direction === 'Ingress' ? policy.spec.ingress : policy.spec.egress) ?? [];
    return rules.some((rule) => {
      const peers = direction === 'Ingress' ? rule.from : rule.to;
      return peersMatch(world, policy.metadata.namespace, peers, other) && portsMatch(rule.ports, connection);
    });
  });
}

/** Unset: Ingress always, Egress when there are egress rules. */
function typesOf({ spec }: Policy): readonly string[] {
  if (spec.policyTypes !== undefined && spec.policyTypes.length > 0) return spec.policyTypes;
  return spec.egress === undefined || spec.egress.length === 0 ? ['Ingress'] : ['Ingress', 'Egress'];
}

/** No peers, absent or empty: everybody. */
function peersMatch(world: World, home: string, peers: readonly Peer[] | undefined, other: End): boolean {
  if (peers === undefined || peers.length === 0) return true;
  return peers.some((peer) => {
    if (peer.ipBlock !== undefined) {
      const { cidr, except = [] } = peer.ipBlock;
      return within(other.ip, cidr) && !except.some((range) => within(other.ip, range));
    }
    if (other.kind === 'address') return false;
    if (peer.namespaceSelector === undefined) {
      if (other.namespace !== home) return false;
    } else {
      const labels = { ...world.namespaces[other.namespace], 'kubernetes.io/metadata.name': other.namespace };
      if (!selects(peer.namespaceSelector, labels)) return false;
    }
    return peer.podSelector === undefined || selects(peer.podSelector, other.labels);
  });
}

function portsMatch(ports: readonly PolicyPort[] | undefined, { to, port, protocol }: Connection): boolean {
  if (ports === undefined || ports.length === 0) return true;
  return ports.some((wanted) => {
    if ((wanted.protocol ?? 'TCP') !== protocol) return false;
    if (wanted.port === undefined) return true;
    if (typeof wanted.port === 'number') return port >= wanted.port && port <= (wanted.endPort ?? wanted.port);
    // A name is looked up on the pod that is called, whichever direction the policy is for.
    const named = to.kind === 'pod' ? to.namedPorts?.[wanted.port] : undefined;
    return named !== undefined && named.port === port && named.protocol === protocol;
  });
}

/** All parts must hold; the empty selector selects everything. */
export function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const has = (key: string): boolean => Object.hasOwn(labels, key);
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    if (!has(key) || labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'In':
        return has(key) && values.includes(labels[key]!);
      case 'NotIn':
        return !has(key) || !values.includes(labels[key]!);
      case 'Exists':
        return has(key);
      case 'DoesNotExist':
        return !has(key);
      default:
        return false;
    }
  });
}

function within(ip: string, cidr: string): boolean {
  const address = ipaddr.parse(ip);
  const [network, bits] = ipaddr.parseCIDR(cidr);
  return address.kind() === network.kind() && address.match(network, bits);
}
