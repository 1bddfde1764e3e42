/** `postern generate`: writes the tree, removes what a disabled feature generated, and records stacks that were switched off. */
import { join } from 'node:path';
import type { Diagnostic } from '@postern/core';
import type { Problem } from '../config/check.ts';
import type { Instance } from '../config/model.ts';
import { chooseImage, parseLock } from '../images/reference.ts';
import { baseKustomization } from '../kustomize/tree.ts';
import { type StackName, stackNames, stacksOf } from '../stacks/names.ts';
import { knownOutputs } from '../stacks/outputs.ts';
import { listDirectory, readIfThere, removeFile, removeTree, writeWhole } from './files.ts';
import { loadInstance } from './load.ts';
import { readManifest, writeManifest } from './manifest.ts';
import { readRemovedStacks, type RemovedStack, withoutResources, writeRemovedStacks } from './removed.ts';
import { readOutputs } from './outputs.ts';
import { imagesLockFile } from './paths.ts';
import { serviceNames } from './services.ts';
import { type Part, parts, partTree, type TreeInput } from './tree.ts';
import { version } from './version.ts';

export interface GenerateOptions {
  /** Also readable HCL beside each stack. */
  readonly hcl?: boolean;
  /** Default: all. */
  readonly parts?: readonly Part[];
}

export interface Generated {
  /** Paths inside the instance's directory. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
  /** Stacks that are off but not destroyed yet. */
  readonly removedStacks: readonly StackName[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Everything is computed before the first write: a wrong configuration changes nothing. */
export function generate(dir: string, options: GenerateOptions = {}): Generated {
  const wanted = options.parts ?? parts;
  const { instance, diagnostics, place } = loadInstance(dir);
  const { input, problems } = inputOf(dir, instance, options.hcl ?? false);
  const trees = wanted.map((part) => [part, partTree(part, input)] as const);
  const found = [...(wanted.includes('kustomize') ? problems : []), ...trees.flatMap(([, tree]) => tree.problems)];
  const before = readManifest(dir);
  const removedStacks = wanted.includes('cdktf')
    ? removedNow(dir, new Set(stacksOf(instance).map(({ name }) => name)))
    : readRemovedStacks(dir);

  const written: string[] = [];
  const removed: string[] = [];
  let unchanged = 0;
  // Recorded before the files go: a crash in between leaves a stack recorded twice, never forgotten.
  if (writeRemovedStacks(dir, removedStacks)) written.push('stacks.removed.yaml');
  if (wanted.includes('kustomize') && ensureBase(dir)) written.push(basePath);
  const after = { ...before };
  for (const [part, { files }] of trees) {
    for (const [path, text] of files) {
      if (writeWhole(join(dir, path), text)) written.push(path);
      else unchanged++;
    }
    removed.push(...removeStale(dir, part, files, before[part] ?? []));
    after[part] = [...files.keys()].toSorted();
  }
  writeManifest(dir, after);
  return {
    written,
    removed,
    unchanged,
    removedStacks: removedStacks.map(({ name }) => name),
    diagnostics: [...diagnostics, ...found.map(place)],
  };
}

/** Everything a part is made from; reads the files beside config.yaml. */
function inputOf(dir: string, instance: Instance, hcl: boolean): { input: TreeInput; problems: readonly Problem[] } {
  const lockFile = imagesLockFile(dir);
  const lockText = readIfThere(lockFile);
  const lock = lockText === undefined ? undefined : parseLock(lockFile, lockText);
  const { image, problems } = chooseImage(instance, version, lock);
  const services = instance.connect === undefined ? [] : serviceNames(join(dir, 'kubernetes', 'base'));
  return { input: { instance, outputs: knownOutputs(readOutputs(dir)), image, services, hcl }, problems };
}

const basePath = 'kubernetes/base/kustomization.yaml';

/** The operator's own part exists from the first run on, so that the tree builds; it is never touched again. */
function ensureBase(dir: string): boolean {
  const base = join(dir, 'kubernetes', 'base');
  const names = new Set(listDirectory(base));
  if (['kustomization.yaml', 'kustomization.yml', 'Kustomization'].some((name) => names.has(name))) return false;
  return writeWhole(join(dir, basePath), baseKustomization);
}

function removeStale(dir: string, part: Part, files: ReadonlyMap<string, string>, before: readonly string[]): string[] {
  const known = part === 'cdktf' ? [...before, ...knownStackFiles(dir)] : before;
  const stale = [...new Set(known)].filter((path) => !files.has(path) && readIfThere(join(dir, path)) !== undefined);
  for (const path of stale) {
    // What Terraform put beside a stack that is gone: plugins and their lock, made again at will.
    const [, stack] = /^(terraform\/stacks\/[a-z]+)\/cdk\.tf\.json$/.exec(path) ?? [];
    if (stack !== undefined)
      for (const leftover of ['.terraform', '.terraform.lock.hcl']) removeTree(dir, `${stack}/${leftover}`);
    removeFile(dir, path);
  }
  return stale;
}

/** Also without the manifest (a tree from before it, or one that lost it) a stack that is off does not stay behind. */
function knownStackFiles(dir: string): string[] {
  return stackNames
    .map((name) => `terraform/stacks/${name}/cdk.tf.json`)
    .filter((path) => readIfThere(join(dir, path)) !== undefined);
}

function removedNow(dir: string, wanted: ReadonlySet<StackName>): RemovedStack[] {
  const known = new Map(readRemovedStacks(dir).map((stack) => [stack.name, stack]));
  for (const name of stackNames) {
    const text = readIfThere(join(dir, `terraform/stacks/${name}/cdk.tf.json`));
    if (wanted.has(name)) known.delete(name);
    else if (text !== undefined) {
      const json = JSON.parse(text) as Readonly<Record<string, unknown>>;
      known.set(name, { name, configuration: withoutResources(json) });
    }
  }
  return [...known.values()].toSorted((a, b) => stackNames.indexOf(a.name) - stackNames.indexOf(b.name));
}
