import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';
import { collect, planText, type TerraformFlags, terraformRun } from './terraform-view.ts';

/** `postern instance plan [DIR]`: what a deploy would change. */
export function registerPlan(instance: Command): void {
  instance
    .command('plan')
    .description('what deploy would change, stack by stack, and what would be lost; changes nothing')
    .argument('[dir]', 'the instance’s directory', '.')
    .option('--target <stack>', 'only this stack; may be repeated', collect, [])
    .option('--ignore-dependencies', 'plan a stack even where the one it is built on is not applied')
    .option('-q, --quiet', 'no progress')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern instance plan\n  postern instance plan instances/acme --target awsvpn\n  postern instance plan -o json\n',
    )
    .action(async (dir: string, flags: TerraformFlags & { output: OutputFormat }) => {
      const { plan } = await import('@postern/infra/deploy');
      const { options, end } = terraformRun(dir, flags);
      const result = await plan(options).finally(end);
      printObject(result, flags.output, () =>
        result.stacks.length === 0 ? `${result.instance}: no stacks\n` : result.stacks.map(planText).join(''),
      );
    });
}
