import type { Command } from 'commander';
import { outputOption, printList } from '../../io/output.ts';
import { type StackFlags, runOptions, stackOptions } from './run-stacks.ts';

/** `postern sandbox deploy [DIR]`: every stack in order; run again, it goes on where it stopped. */
export function registerDeploy(sandbox: Command): void {
  stackOptions(
    sandbox
      .command('deploy')
      .description('build the environment: network, registry, circleci, eks, kube, in that order'),
  )
    .option('--auto-approve', 'do not ask')
    .option('--ignore-dependencies', 'also where what a stack is built on is not applied')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox deploy\n  postern sandbox deploy --target circleci --target eks --auto-approve\n\nProviders offline: POSTERN_TF_PLUGIN_DIR; another binary: POSTERN_TERRAFORM.\n',
    )
    .action(async (dir: string, flags: StackFlags) => {
      const { deployEnvironment } = await import('@postern/sandbox');
      const options = await runOptions(dir, flags);
      const outcomes = await deployEnvironment(options).finally(options.end);
      printList(outcomes, { stack: (o) => o.stack, action: (o) => o.action, summary: (o) => o.summary }, flags.output);
      if (outcomes.some((outcome) => outcome.action === 'skipped')) process.exitCode = 1;
    });
}
