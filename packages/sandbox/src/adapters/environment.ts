/** The environment as a whole: generate its tree; plan, deploy and destroy its stacks in order; verify what stands. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Diagnostic, PosternError, UsageError, didYouMean } from '@postern/core';
import { stringify } from 'yaml';
import { platformManifests, tenantAdmission } from '../baseline/admission.ts';
import type { Manifest } from '../baseline/labels.ts';
import { tenantManifests } from '../baseline/manifests.ts';
import { awsAuth } from '../plan/access.ts';
import type { Resources } from '../plan/load.ts';
import { type Sandbox, isAws } from '../plan/sandbox.ts';
import {
  type StackName,
  type TerraformStackName,
  destroyOrder,
  stackAfter,
  stackNames,
  terraformStacks,
} from '../stacks/names.ts';
import { type Change, applyTenants, listTenants, removeTenant } from './tenants.ts';
import type { Cluster } from './cluster.ts';
import { loadFiles } from './files.ts';
import { Terraform, hasLocalState, stackDir, stateFile, takeTurn } from './terraform.ts';
import { type TreeFile, type TreeResult, writeTree } from './tree.ts';

/** The documents of a sandbox's folder; one of them must be the Sandbox. */
export async function loadSandbox(dir: string): Promise<Resources & { readonly sandbox: Sandbox }> {
  const resources = await loadFiles([dir]);
  if (resources.sandbox === undefined)
    throw new UsageError(`${dir} holds no Sandbox document`, { hint: 'postern sandbox init writes one' });
  return { ...resources, sandbox: resources.sandbox };
}

export function stacksOf(sandbox: Sandbox): readonly StackName[] {
  return isAws(sandbox) ? stackNames : ['kube'];
}

export async function generate(
  dir: string,
  nowMs: number,
): Promise<TreeResult & { readonly warnings: readonly Diagnostic[] }> {
  const resources = await loadSandbox(dir);
  return { ...(await writeTree(dir, await treeOf(resources, nowMs))), warnings: resources.warnings };
}

async function treeOf(resources: Resources & { readonly sandbox: Sandbox }, nowMs: number): Promise<TreeFile[]> {
  const { sandbox, tenants, projects } = resources;
  const yaml = (manifests: readonly Manifest[]): string =>
    manifests.map((one) => stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
  const files: TreeFile[] = [
    {
      path: 'kube/00-platform.yaml',
      text: yaml([...platformManifests(), ...(isAws(sandbox) ? awsAuth(sandbox, projects) : [])]),
    },
  ];
  for (const tenant of tenants)
    files.push({
      path: `kube/tenant-${tenant.name}.yaml`,
      text: yaml([...tenantAdmission(tenant.name), ...tenantManifests(tenant, tenants, nowMs)]),
    });
  if (isAws(sandbox)) {
    const { synthesize } = await import('../stacks/synth.ts');
    for (const [name, json] of synthesize({ sandbox, projects }))
      files.push({ path: `terraform/stacks/${name}/cdk.tf.json`, text: `${JSON.stringify(json, null, 2)}\n` });
  }
  return files;
}

export interface RunOptions {
  readonly dir: string;
  readonly targets: readonly string[];
  readonly ignoreDependencies: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly step: (text: string) => void;
  readonly done: (text: string) => void;
  /** The cluster, opened only when a stack needs it. */
  readonly cluster: () => Promise<Cluster>;
  /** Shows what would happen and asks; false stops. */
  readonly approve: (stack: StackName, summary: string) => Promise<boolean>;
}

export interface StackOutcome {
  readonly stack: StackName;
  readonly action: 'planned' | 'applied' | 'destroyed' | 'unchanged' | 'skipped';
  readonly summary: string;
}

export async function planEnvironment(options: RunOptions): Promise<StackOutcome[]> {
  const { resources, stacks } = await prepare(options);
  using _turn = await takeTurn(options);
  const outcomes: StackOutcome[] = [];
  for (const stack of stacks) {
    if (stack === 'kube') {
      outcomes.push(await planKube(resources, options));
      continue;
    }
    const missing = await missingUpstream(stack, options);
    if (missing.length > 0) {
      outcomes.push({ stack, action: 'skipped', summary: `can be planned once ${missing.join(' and ')} stand` });
      continue;
    }
    const { summary, changes } = await planStack(stack, options);
    outcomes.push({ stack, action: changes ? 'planned' : 'unchanged', summary });
  }
  return outcomes;
}

export async function deployEnvironment(options: RunOptions): Promise<StackOutcome[]> {
  const { resources, stacks } = await prepare(options);
  using _turn = await takeTurn(options);
  const outcomes: StackOutcome[] = [];
  for (const stack of stacks) {
    const missing = options.ignoreDependencies ? [] : await missingUpstream(stack, options);
    if (missing.length > 0)
      throw new PosternError(
        'UPSTREAM',
        `${stack} is built on ${missing.join(' and ')}, which ${missing.length === 1 ? 'is' : 'are'} not applied`,
        { hint: `deploy ${missing.join(', ')} first, or all stacks; --ignore-dependencies goes on` },
      );
    const outcome = stack === 'kube' ? await applyKube(resources, options) : await applyStack(stack, options);
    outcomes.push(outcome);
    options.done(`${stack}: ${outcome.summary}`);
    if (outcome.action === 'skipped') break;
  }
  return outcomes;
}

/** In reverse; the tenants' workloads go before the cluster, because nodes and volumes that nobody records would stay behind. */
export async function destroyEnvironment(
  options: RunOptions & { readonly skipDrain: boolean; readonly deleteVolumes: boolean },
): Promise<StackOutcome[]> {
  const { stacks } = await prepare(options);
  using _turn = await takeTurn(options);
  const outcomes: StackOutcome[] = [];
  const drains =
    stacks.includes('eks') && !stacks.includes('kube') && !options.skipDrain && (await isApplied('eks', options));
  if (drains)
    throw new PosternError('DRAIN', 'eks is to go and the workloads in it are not', {
      hint: 'destroy kube as well (or all stacks); --skip-drain says that nothing runs there any more',
    });
  for (const stack of destroyOrder(stacks)) {
    let outcome: StackOutcome;
    if (stack === 'kube')
      outcome = options.skipDrain
        ? { stack, action: 'skipped', summary: 'not drained, as told' }
        : await drain(options);
    else if (!(await isApplied(stack, options))) outcome = { stack, action: 'unchanged', summary: 'does not stand' };
    else {
      if (!(await options.approve(stack, `destroys everything of the stack ${stack}`)))
        return [...outcomes, { stack, action: 'skipped', summary: 'not approved' }];
      const { output } = await new Terraform(stack, options).destroy();
      outcome = {
        stack,
        action: 'destroyed',
        summary: /Destroy complete! Resources: (\d+) destroyed/.exec(output)?.[0] ?? 'destroyed',
      };
    }
    outcomes.push(outcome);
    options.done(`${stack}: ${outcome.summary}`);
  }
  return outcomes;
}

async function prepare({ dir, targets, clock }: RunOptions) {
  const resources = await loadSandbox(dir);
  const all = stacksOf(resources.sandbox);
  for (const target of targets)
    if (!all.some((name) => name === target)) {
      const near = didYouMean(target, all);
      throw new UsageError(`this sandbox has no stack ${target}`, {
        hint: near === undefined ? `its stacks: ${all.join(', ')}` : `did you mean ${near}?`,
      });
    }
  await writeTree(dir, await treeOf(resources, clock.now()));
  await mkdir(join(dir, 'state'), { recursive: true });
  return { resources, stacks: targets.length === 0 ? all : all.filter((name) => targets.includes(name)) };
}

async function missingUpstream(stack: StackName, options: RunOptions): Promise<StackName[]> {
  const missing: StackName[] = [];
  const { sandbox } = await loadSandbox(options.dir);
  for (const name of stackAfter[stack])
    if (stacksOf(sandbox).includes(name) && !(await isApplied(name, options))) missing.push(name);
  return missing;
}

/** By its state: something is recorded. */
export async function isApplied(
  stack: StackName,
  options: Pick<RunOptions, 'dir' | 'environment' | 'step' | 'signal'>,
): Promise<boolean> {
  if (!terraformStacks.some((name) => name === stack)) return false;
  const { dir } = options;
  const name = stack as TerraformStackName;
  if (hasLocalState(dir, name)) {
    const state = JSON.parse(await readFile(stateFile(dir, name), 'utf8')) as { resources?: unknown[] };
    return (state.resources ?? []).length > 0;
  }
  const json = JSON.parse(await readFile(join(stackDir(dir, name), 'cdk.tf.json'), 'utf8')) as {
    terraform: { backend?: { local?: unknown } };
  };
  if (json.terraform.backend?.local !== undefined) return false;
  const terraform = new Terraform(name, options);
  await terraform.init();
  return (await terraform.stateList()).trim() !== '';
}

async function planStack(
  stack: TerraformStackName,
  options: RunOptions,
): Promise<{ summary: string; text: string; changes: boolean; terraform: Terraform }> {
  const terraform = new Terraform(stack, options);
  options.step(`${stack}: terraform init`);
  await terraform.init();
  options.step(`${stack}: terraform plan`);
  const { changes, output } = await terraform.plan();
  const planned = /^Plan: .*$/m.exec(output)?.[0] ?? 'changes its outputs';
  return { summary: changes ? planned : 'as it should be', text: output, changes, terraform };
}

async function applyStack(stack: TerraformStackName, options: RunOptions): Promise<StackOutcome> {
  const { summary, text, changes, terraform } = await planStack(stack, options);
  if (!changes) return { stack, action: 'unchanged', summary };
  if (!(await options.approve(stack, text))) return { stack, action: 'skipped', summary: 'not approved' };
  const { output } = await terraform.apply();
  return { stack, action: 'applied', summary: /Apply complete! Resources: .*$/m.exec(output)?.[0] ?? 'applied' };
}

type Loaded = Resources & { readonly sandbox: Sandbox };

async function openRight(resources: Loaded, options: RunOptions): Promise<Cluster> {
  const cluster = await options.cluster();
  if (!isAws(resources.sandbox)) return cluster;
  const text = await readFile(stateFile(options.dir, 'eks'), 'utf8').catch(() => undefined);
  const endpoint =
    text === undefined
      ? undefined
      : (JSON.parse(text) as { outputs?: { endpoint?: { value?: string } } }).outputs?.endpoint?.value;
  if (endpoint !== undefined && endpoint !== cluster.server)
    throw new PosternError(
      'WRONG_CLUSTER',
      `the context ${cluster.name} is ${cluster.server}; this sandbox’s cluster is ${endpoint}`,
      {
        hint: `aws eks update-kubeconfig --region ${resources.sandbox.spec.region} --name ${resources.sandbox.name}`,
      },
    );
  return cluster;
}

async function runKube(resources: Loaded, options: RunOptions, dryRun: boolean): Promise<Change[]> {
  const cluster = await openRight(resources, options);
  const result = await applyTenants(cluster, {
    tenants: resources.tenants,
    selected: resources.tenants.map((one) => one.name),
    nowMs: options.clock.now(),
    dryRun,
    adopt: false,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    step: options.step,
  });
  for (const warning of result.warnings) options.done(`warning: ${warning}`);
  return result.changes.filter((change) => change.action !== 'unchanged');
}

async function planKube(resources: Loaded, options: RunOptions): Promise<StackOutcome> {
  try {
    const changes = await runKube(resources, options, true);
    return {
      stack: 'kube',
      action: changes.length === 0 ? 'unchanged' : 'planned',
      summary: changes.length === 0 ? 'as it should be' : `${changes.length} objects would change`,
    };
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    return { stack: 'kube', action: 'skipped', summary: `cannot be compared: ${error.message.split('\n')[0]}` };
  }
}

async function applyKube(resources: Loaded, options: RunOptions): Promise<StackOutcome> {
  const changes = await runKube(resources, options, true);
  if (changes.length === 0) return { stack: 'kube', action: 'unchanged', summary: 'as it should be' };
  if (!(await options.approve('kube', changes.map((change) => `${change.action} ${change.object}`).join('\n'))))
    return { stack: 'kube', action: 'skipped', summary: 'not approved' };
  const done = await runKube(resources, options, false);
  return { stack: 'kube', action: 'applied', summary: `${done.length} objects changed` };
}

async function drain(options: RunOptions & { readonly deleteVolumes: boolean }): Promise<StackOutcome> {
  const { sandbox, ...rest } = await loadSandbox(options.dir);
  if (isAws(sandbox) && !(await isApplied('eks', options)))
    return { stack: 'kube', action: 'unchanged', summary: 'there is no cluster' };
  const cluster = await openRight({ sandbox, ...rest }, options);
  const tenants = await listTenants(cluster, options.signal);
  if (tenants.length === 0) return { stack: 'kube', action: 'unchanged', summary: 'nothing runs' };
  if (
    !(await options.approve(
      'kube',
      `removes the tenants ${tenants.map((one) => one.name).join(', ')} and all that runs in them`,
    ))
  )
    throw new PosternError('DECLINED', 'not approved: nothing was destroyed');
  for (const { name } of tenants)
    await removeTenant(cluster, name, {
      clock: options.clock,
      dryRun: false,
      deleteVolumes: options.deleteVolumes,
      step: options.step,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  return { stack: 'kube', action: 'destroyed', summary: `${tenants.length} tenants drained and removed` };
}
