import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PosternError, UsageError } from '@postern/core';
import {
  findTerraform,
  lockState,
  parseEvent,
  readRecord,
  stillRuns,
  terraformEnvironment,
  type TerraformEvent,
  waitFor,
} from '@postern/terraform/run';
import type { Instance } from '../config/model.ts';
import { loadInstance } from '../generate/load.ts';
import { readIfThere } from '../generate/files.ts';
import { writeOutputs } from '../generate/outputs.ts';
import { stackDir, stateDir } from '../generate/paths.ts';
import { forgetRemovedStack, readRemovedStacks, type RemovedStack } from '../generate/removed.ts';
import { type StackInfo, type StackName, stackNames, stacksOf } from '../stacks/names.ts';
import type { StackJson } from '../stacks/synth.ts';
import { requireAccepted } from './acceptance.ts';
import { adopt } from './adopt.ts';
import { type Loss, lossesOf } from './losses.ts';
import { dependants, destroyOrder, missingUpstream, select } from './order.ts';
import { runRecordFile, type Tools, withoutGuards, Workspace } from './workspace.ts';

/** plan, deploy and destroy: Terraform over the stacks, in order. */

export interface DeployOptions {
  readonly dir: string;
  readonly targets: readonly string[];
  readonly ignoreDependencies: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly step: (text: string) => void;
  readonly onEvent: (stack: StackName, event: TerraformEvent) => void;
  readonly say: (text: string) => void;
  /** Asks before anything changes; false ends the command without a change. */
  readonly confirm: (what: Approval) => Promise<boolean>;
}

export interface Approval {
  readonly kind: 'apply' | 'destroy';
  readonly instance: string;
  readonly stacks: readonly StackPlan[];
}

export interface StackPlan {
  readonly stack: StackName;
  /** `waits`: cannot be planned before the stacks named are applied. */
  readonly state: 'planned' | 'waits' | 'destroyed with the next deploy';
  readonly after: readonly StackName[];
  readonly changes: readonly { readonly address: string; readonly action: string }[];
  readonly losses: readonly Loss[];
}

class Session {
  readonly options: DeployOptions;
  readonly instance: Instance;
  readonly removed: RemovedStack[];
  readonly wanted: StackInfo[];
  readonly #tools: Tools;

  constructor(options: DeployOptions) {
    this.options = options;
    this.instance = loadInstance(options.dir).instance;
    this.removed = readRemovedStacks(options.dir);
    this.wanted = stacksOf(this.instance);
    const folder = join(stateDir(options.dir), 'work');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const env = terraformEnvironment(options.env, folder);
    this.#tools = { binary: findTerraform(options.env), env, signal: options.signal, onEvent: options.onEvent };
  }

  workspace(stack: StackName): Workspace {
    return new Workspace(this.options.dir, stack, this.#tools);
  }

  json(stack: StackName): StackJson {
    const text = readIfThere(join(stackDir(this.options.dir, stack), 'cdk.tf.json'));
    if (text === undefined)
      throw new UsageError(`stack ${stack} is not generated yet`, { hint: `postern generate ${this.options.dir}` });
    return JSON.parse(text) as StackJson;
  }

  async prepare(stack: StackName, json = this.json(stack)): Promise<Workspace> {
    this.options.step(`${stack}: initialising`);
    const workspace = this.workspace(stack);
    await workspace.prepare(json);
    return workspace;
  }

  /** The stacks whose state holds something. */
  async applied(): Promise<Set<StackName>> {
    const result = new Set<StackName>();
    for (const name of stackNames) {
      const removed = this.removed.find((stack) => stack.name === name);
      if (removed === undefined && !this.wanted.some((stack) => stack.name === name)) continue;
      const workspace = this.workspace(name);
      await workspace.prepare(removed?.configuration ?? this.json(name));
      if (await workspace.applied()) result.add(name);
    }
    return result;
  }

  /** After a run that did not end in order: waits for its Terraform, then finds what that left unrecorded. */
  async recover(): Promise<void> {
    const file = runRecordFile(this.options.dir);
    const record = readRecord(file);
    if (record === undefined) return;
    const stack = record.stack as StackName;
    const workspace = this.workspace(stack);
    if (stillRuns(record)) {
      this.options.say(
        `${stack}: the Terraform of an earlier run (process ${record.pid}) is still at work; following it`,
      );
      const onLine = (line: string): void => {
        const event = parseEvent(line);
        if (event !== undefined) this.options.onEvent(stack, event);
      };
      await waitFor(record, onLine, this.options.signal);
    }
    const { gcp, aws, name } = this.instance;
    const place = { project: gcp.projectID, region: gcp.region, awsRegion: aws?.region, instance: name };
    for (const { address, id } of await adopt(workspace, record, place, this.options.signal))
      this.options.say(`${stack}: ${address} was made by the run that was killed; taken over as ${id}`);
    workspace.forgetRecord();
  }
}

function planOf(stack: StackName, events: readonly TerraformEvent[], state: StackPlan['state'] = 'planned'): StackPlan {
  const changes = events.flatMap((event) =>
    event.kind === 'planned' ? [{ address: event.address, action: event.action }] : [],
  );
  return { stack, state, after: [], changes, losses: lossesOf(events) };
}

export interface PlanResult {
  readonly instance: string;
  readonly stacks: readonly StackPlan[];
}

export async function plan(options: DeployOptions): Promise<PlanResult> {
  const session = new Session(options);
  using _lock = lockState(stateDir(options.dir), 'instance');
  await session.recover();
  const { wanted, removed } = select(
    session.wanted,
    session.removed.map(({ name }) => name),
    options.targets,
  );
  const applied = await session.applied();
  const stacks: StackPlan[] = [];
  for (const name of removed) stacks.push(await planRemoved(session, name));
  for (const stack of wanted) {
    const missing = missingUpstream(stack, applied, new Set());
    if (missing.length > 0 && !options.ignoreDependencies) {
      stacks.push({ stack: stack.name, state: 'waits', after: missing, changes: [], losses: [] });
      continue;
    }
    const workspace = await session.prepare(stack.name);
    options.step(`${stack.name}: planning`);
    stacks.push(planOf(stack.name, await workspace.plan(false)));
  }
  return { instance: session.instance.name, stacks };
}

async function planRemoved(session: Session, name: StackName): Promise<StackPlan> {
  const { configuration } = session.removed.find((stack) => stack.name === name)!;
  const workspace = await session.prepare(name, configuration);
  if (!(await workspace.applied())) return planOf(name, [], 'destroyed with the next deploy');
  session.options.step(`${name}: planning its destruction`);
  return planOf(name, await workspace.plan(true), 'destroyed with the next deploy');
}

export interface DeployResult {
  readonly instance: string;
  readonly stacks: readonly { readonly stack: StackName; readonly outcome: 'applied' | 'unchanged' | 'destroyed' }[];
}

export async function deploy(options: DeployOptions): Promise<DeployResult> {
  const session = new Session(options);
  using _lock = lockState(stateDir(options.dir), 'instance');
  const { wanted, removed } = select(
    session.wanted,
    session.removed.map(({ name }) => name),
    options.targets,
  );
  await session.recover();
  const applied = await session.applied();
  const before = new Set(wanted.map(({ name }) => name));
  for (const stack of wanted) {
    const missing = missingUpstream(stack, applied, before);
    if (missing.length > 0 && !options.ignoreDependencies)
      throw new UsageError(`${stack.name} is built on ${missing.join(', ')}, which is not applied`, {
        hint: `add --target ${missing.join(' --target ')}, or take --ignore-dependencies`,
      });
  }
  const done: { stack: StackName; outcome: 'applied' | 'unchanged' | 'destroyed' }[] = [];
  for (const name of removed) {
    if (await destroyRemoved(session, name)) done.push({ stack: name, outcome: 'destroyed' });
  }
  for (const { name } of wanted) done.push({ stack: name, outcome: await applyStack(session, name) });
  return { instance: session.instance.name, stacks: done };
}

async function applyStack(session: Session, name: StackName): Promise<'applied' | 'unchanged'> {
  const { options, instance } = session;
  const json = session.json(name);
  if (name === 'awsvpn' && instance.aws !== undefined) await requireAccepted(json, instance.aws.region, options.signal);
  const workspace = await session.prepare(name, json);
  options.step(`${name}: planning`);
  const planned = planOf(name, await workspace.plan(false));
  if (planned.changes.length > 0) {
    await approved(session, { kind: 'apply', instance: instance.name, stacks: [planned] });
    options.step(`${name}: applying ${planned.changes.length} changes`);
    await workspace.apply();
  }
  writeOutputs(options.dir, name, await workspace.outputs());
  return planned.changes.length > 0 ? 'applied' : 'unchanged';
}

async function destroyRemoved(session: Session, name: StackName): Promise<boolean> {
  const planned = await planRemoved(session, name);
  if (planned.changes.length > 0) {
    await approved(session, { kind: 'destroy', instance: session.instance.name, stacks: [planned] });
    session.options.step(`${name}: destroying ${planned.changes.length} resources`);
    await session.workspace(name).apply();
  }
  forgetRemovedStack(session.options.dir, name);
  writeOutputs(session.options.dir, name, undefined);
  return planned.changes.length > 0;
}

export async function destroy(options: DeployOptions): Promise<DeployResult> {
  const session = new Session(options);
  using _lock = lockState(stateDir(options.dir), 'instance');
  const { wanted, removed } = select(
    session.wanted,
    session.removed.map(({ name }) => name),
    options.targets,
  );
  await session.recover();
  const applied = await session.applied();
  const going = new Set([...wanted.map(({ name }) => name), ...removed].filter((name) => applied.has(name)));
  for (const name of going) {
    const standing = dependants(name, applied, going);
    if (standing.length > 0 && !options.ignoreDependencies)
      throw new UsageError(`${standing.join(', ')} is built on ${name} and still stands`, {
        hint: `add --target ${standing.join(' --target ')}, or take --ignore-dependencies`,
      });
  }
  const plans: StackPlan[] = [];
  for (const name of destroyOrder([...going])) {
    const gone = session.removed.find((stack) => stack.name === name)?.configuration;
    const workspace = await session.prepare(name, withoutGuards(gone ?? session.json(name)));
    options.step(`${name}: planning its destruction`);
    plans.push(planOf(name, await workspace.plan(true)));
  }
  if (plans.some(({ changes }) => changes.length > 0))
    await approved(session, { kind: 'destroy', instance: session.instance.name, stacks: plans });
  const done: { stack: StackName; outcome: 'destroyed' }[] = [];
  for (const { stack, changes } of plans) {
    options.step(`${stack}: destroying ${changes.length} resources`);
    await session.workspace(stack).apply();
    writeOutputs(options.dir, stack, undefined);
    forgetRemovedStack(options.dir, stack);
    done.push({ stack, outcome: 'destroyed' });
  }
  return { instance: session.instance.name, stacks: done };
}

async function approved(session: Session, approval: Approval): Promise<void> {
  session.options.signal.throwIfAborted();
  if (await session.options.confirm(approval)) return;
  throw new PosternError('NOT_APPROVED', 'not approved: nothing was changed by this step', {
    hint: 'confirm on a terminal, or take --auto-approve',
    exitCode: 2,
  });
}
