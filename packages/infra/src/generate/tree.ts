/** The generated tree as a map from path to text. Nothing is read or written here. */
import type { Instance } from '../config/model.ts';
import { stacksOf } from '../stacks/names.ts';
import { synthesize } from '../stacks/synth.ts';

export const parts = ['cdktf'] as const;
export type Part = (typeof parts)[number];

export type Tree = ReadonlyMap<string, string>;

export interface TreeOptions {
  readonly hcl: boolean;
}

export function terraformTree(instance: Instance, _options: TreeOptions): Tree {
  const tree = new Map<string, string>();
  for (const [name, json] of synthesize(instance))
    tree.set(`terraform/stacks/${name}/cdk.tf.json`, `${JSON.stringify(json, null, 2)}\n`);
  if (tree.size > 0) tree.set('terraform/manifest.json', manifest(instance));
  return tree;
}

/** The layout that CDK Terrain's own tools write, with the order of the stacks. */
function manifest(instance: Instance): string {
  const stacks = stacksOf(instance).map(({ name, after }) => [
    name,
    {
      name,
      constructPath: name,
      workingDirectory: `stacks/${name}`,
      synthesizedStackPath: `stacks/${name}/cdk.tf.json`,
      annotations: [],
      dependencies: after,
    },
  ]);
  return `${JSON.stringify({ version: '0.24.0', stacks: Object.fromEntries(stacks) as unknown }, null, 2)}\n`;
}
