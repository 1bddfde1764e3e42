import { type Clock, PosternError } from '@postern/core';
import { type FolderReport, keyOf, type ObjectKey, openStore, type StoreSource } from '@postern/resources';
import { asOurselves } from './component.ts';
import { privateLinkKinds } from './kinds/index.ts';
import { explain } from './plan/explain.ts';
import { next } from './plan/next.ts';
import type { Observed } from './plan/observed.ts';
import type { Step } from './plan/steps.ts';
import { nextTeardown } from './plan/teardown.ts';
import { Controller } from './reconcile/controller.ts';
import { linkKindOf, type LinkResource, linkResources } from './reconcile/link-kinds.ts';
import { type Outcome, pretendMoves } from './reconcile/moves.ts';
import { contextFor, desiredForCleanUp, desiredLink, type PassWorld, prepare } from './reconcile/prepare.ts';

/** What the controller would do, and why: the same planner over the same looks, with nothing done. */

export interface PlannedStep {
  readonly step: Step;
  readonly text: string;
  readonly why: string;
}

export interface LinkPlan {
  readonly object: ObjectKey;
  /** What it comes to: a link, its removal, or nothing. */
  readonly goal: 'link' | 'removal' | 'nothing';
  readonly steps: readonly PlannedStep[];
  readonly waits: readonly string[];
  /** Set when the way ends before the goal. */
  readonly problem?: { readonly reason: string; readonly message: string };
  readonly note?: string;
}

export interface PlanOptions {
  readonly source: StoreSource;
  readonly awsEndpoint?: string | undefined;
  readonly confirmPrune: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

export async function planLinks(
  options: PlanOptions,
): Promise<{ readonly plans: readonly LinkPlan[]; readonly report: FolderReport }> {
  const { source, clock, random, confirmPrune, awsEndpoint, signal } = options;
  const opened = await openStore({
    source,
    kinds: privateLinkKinds,
    clock,
    random,
    confirmPrune,
    mode: 'read',
    ...asOurselves,
  });
  const { store } = opened;
  const controller = new Controller({ store, clock, random, awsEndpoint });
  try {
    const plans: LinkPlan[] = [];
    for (const resource of await linkResources(store)) plans.push(await planOne(controller.world, resource, signal));
    return { plans, report: opened.report() };
  } finally {
    controller.close();
    await opened.close();
  }
}

async function planOne(world: PassWorld, resource: LinkResource, signal: AbortSignal): Promise<LinkPlan> {
  const link = linkKindOf(resource)!;
  const object = keyOf(resource);
  const { gate, config } = await prepare(world.store, link, resource);
  const nothing = (note: string): LinkPlan => ({ object, goal: 'nothing', steps: [], waits: [], note });
  if (gate.kind === 'none') return nothing('it asks for no private link');
  if (gate.kind === 'paused') return nothing('reconciling is paused by annotation');
  if (gate.kind === 'let-go') return nothing('preserveOnDelete: its resources stay');
  if (gate.kind === 'await-provision') return nothing(gate.message);
  const removal = gate.kind !== 'link';
  const desired = removal
    ? await desiredForCleanUp(world.store, resource, config, gate.ask)
    : await desiredLink(world.store, resource, config, gate.ask);
  const context = contextFor(world, link, resource, config, desired, { forCleanUp: removal, signal });
  const steps: PlannedStep[] = [];
  const onAct = (step: Step, why: string): void => void steps.push({ step, text: explain(step), why });
  const plan = removal ? nextTeardown : (observed: Observed) => next(desired, observed, context.known);
  const goal = removal ? 'removal' : 'link';
  try {
    const outcome = await pretendMoves(context, plan, onAct);
    return { object, goal, steps, waits: outcome.waits, ...problemOf(outcome) };
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    const reason = 'reason' in error ? String(error.reason) : error.code;
    return { object, goal, steps, waits: [], problem: { reason, message: error.message } };
  }
}

function problemOf(outcome: Outcome): Pick<LinkPlan, 'problem'> {
  return outcome.kind === 'done' ? {} : { problem: { reason: outcome.reason, message: outcome.message } };
}
