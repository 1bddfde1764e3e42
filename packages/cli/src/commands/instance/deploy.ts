import type { Command } from 'commander';
import type { DeployOptions, DeployResult } from '@postern/infra/deploy';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';
import { collect, type TerraformFlags, terraformRun } from './terraform-view.ts';

/** `postern instance deploy [DIR]`, and the documents' `instance cdktf deploy` and `instance tfc deploy`. */
export function registerDeploy(instance: Command): void {
  addDeploy(instance);
  for (const [name, words] of [
    ['cdktf', 'the documents’ name for deploy'],
    ['tfc', 'the documents’ name for deploy and destroy-all'],
  ] as const) {
    const group = instance.command(name).description(words);
    addDeploy(group);
    if (name === 'tfc') addDestroy(group, 'destroy-all');
  }
}

function addDeploy(parent: Command): void {
  shared(parent.command('deploy'))
    .description('apply the stacks in order, with Terraform or OpenTofu; run it again after a failure and it goes on')
    .addHelpText(
      'after',
      `
Stacks switched off in config.yaml (stacks.removed.yaml) are destroyed first, after a question of their own.
What the stacks give is written to outputs.yaml; then run postern generate again.

Examples:
  postern instance deploy
  postern instance deploy instances/acme --target nat --auto-approve
`,
    )
    .action(async (dir: string, flags: Flags) => {
      const { deploy } = await import('@postern/infra/deploy');
      await report(dir, flags, deploy);
    });
}

export function registerDestroy(instance: Command): void {
  addDestroy(instance, 'destroy');
}

function addDestroy(parent: Command, name: string): void {
  shared(parent.command(name))
    .description('destroy the stacks in reverse order, after saying what is lost')
    .addHelpText(
      'after',
      `
Without --auto-approve it asks for the instance's name.

Examples:
  postern instance ${name === 'destroy' ? name : `tfc ${name}`}
  postern instance ${name === 'destroy' ? name : `tfc ${name}`} instances/acme --target awsvpn
`,
    )
    .action(async (dir: string, flags: Flags) => {
      const { destroy } = await import('@postern/infra/deploy');
      await report(dir, flags, destroy);
    });
}

type Flags = TerraformFlags & { readonly output: OutputFormat };

function shared(command: Command): Command {
  return command
    .argument('[dir]', 'the instance’s directory', '.')
    .option('--auto-approve', 'do not ask (-auto-approve is understood too); what changes is still printed')
    .option('--target <stack>', 'only this stack; may be repeated', collect, [])
    .option('--ignore-dependencies', 'do not refuse because of another stack')
    .option('-q, --quiet', 'no progress')
    .addOption(outputOption());
}

type Run = (options: DeployOptions) => Promise<DeployResult>;

async function report(dir: string, flags: Flags, run: Run): Promise<void> {
  const { options, end } = terraformRun(dir, flags);
  const result = await run(options).finally(end);
  printObject(result, flags.output, () =>
    result.stacks.length === 0
      ? `${result.instance}: nothing to do\n`
      : result.stacks.map(({ stack, outcome }) => `${stack}: ${outcome}\n`).join(''),
  );
}
