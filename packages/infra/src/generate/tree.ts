/** The generated tree as maps from path to text, one a part. Nothing is read or written here. */
import type { Problem } from '../config/check.ts';
import type { Instance } from '../config/model.ts';
import { dashboard } from '../dashboard/dashboard.ts';
import type { ImageReference } from '../kustomize/input.ts';
import { kustomizeTree } from '../kustomize/tree.ts';
import { playbook } from '../playbook/playbook.ts';
import { stacksOf } from '../stacks/names.ts';
import type { KnownOutputs } from '../stacks/outputs.ts';
import { synthesize, synthesizerVersion } from '../stacks/synth.ts';
import { hclText } from '@postern/terraform';

export const parts = ['cdktf', 'kustomize', 'dashboard', 'playbook'] as const;
export type Part = (typeof parts)[number];

/** Files by their path inside the instance's directory, and what could not be known yet. */
export interface Tree {
  readonly files: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

export interface TreeInput {
  readonly instance: Instance;
  readonly outputs: KnownOutputs;
  readonly image: ImageReference;
  /** Names of the Services in kubernetes/base. */
  readonly services: readonly string[];
  /** Also readable HCL. */
  readonly hcl: boolean;
}

const makers: Readonly<Record<Part, (input: TreeInput) => Tree>> = {
  cdktf: terraformTree,
  kustomize: (input) => {
    const { files, problems } = kustomizeTree(input);
    return { files: below('kubernetes', files), problems };
  },
  dashboard: ({ instance }) => ({ files: new Map([['dashboard.md', dashboard(instance)]]), problems: [] }),
  playbook: (input) => ({ files: below('playbook', playbook(input)), problems: [] }),
};

export function partTree(part: Part, input: TreeInput): Tree {
  return makers[part](input);
}

function below(folder: string, files: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...files].map(([path, text]) => [`${folder}/${path}`, text]));
}

function terraformTree({ instance, hcl }: TreeInput): Tree {
  const files = new Map<string, string>();
  for (const [name, json] of synthesize(instance)) {
    files.set(`terraform/stacks/${name}/cdk.tf.json`, `${JSON.stringify(json, null, 2)}\n`);
    // In a directory of its own: beside the JSON, Terraform would read both and find everything twice.
    if (hcl) files.set(`terraform/stacks/${name}/hcl/${name}.tf`, hclText(json));
  }
  if (files.size > 0) files.set('terraform/manifest.json', manifest(instance));
  return { files, problems: [] };
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
  return `${JSON.stringify({ version: synthesizerVersion, stacks: Object.fromEntries(stacks) as unknown }, null, 2)}\n`;
}
