import type { AssociatedView, GroupView, RulePeer, RuleView, VpcView } from './views.ts';

/** Which rules must be in which security groups. */

/**
 * What a hub needs of a cluster: its API, and the machine configuration server while nodes join. Hive's tool opens everything,
 * both ways; groups are stateful, so that nothing is needed for answers.
 */
export const clusterPorts: readonly number[] = [6443, 22623];

/** Marks a rule as ours: what is removed later is what has it. */
export function ruleDescription(vpcId: string): string {
  return `${descriptionStart}${vpcId}`;
}

const descriptionStart = 'postern privatelink: ';

export function ourRule(description: string): boolean {
  return description.startsWith(descriptionStart);
}

/** From where an associated VPC's traffic comes: its workers' group inside a region, else its blocks. */
export function sourcesOf({ vpc, workers }: AssociatedView, target: VpcView): RulePeer[] {
  // A rule may name a group of a peered VPC only inside one region.
  if (workers !== undefined && vpc.region.toLowerCase() === target.region.toLowerCase())
    return [{ kind: 'group', groupId: workers.id, account: vpc.account }];
  return vpc.cidrs.map((cidr) => ({ kind: 'cidr', cidr }));
}

export function rulesFor(
  peers: readonly RulePeer[],
  ports: readonly number[] | 'all',
  description: string,
): readonly RuleView[] {
  const spans = ports === 'all' ? [undefined] : ports;
  return spans.flatMap((port) =>
    peers.map((peer) => ({ protocol: port === undefined ? '-1' : 'tcp', from: port, to: port, peer, description })),
  );
}

/** The wanted rules that a group has not, word for word as AWS compares them. */
export function missingRules(group: GroupView, wanted: readonly RuleView[]): RuleView[] {
  return wanted.filter((rule) => !group.rules.some((known) => same(known, rule)));
}

export function same(a: RuleView, b: RuleView): boolean {
  return a.protocol === b.protocol && a.from === b.from && a.to === b.to && peerKey(a.peer) === peerKey(b.peer);
}

export function peerKey(peer: RulePeer): string {
  return peer.kind === 'cidr' ? peer.cidr : peer.groupId;
}
