/** The stacks, what each needs first, and when an instance has it. The deploy half and the generator read the same table. */
import type { Instance } from '../config/model.ts';

export const stackNames = ['nat', 'gke', 'awsvpc', 'awsvpn', 'connect'] as const;
export type StackName = (typeof stackNames)[number];

export interface StackInfo {
  readonly name: StackName;
  /** Stacks that must be applied before this one; destroy runs the other way. */
  readonly after: readonly StackName[];
  /** One line for people: what it holds. */
  readonly holds: string;
}

const table: Readonly<
  Record<StackName, Omit<StackInfo, 'name'> & { readonly wanted: (instance: Instance) => boolean }>
> = {
  nat: {
    after: [],
    holds: 'static egress addresses and Cloud NAT',
    wanted: ({ nat }) => nat !== undefined,
  },
  gke: {
    after: [],
    holds: 'node pools, image repository and its reader',
    // Both sidecars and the tunnel server are pulled from the repository that this stack makes.
    wanted: ({ gcp, routes, connect }) =>
      Object.keys(gcp.pools).length > 0 || routes.length > 0 || connect !== undefined,
  },
  awsvpc: {
    after: [],
    holds: 'the dedicated VPC in the customer’s AWS account',
    wanted: ({ aws }) => aws !== undefined,
  },
  awsvpn: {
    after: ['awsvpc'],
    holds: 'the VPN on both sides, interface endpoints and their security groups',
    wanted: ({ aws }) => aws !== undefined,
  },
  connect: {
    after: [],
    holds: 'the tunnel server’s address, firewall, identities, CA and audit log',
    wanted: ({ connect }) => connect !== undefined,
  },
};

export function stackInfo(name: StackName): StackInfo {
  const { after, holds } = table[name];
  return { name, after, holds };
}

/** The instance's stacks in an order that respects `after`. */
export function stacksOf(instance: Instance): StackInfo[] {
  return stackNames.filter((name) => table[name].wanted(instance)).map(stackInfo);
}
