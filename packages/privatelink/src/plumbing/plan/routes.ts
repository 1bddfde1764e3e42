import type { PlumbingStep } from './steps.ts';
import type { PeeringView, RouteTableView, VpcRef, VpcView } from './views.ts';

/** Which route tables must know the way, and which do not yet. */

/**
 * The tables that subnets use, and always the main one: a subnet that names no table uses that. Hive's tool goes by a name tag
 * and misses both.
 * @param only the subnets that matter; undefined: all of the VPC
 */
export function tablesInUse(vpc: VpcView, only: readonly string[] | undefined): RouteTableView[] {
  return vpc.tables.filter(
    ({ main, subnetIds }) =>
      main || (only === undefined ? subnetIds.length > 0 : subnetIds.some((id) => only.includes(id))),
  );
}

export function ref({ id, region, side, secretName }: VpcRef): VpcRef {
  return { id, region, side, secretName };
}

interface Way {
  readonly at: VpcView;
  readonly towards: VpcView;
  readonly from: VpcRef;
  readonly to: VpcRef;
  readonly only: readonly string[] | undefined;
  readonly peering: PeeringView | undefined;
}

/** The routes of one end that are missing, for every block of the other. */
export function missingRoutes({ at, towards, from, to, only, peering }: Way): {
  readonly steps: readonly PlumbingStep[];
  readonly warnings: readonly string[];
} {
  const steps: PlumbingStep[] = [];
  const warnings: string[] = [];
  for (const table of tablesInUse(at, only))
    for (const destination of towards.cidrs) {
      const route = table.routes.find((known) => known.destination === destination);
      if (route !== undefined && !route.blackhole) {
        if (route.target !== peering?.id)
          warnings.push(
            `${table.id} of ${at.id} sends ${destination} to ${route.target} already; it is left so, and traffic to ${towards.id} goes that way`,
          );
        continue;
      }
      const step = { at: ref(at), table: table.id, destination };
      if (route !== undefined) steps.push({ kind: 'drop-dead-route', ...step, target: route.target });
      steps.push({ kind: 'add-route', ...step, from: ref(from), to: ref(to) });
    }
  return { steps, warnings };
}

/** The routes of one end that go through a peering. */
export function routesThrough(at: VpcView, peeringId: string, from: VpcRef, to: VpcRef): PlumbingStep[] {
  return at.tables.flatMap((table) =>
    table.routes
      .filter(({ target }) => target === peeringId)
      .map(({ destination }): PlumbingStep => ({
        kind: 'remove-route',
        at: ref(at),
        table: table.id,
        destination,
        from: ref(from),
        to: ref(to),
      })),
  );
}
