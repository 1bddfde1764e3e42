import { errorMessage, PosternError, type Clock } from '@postern/core';
import { ConflictError, keyText, type ObjectKey } from '@postern/resources';
import type { HiveConfigSpec } from '../kinds/hive-config.ts';
import * as conditions from '../plan/conditions.ts';
import type { CleanUpAsk, LinkAsk } from '../plan/gate.ts';
import { compact, linkStatusFrom } from '../plan/link-status.ts';
import { associationsAnnotation, epochAnnotation, finalizer, lastCleanupAnnotation } from '../plan/names.ts';
import { next } from '../plan/next.ts';
import type { Observed } from '../plan/observed.ts';
import { progressOf, type Step } from '../plan/steps.ts';
import { nextTeardown } from '../plan/teardown.ts';
import { AwsError, isAwsError } from '../providers/aws/errors.ts';
import { explain } from '../plan/explain.ts';
import { fingerprint } from './fingerprint.ts';
import type { ReconcileHooks, Verdict } from './hooks.ts';
import { type LinkKind, linkKindOf, type LinkResource } from './link-kinds.ts';
import { LinkMemory } from './link-memory.ts';
import { makeMoves, MoveError, type Outcome, verifyMoves } from './moves.ts';
import { isPassing } from './retry.ts';
import { ObjectWriter } from './object-writer.ts';
import {
  contextFor,
  desiredForCleanUp,
  desiredLink,
  epochOf,
  formerAssociations,
  type PassWorld,
  prepare,
} from './prepare.ts';

/** One look at one object: what it asks for, what is there, the moves between, and what is written down about it. */

export interface ReconcilerOptions {
  readonly world: PassWorld;
  readonly clock: Clock;
  readonly random: () => number;
  /** A link that is Ready is looked at again after this, for drift. */
  readonly resyncMs: number;
  readonly hooks: ReconcileHooks;
  readonly signal: AbortSignal;
}

/** A failure that passes by itself is only shown when it lasts: one broken connection must not turn a Ready link Failed. */
const passingFailuresShownFrom = 3;
const conflictRetryMs = 200;

type Writer = ObjectWriter<unknown>;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #memory: LinkMemory;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#memory = new LinkMemory(options.clock, options.random);
  }

  async reconcile(key: ObjectKey): Promise<Verdict> {
    const verdict = await this.#reconcile(key).catch((error: unknown) => this.#unexpected(key, error));
    this.#options.hooks.onVerdict?.(key, verdict);
    return verdict;
  }

  /** What the store refused, or a defect: the object is looked at again, the controller goes on. */
  #unexpected(key: ObjectKey, error: unknown): Verdict {
    if (this.#options.signal.aborted || !(error instanceof PosternError)) throw error;
    const conflict = error instanceof ConflictError;
    this.#memory.forgetPlan(keyText(key));
    const afterMs = conflict ? conflictRetryMs : this.#memory.failed(keyText(key), error).afterMs;
    return {
      state: conflict ? 'waiting' : 'failed',
      reason: error.code,
      message: errorMessage(error),
      afterMs,
      settled: !conflict,
    };
  }

  async #reconcile(key: ObjectKey): Promise<Verdict> {
    const { store } = this.#options.world;
    const link = linkKindOf(key)!;
    const resource = await store.get(link.kind, key);
    if (resource === undefined) {
      this.#memory.drop(keyText(key));
      return verdict('gone', '', '', undefined, true);
    }
    const now = (): string => new Date(this.#options.clock.now()).toISOString();
    const writer: Writer = new ObjectWriter(store, link.kind, resource, now);
    const { gate, config } = await prepare(store, link, resource);
    if (gate.kind === 'paused')
      return verdict('idle', 'Paused', 'reconciling is paused by annotation', undefined, true);
    writer.setConditions(conditions.initialised);
    if (gate.kind === 'none') {
      await writer.flush();
      return verdict('idle', '', '', undefined, true);
    }
    if (gate.kind === 'let-go') {
      await writer.patch({ removeFinalizers: [finalizer] });
      return verdict('gone', 'Preserved', 'its resources stay', undefined, true);
    }
    if (gate.kind === 'await-provision') {
      await writer.flush();
      return verdict('waiting', 'AwaitingProvision', gate.message, undefined, true);
    }
    const print = await fingerprint(store, resource, config, gate);
    const known = this.#memory.verdictIfFresh(keyText(key), print);
    if (known !== undefined) return known;
    const result =
      gate.kind === 'link'
        ? await this.#makeLink(link, writer, config, gate.ask, print)
        : await this.#cleanUp(link, writer, config, gate.ask, gate.kind === 'clean-up-previous', print);
    this.#memory.remember(keyText(key), print, result);
    return result;
  }

  async #makeLink(
    link: LinkKind,
    writer: Writer,
    config: HiveConfigSpec | undefined,
    ask: LinkAsk,
    print: string,
  ): Promise<Verdict> {
    const { world, signal } = this.#options;
    const id = keyText(keyOfResource(writer.resource));
    const desired = await desiredLink(world.store, writer.resource, config, ask);
    const works = writer.link.vpcEndpointID !== undefined;
    if (desired.inventory.length === 0 && !works)
      return this.#fail(writer, 'UnsupportedRegion', unsupported(ask.region), undefined);
    // The configuration went, the links stay: without the hub's credentials there is nothing to do and nothing to say.
    if (config?.awsPrivateLink === undefined || config.awsPrivateLink === null)
      return verdict(
        'ready',
        'Unmaintained',
        'HiveConfig has no spec.awsPrivateLink; the link stays as it is',
        undefined,
        true,
      );
    await this.#claim(writer, desired.associatedVpcs);
    const context = contextFor(world, link, writer.resource, config, desired, { forCleanUp: false, signal });
    const onAct = async (step: Step, why: string, observed: Observed): Promise<void> => {
      this.#memory.acted(id);
      await this.#tell(writer, step, why);
      writer.setLink(compact(linkStatusFrom(writer.link, desired, observed, context.known)));
      const progress = progressOf[step.kind];
      if (progress !== undefined)
        writer.setConditions((list, now) => conditions.progressing(list, progress.reason, progress.message, now));
      if (remembered.has(step.kind)) await writer.flush();
    };
    const plan = (observed: Observed) => next(desired, observed, context.known);
    try {
      const before = this.#memory.resume(id, print);
      const shared = world.shared.since(this.#memory.actedAtMs(id));
      const verified = this.#isSettled(writer) ? await verifyMoves({ ...context, shared }, plan) : undefined;
      const outcome = verified ?? (await makeMoves(context, plan, before, onAct));
      writer.setLink(compact(linkStatusFrom(writer.link, desired, outcome.observed, context.known)));
      return await this.#settle(writer, outcome, print);
    } catch (error) {
      return await this.#failed(writer, error, undefined);
    }
  }

  /** Ready, with everything named: most likely it still is, and then a look at what all share is enough. */
  #isSettled(writer: Writer): boolean {
    const { vpcEndpointService, vpcEndpointID, hostedZoneID } = writer.link;
    const named = [vpcEndpointService?.id, vpcEndpointID, hostedZoneID].every((id) => id !== undefined && id !== '');
    const ready = conditions.find(writer.conditions, conditions.readyType)?.status === 'True';
    return ready && named && !this.#memory.isWaiting(keyText(keyOfResource(writer.resource)));
  }

  /** The finalizer before the first call to AWS; and whose Secret associated which VPC, for the day it is forgotten. */
  async #claim(
    writer: Writer,
    associated: ReadonlyArray<{ readonly vpcId: string; readonly secretName: string | undefined }>,
  ): Promise<void> {
    const { metadata } = writer.resource;
    const before = formerAssociations(writer.resource);
    const secrets = Object.fromEntries(
      associated.flatMap(({ vpcId, secretName }) => (secretName ? [[vpcId, secretName]] : [])),
    );
    const after = { ...before, ...secrets };
    const changed = JSON.stringify(after) !== JSON.stringify(before);
    if (metadata.finalizers.includes(finalizer) && !changed) return;
    await writer.patch({
      addFinalizers: [finalizer],
      ...(changed ? { annotations: { [associationsAnnotation]: JSON.stringify(after) } } : {}),
    });
  }

  async #settle(writer: Writer, outcome: Outcome, print: string): Promise<Verdict> {
    const id = keyText(keyOfResource(writer.resource));
    if (outcome.kind === 'fail') return this.#fail(writer, outcome.reason, outcome.message, undefined);
    if (outcome.kind === 'wait') {
      const wait = this.#memory.waiting(id, outcome.for, print, outcome.observed);
      if (wait.tooLong)
        writer.setConditions((list, now) =>
          conditions.failed(list, wait.rule.failReason, `still ${outcome.message}`, now),
        );
      else writer.setConditions((list, now) => conditions.progressing(list, outcome.reason, outcome.message, now));
      await writer.flush();
      return verdict('waiting', outcome.reason, outcome.message, wait.afterMs, wait.rule.external);
    }
    const wasReady = conditions.find(writer.conditions, conditions.readyType)?.status === 'True';
    writer.setConditions((list, now) => conditions.ready(list, outcome.message, now));
    await writer.flush();
    this.#memory.succeeded(id);
    if (!wasReady) {
      const seconds = (this.#options.clock.now() - Date.parse(writer.resource.metadata.creationTimestamp)) / 1000;
      this.#options.hooks.onReady?.(keyOfResource(writer.resource), seconds);
      await writer.event({ type: 'Normal', reason: conditions.readyReason, message: outcome.message });
    }
    // A tenth either way: clusters that became ready together should not come back together.
    const afterMs = Math.round(this.#options.resyncMs * (0.9 + 0.2 * this.#options.random()));
    return verdict('ready', conditions.readyReason, outcome.message, afterMs, true);
  }

  async #cleanUp(
    link: LinkKind,
    writer: Writer,
    config: HiveConfigSpec | undefined,
    ask: CleanUpAsk,
    previous: boolean,
    print: string,
  ): Promise<Verdict> {
    const { world, signal } = this.#options;
    const id = keyText(keyOfResource(writer.resource));
    const failReason = previous ? 'CleanupForProvisionReattemptFailed' : 'CleanupForDeprovisionFailed';
    const desired = await desiredForCleanUp(world.store, writer.resource, config, ask);
    const context = contextFor(world, link, writer.resource, config, desired, { forCleanUp: true, signal });
    const onAct = (step: Step, why: string): Promise<void> => this.#tell(writer, step, why);
    try {
      const outcome = await makeMoves(context, nextTeardown, this.#memory.resume(id, print), onAct);
      if (outcome.kind === 'done') return await this.#cleaned(writer, ask, previous, outcome.message);
      if (outcome.kind === 'fail') return await this.#fail(writer, failReason, outcome.message, undefined);
      const wait = this.#memory.waiting(id, outcome.for, print, outcome.observed);
      const say = wait.tooLong ? conditions.failed : conditions.removing;
      const reason = wait.tooLong ? failReason : outcome.reason;
      writer.setConditions((list, now) => say(list, reason, outcome.message, now));
      await writer.flush();
      return verdict('removing', outcome.reason, outcome.message, wait.afterMs, wait.rule.external);
    } catch (error) {
      return await this.#failed(writer, error, failReason);
    }
  }

  async #cleaned(writer: Writer, ask: CleanUpAsk, previous: boolean, message: string): Promise<Verdict> {
    this.#memory.drop(keyText(keyOfResource(writer.resource)));
    const reason = previous ? 'PreviousAttemptCleanupComplete' : 'DeprovisionCleanupComplete';
    writer.setLink(undefined);
    writer.setConditions((list, now) => conditions.removed(list, reason, message, now));
    await writer.event({ type: 'Normal', reason, message });
    const epoch = { [epochAnnotation]: String(epochOf(writer.resource) + 1) };
    if (previous) {
      await writer.patch({ annotations: { ...epoch, [lastCleanupAnnotation]: ask.owner } });
      return verdict('waiting', reason, message, 0, false);
    }
    const left = await writer.patch({
      removeFinalizers: [finalizer],
      annotations: { ...epoch, [associationsAnnotation]: undefined },
    });
    return verdict(left ? 'idle' : 'gone', reason, message, undefined, true);
  }

  async #tell(writer: Writer, step: Step, why: string): Promise<void> {
    this.#options.hooks.onAct?.(keyOfResource(writer.resource), step, why);
    const reason = step.kind.replace(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase());
    await writer.event({ type: 'Normal', reason, message: `${explain(step)}: ${why}` });
  }

  async #fail(writer: Writer, reason: string, message: string, error: unknown): Promise<Verdict> {
    const retry = this.#memory.failed(keyText(keyOfResource(writer.resource)), error);
    const failing = conditions.find(writer.conditions, conditions.failedType);
    const before = writer.conditions;
    writer.setConditions((list, now) => conditions.failed(list, reason, message, now));
    if (before !== writer.conditions || failing?.status !== 'True')
      await writer.event({ type: 'Warning', reason, message });
    await writer.flush();
    return verdict('failed', reason, message, retry.afterMs, !retry.passing);
  }

  async #failed(writer: Writer, error: unknown, reason: string | undefined): Promise<Verdict> {
    if (!(error instanceof MoveError)) throw error;
    this.#memory.forgetPlan(keyText(keyOfResource(writer.resource)));
    if (error.cause instanceof AwsError && isPassing(error.cause)) {
      const retry = this.#memory.failed(keyText(keyOfResource(writer.resource)), error);
      const hidden = isAwsError(error.cause, 'throttled') || retry.failures < passingFailuresShownFrom;
      if (hidden) {
        await writer.flush();
        return verdict('waiting', error.reason, error.message, retry.afterMs, false);
      }
    }
    return this.#fail(writer, reason ?? error.reason, error.message, error);
  }
}

/** After these the status carries a new id: it is written before the next call to AWS. */
const remembered: ReadonlySet<Step['kind']> = new Set([
  'create-service',
  'create-endpoint',
  'tag-zone',
  'modify-principals',
]);

function unsupported(region: string): string {
  return `no VPC of the endpointVPCInventory in HiveConfig is in region ${region}; add one there`;
}

function verdict(
  state: Verdict['state'],
  reason: string,
  message: string,
  afterMs: number | undefined,
  settled: boolean,
): Verdict {
  return { state, reason, message, afterMs, settled };
}

function keyOfResource({ kind, metadata: { namespace, name } }: LinkResource): ObjectKey {
  return { kind, namespace, name };
}
