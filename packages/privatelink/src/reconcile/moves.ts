import { PosternError } from '@postern/core';
import { expect, expectAfterWait } from '../plan/expect.ts';
import type { Observed } from '../plan/observed.ts';
import { type Look, type Next, reasonOf, type Step } from '../plan/steps.ts';
import { acceptConnection, createService, deleteServices, modifyPrincipals } from './act-customer.ts';
import { modifyService, rejectConnections, tagService } from './act-customer.ts';
import { createEndpoint, deleteEndpoints, modifyEndpoint, tagEndpoint } from './act-hub.ts';
import { associate, createZone, deleteRecords, deleteZone, disassociate } from './act-zone.ts';
import { putRecord, tagZone, withdrawAuthorisation } from './act-zone.ts';
import type { LinkContext, Update } from './context.ts';
import { lookAtConnections, lookAtLoadBalancer, lookAtPrincipals, lookAtServices } from './look-customer.ts';
import { lookAtAddresses, lookAtDefaultGroup, lookAtEndpoints, lookAtHubPrincipal } from './look-hub.ts';
import { lookAtServiceZones, lookAtUsage } from './look-hub.ts';
import { lookAtAuthorisations, lookAtRecord, lookAtZone } from './look-zone.ts';

/** Makes the planner's moves until it waits, fails or is done. */

/** More moves than any link needs (a full create takes about 25): a planner that does not come to an end is a defect. */
const movesMax = 5000;

const looks: Readonly<Record<Look, (context: LinkContext, observed: Observed) => Promise<Update>>> = {
  'load-balancer': lookAtLoadBalancer,
  services: lookAtServices,
  'hub-principal': lookAtHubPrincipal,
  principals: lookAtPrincipals,
  endpoints: lookAtEndpoints,
  'service-zones': lookAtServiceZones,
  usage: lookAtUsage,
  'default-group': lookAtDefaultGroup,
  zone: lookAtZone,
  record: lookAtRecord,
  addresses: lookAtAddresses,
  authorisations: lookAtAuthorisations,
  connections: lookAtConnections,
  reachable: async (context) => {
    const reachable = await context.probe(context.desired.hostName, context.desired.probe!, context.signal);
    return (observed) => ({ ...observed, reachable });
  },
};

type Act<Kind extends Step['kind']> = (context: LinkContext, step: Extract<Step, { kind: Kind }>) => Promise<Update>;

const acts: { readonly [Kind in Step['kind']]: Act<Kind> } = {
  'create-service': createService,
  'modify-service': modifyService,
  'tag-service': tagService,
  'modify-principals': modifyPrincipals,
  'delete-services': deleteServices,
  'create-endpoint': createEndpoint,
  'modify-endpoint': modifyEndpoint,
  'tag-endpoint': tagEndpoint,
  'accept-connection': acceptConnection,
  'delete-endpoints': deleteEndpoints,
  'create-zone': createZone,
  'tag-zone': tagZone,
  'put-record': putRecord,
  associate,
  disassociate,
  'withdraw-authorisation': withdrawAuthorisation,
  'delete-records': deleteRecords,
  'delete-zone': deleteZone,
  'reject-connections': rejectConnections,
};

/** A look or an act that failed, with the condition reason under which it is reported. */
export class MoveError extends PosternError {
  override readonly name = 'MoveError';
  readonly reason: string;
  constructor(reason: string, cause: Error) {
    super('MOVE', cause.message, { cause });
    this.reason = reason;
  }
}

export type Outcome = Extract<Next, { kind: 'wait' | 'fail' | 'done' }> & { readonly observed: Observed };

/** Told of each act, before the next move: what must be remembered is remembered here. */
export type OnAct = (step: Step, why: string, observed: Observed) => Promise<void>;

export async function makeMoves(
  context: LinkContext,
  plan: (observed: Observed) => Next,
  start: Observed,
  onAct: OnAct,
): Promise<Outcome> {
  let observed = start;
  for (let move = 0; move < movesMax; move++) {
    context.signal.throwIfAborted();
    const next = plan(observed);
    if (next.kind === 'look') {
      const update = await reported(next.at, () => looks[next.at](context, observed));
      observed = update(observed);
    } else if (next.kind === 'act') {
      const act = acts[next.step.kind] as Act<Step['kind']>;
      const update = await reported(next.step.kind, () => act(context, next.step));
      observed = update(observed);
      await onAct(next.step, next.why, observed);
    } else return { ...next, observed };
  }
  throw new PosternError('PLANNER', `the planner did not come to an end in ${movesMax} moves`);
}

/** Looks only, as far as they lead to `done`; undefined where something else comes next, and somebody must look closer. */
export async function verifyMoves(
  context: LinkContext,
  plan: (observed: Observed) => Next,
): Promise<Outcome | undefined> {
  let observed: Observed = {};
  for (let move = 0; move < movesMax; move++) {
    const next = plan(observed);
    if (next.kind === 'done') return { ...next, observed };
    if (next.kind !== 'look') return undefined;
    const update = await reported(next.at, () => looks[next.at](context, observed));
    observed = update(observed);
  }
  return undefined;
}

/** The same moves with nothing done: looks are real, acts are pretended, waits are assumed to end well. */
export async function pretendMoves(
  context: LinkContext,
  plan: (observed: Observed) => Next,
  onAct: (step: Step, why: string) => void,
): Promise<Outcome & { readonly waits: readonly string[] }> {
  let observed: Observed = {};
  const waits: string[] = [];
  for (let move = 0; move < movesMax; move++) {
    const next = plan(observed);
    if (next.kind === 'look') {
      const update = await reported(next.at, () => looks[next.at](context, observed));
      observed = update(observed);
    } else if (next.kind === 'act') {
      onAct(next.step, next.why);
      observed = expect(observed, next.step);
    } else {
      const after = next.kind === 'wait' ? expectAfterWait(observed) : observed;
      if (next.kind !== 'wait' || JSON.stringify(after) === JSON.stringify(observed))
        return { ...next, observed, waits };
      waits.push(next.message);
      observed = after;
    }
  }
  throw new PosternError('PLANNER', `the planner did not come to an end in ${movesMax} moves`);
}

async function reported<T>(what: Look | Step['kind'], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    throw new MoveError(reasonOf[what], error);
  }
}
