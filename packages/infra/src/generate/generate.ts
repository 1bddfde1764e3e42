/** `postern generate`: writes the tree, removes what a disabled feature generated, and records stacks that were switched off. */
import { join } from 'node:path';
import type { Diagnostic } from '@postern/core';
import { type StackName, stackNames, stacksOf } from '../stacks/names.ts';
import { readIfThere, removeFile, writeWhole } from './files.ts';
import { loadInstance } from './load.ts';
import { readManifest, writeManifest } from './manifest.ts';
import { readRemovedStacks, type RemovedStack, withoutResources, writeRemovedStacks } from './removed.ts';
import { type Part, parts, terraformTree, type Tree, type TreeOptions } from './tree.ts';

export interface GenerateOptions extends Partial<TreeOptions> {
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
  const { instance, diagnostics } = loadInstance(dir);
  const wanted = options.parts ?? parts;
  const trees = new Map<Part, Tree>();
  for (const part of wanted) trees.set(part, terraformTree(instance, { hcl: options.hcl ?? false }));
  const before = readManifest(dir);
  const removedStacks = wanted.includes('cdktf')
    ? removedNow(dir, new Set(stacksOf(instance).map(({ name }) => name)))
    : readRemovedStacks(dir);

  const written: string[] = [];
  const removed: string[] = [];
  let unchanged = 0;
  // Recorded before the files go: a crash in between leaves a stack recorded twice, never forgotten.
  if (writeRemovedStacks(dir, removedStacks)) written.push('stacks.removed.yaml');
  for (const [path, text] of [...trees.values()].flatMap((tree) => [...tree])) {
    if (writeWhole(join(dir, path), text)) written.push(path);
    else unchanged++;
  }
  const after = { ...before };
  for (const [part, tree] of trees) {
    const stale = part === 'cdktf' ? [...(before.cdktf ?? []), ...knownStackFiles(dir)] : (before[part] ?? []);
    for (const path of new Set(stale)) {
      if (tree.has(path) || readIfThere(join(dir, path)) === undefined) continue;
      removeFile(dir, path);
      removed.push(path);
    }
    after[part] = [...tree.keys()].toSorted();
  }
  writeManifest(dir, after);
  return { written, removed, unchanged, removedStacks: removedStacks.map(({ name }) => name), diagnostics };
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
