/** The security group EKS makes for a cluster, and takes away with it. */
import { securityGroupRules, securityGroups } from '../ec2/records.ts';
import type { World } from '../world/world.ts';

export function removeGroup(world: World, id: string): void {
  for (const rule of securityGroupRules.all(world).filter(({ group }) => group === id))
    securityGroupRules.remove(world, rule.id);
  securityGroups.remove(world, id);
}
