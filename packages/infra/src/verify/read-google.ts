import type { AddressDesign, FirewallDesign, GoogleDesign } from '@postern/core';
import type { StackName } from '../stacks/names.ts';
import type { StackJson } from '../stacks/synth.ts';
import { Node, resources } from '../vpn/json.ts';

/** What stacks `nat` and `connect` make in Google Cloud, read from their JSON: names, ranges, numbers. PURE. */

/** What only an apply knows is not asked for here. */
const nothing = (): string => '';

export function readGoogle(stacks: ReadonlyMap<StackName, StackJson>): GoogleDesign | undefined {
  const [nat, connect] = [stacks.get('nat'), stacks.get('connect')];
  const some = nat ?? connect;
  if (some === undefined) return undefined;
  const all = (stack: StackJson | undefined, type: string): Node[] =>
    stack === undefined ? [] : resources(stack, type, nothing);
  const address = (stack: AddressDesign['stack']) => (node: Node) => ({ name: node.text('name'), stack });
  return {
    ...place(some),
    addresses: [
      ...all(nat, 'google_compute_address').map(address('nat')),
      ...all(connect, 'google_compute_address').map(address('connect')),
    ],
    nats: all(nat, 'google_compute_router_nat').map((node) => ({
      name: node.text('name'),
      router: all(nat, 'google_compute_router')[0]!.text('name'),
      addresses: node.list('nat_ips').length,
    })),
    firewalls: all(connect, 'google_compute_firewall').map(firewall),
  };
}

function firewall(node: Node): FirewallDesign {
  const action = node.get('deny') === undefined ? 'allow' : 'deny';
  return {
    name: node.text('name'),
    action,
    sourceRanges: node.texts('source_ranges'),
    ports: node.texts(action, 0, 'ports'),
  };
}

function place(stack: StackJson): { project: string; region: string } {
  const provider = (stack['provider'] as Record<string, unknown[]>)['google']?.[0];
  const node = new Node('provider.google', provider, nothing);
  return { project: node.text('project'), region: node.text('region') };
}
