import type { InventoryEntry } from '../../kinds/hive-config.ts';
import { ref, routesThrough } from './routes.ts';
import { ourRule, ruleDescription } from './rules.ts';
import type { PlumbingPlan, PlumbingStep } from './steps.ts';
import { type AssociatedView, type EndpointView, type GroupView, isOurs, openPeering, type VpcRef } from './views.ts';

/**
 * The way back, in the order that leaves nothing half open: first no new endpoint comes (the inventory), then nothing gets in
 * (rules), then no way leads there (routes), last the peering, by which a second run finds what an interrupted one left.
 */

export interface RemoveAsk {
  readonly endpoint: EndpointView;
  readonly associated: readonly AssociatedView[];
  readonly entry: InventoryEntry | undefined;
  /** Where the entry stands, so that an undo puts it back there. */
  readonly index: number | undefined;
}

export function planRemove({ endpoint, associated, entry, index }: RemoveAsk): PlumbingPlan {
  const { vpc, groups } = endpoint;
  const warnings: string[] = [];
  const inventory: PlumbingStep[] =
    entry === undefined
      ? []
      : [
          { kind: 'take-inventory', entry, index },
          // A controller may have placed an endpoint there between our look and now.
          { kind: 'check-unused', vpc: ref(vpc) },
        ];
  // Of associated VPCs that the configuration has forgotten, too: the whole VPC goes out of use.
  const rules = forbid(vpc, groups, ourRule);
  rules.push(
    ...associated.flatMap((other) =>
      other.workers === undefined ? [] : forbid(other.vpc, [other.workers], (text) => text === ruleDescription(vpc.id)),
    ),
  );
  const routes: PlumbingStep[] = [];
  const peerings: PlumbingStep[] = [];
  for (const { vpc: other, peerings: known } of associated) {
    const open = openPeering(known);
    if (other.id === vpc.id || open === undefined) continue;
    if (!isOurs(open)) {
      warnings.push(
        `the peering ${open.id} between ${other.id} and ${vpc.id} is not tagged as made for private links: it and the routes through it stay`,
      );
      continue;
    }
    const ends = [ref(other), ref(vpc)] as const;
    routes.push(...routesThrough(other, open.id, ...ends), ...routesThrough(vpc, open.id, ...ends));
    const [from, to] = ends;
    peerings.push({ kind: 'delete-peering', from, to, toAccount: vpc.account });
    peerings.push({ kind: 'await-peering-gone', from, to });
  }
  return { steps: [...inventory, ...rules, ...routes, ...peerings], warnings };
}

function forbid(at: VpcRef, groups: readonly GroupView[], ours: (text: string) => boolean): PlumbingStep[] {
  return groups
    .map(({ id, rules }): PlumbingStep & { kind: 'forbid' } => ({
      kind: 'forbid',
      at: ref(at),
      group: id,
      rules: rules.filter(({ description }) => ours(description)),
    }))
    .filter(({ rules }) => rules.length > 0);
}
