/** The address plan: three public and three private subnets, and whether the pods fit. PURE. */
import { type Cidr, cidrContains, cidrText, cidrsOverlap } from '@postern/core';
import type { AwsSpec, NodeGroup } from './sandbox.ts';

export interface NetworkPlan {
  readonly vpcCIDR: string;
  readonly zones: readonly string[];
  readonly publicSubnets: readonly string[];
  readonly privateSubnets: readonly string[];
  readonly nat: 'none' | 'single' | 'perZone';
}

export interface PlanProblem {
  readonly severity: 'error' | 'warning';
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The original's numbering: private 1-3, public 101-103; in a network too small for that, the first six. */
const originalIndexes = { private: [1, 2, 3], public: [101, 102, 103] } as const;
const smallIndexes = { private: [0, 1, 2], public: [3, 4, 5] } as const;

export function planNetwork(spec: AwsSpec): { plan: NetworkPlan; problems: PlanProblem[] } {
  const { vpcCIDR, nat = 'single', subnetPrefix = 24 } = spec.network;
  const problems: PlanProblem[] = [];
  const issue = (path: readonly PropertyKey[], message: string, severity: PlanProblem['severity'] = 'error'): void =>
    void problems.push({ severity, path: ['spec', 'network', ...path], message });
  if (vpcCIDR.family !== 4) issue(['vpcCIDR'], 'must be an IPv4 network');
  if (vpcCIDR.prefix < 16 || vpcCIDR.prefix > 28)
    issue(['vpcCIDR'], `/${vpcCIDR.prefix} is outside what AWS allows (/16 to /28)`);
  const room = 2 ** Math.max(0, subnetPrefix - vpcCIDR.prefix);
  const given = spec.network.publicSubnets !== undefined && spec.network.privateSubnets !== undefined;
  if (room < 6 && !given)
    issue(['vpcCIDR'], `${cidrText(vpcCIDR)} holds ${room} networks of /${subnetPrefix}; six are needed`);
  const indexes = room > 103 ? originalIndexes : smallIndexes;
  const cut = (list: readonly number[]): Cidr[] =>
    vpcCIDR.family === 4 ? list.map((i) => nth(vpcCIDR, subnetPrefix, i)) : [];
  const privateSubnets = spec.network.privateSubnets ?? cut(indexes.private);
  const publicSubnets = spec.network.publicSubnets ?? cut(indexes.public);
  if (room >= 6 || given) checkSubnets(vpcCIDR, { privateSubnets, publicSubnets }, issue);
  const plan: NetworkPlan = {
    vpcCIDR: cidrText(vpcCIDR),
    zones: spec.network.zones ?? ['a', 'b', 'c'].map((letter) => `${spec.region}${letter}`),
    privateSubnets: privateSubnets.map(cidrText),
    publicSubnets: publicSubnets.map(cidrText),
    nat,
  };
  if (nat === 'single')
    issue(['nat'], 'one NAT gateway: when its zone fails, all egress does; perZone has three', 'warning');
  problems.push(...podCapacity(spec, privateSubnets));
  return { plan, problems };
}

function checkSubnets(
  vpc: Cidr,
  subnets: { readonly privateSubnets: readonly Cidr[]; readonly publicSubnets: readonly Cidr[] },
  issue: (path: readonly PropertyKey[], message: string) => void,
): void {
  const all = (['privateSubnets', 'publicSubnets'] as const).flatMap((key) =>
    subnets[key].map((cidr, i) => ({ key, i, cidr })),
  );
  for (const [n, { key, i, cidr }] of all.entries()) {
    if (cidr.prefix < vpc.prefix || !cidrContains(vpc, cidr.address))
      issue([key, i], `${cidrText(cidr)} is not inside ${cidrText(vpc)}`);
    for (const other of all.slice(0, n))
      if (cidrsOverlap(cidr, other.cidr))
        issue([key, i], `${cidrText(cidr)} overlaps ${cidrText(other.cidr)} (${other.key}[${other.i}])`);
  }
}

function nth(vpc: Cidr, prefix: number, index: number): Cidr {
  const base = vpc.address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0) + index * 2 ** (32 - prefix);
  return { family: 4, address: [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.'), prefix };
}

/** Network interfaces and addresses of each, by instance size (AWS: ENI limits); enough for the families that run sandboxes. */
const interfaces: Readonly<Record<string, readonly [number, number]>> = {
  nano: [2, 2],
  micro: [2, 2],
  small: [3, 4],
  medium: [3, 6],
  large: [3, 10],
  xlarge: [4, 15],
  '2xlarge': [4, 15],
  '4xlarge': [8, 30],
  '8xlarge': [8, 30],
};

/** Burstable sizes have fewer addresses at the same name. */
const burstable: Readonly<Record<string, readonly [number, number]>> = {
  small: [3, 4],
  medium: [3, 6],
  large: [3, 12],
  xlarge: [4, 15],
  '2xlarge': [4, 15],
};

/** Addresses a full node takes: one for itself and one for each further interface's own, the rest for pods. */
function addressesOf(group: NodeGroup): number {
  return Math.max(
    ...group.instanceTypes.map((type) => {
      const [family, size] = type.split('.') as [string, string];
      const [eni, each] = (/^t\d/.test(family) ? burstable[size] : undefined) ?? interfaces[size] ?? [15, 50];
      return eni * each;
    }),
  );
}

/** AWS keeps five addresses of every subnet. */
const keptByAws = 5;

function podCapacity(spec: AwsSpec, privateSubnets: readonly Cidr[]): PlanProblem[] {
  if (spec.network.prefixDelegation === true) return [];
  const capacity = privateSubnets.reduce((sum, { prefix }) => sum + 2 ** (32 - prefix) - keptByAws, 0);
  const sum = (nodes: (group: NodeGroup) => number): number =>
    spec.nodeGroups.reduce((total, group) => total + nodes(group) * addressesOf(group), 0);
  const wanted = sum((group) => group.desired ?? group.min);
  const most = sum((group) => group.max);
  const path = ['spec', 'network', 'subnetPrefix'];
  const remedy = 'pods take addresses of the private subnets: choose a smaller subnetPrefix or prefixDelegation: true';
  if (wanted > capacity)
    return [
      {
        severity: 'error',
        path,
        message: `the private subnets have ${capacity} addresses; the nodes at their desired number take ${wanted}. ${remedy}`,
      },
    ];
  if (most > capacity)
    return [
      {
        severity: 'warning',
        path,
        message: `the private subnets have ${capacity} addresses; the nodes at their largest number take ${most}. ${remedy}`,
      },
    ];
  return [];
}
