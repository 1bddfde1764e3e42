import type { Command } from 'commander';
import { outputOption, printList } from '../../io/output.ts';
import { type StackFlags, runOptions, stackOptions } from './run-stacks.ts';

/** `postern sandbox destroy [DIR]`: in reverse, the workloads first. */
export function registerDestroy(sandbox: Command): void {
  stackOptions(
    sandbox
      .command('destroy')
      .description('take the environment down in reverse, the tenants’ workloads drained first'),
  )
    .option('--auto-approve', 'do not ask')
    .option('--skip-drain', 'nothing runs there any more: do not ask the cluster')
    .option('--delete-volumes', 'delete the tenants’ volumes, too')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox destroy\n  postern sandbox destroy playground --auto-approve --delete-volumes\n',
    )
    .action(async (dir: string, flags: StackFlags) => {
      const { destroyEnvironment } = await import('@postern/sandbox');
      const options = await runOptions(dir, flags);
      const outcomes = await destroyEnvironment({
        ...options,
        skipDrain: flags.skipDrain === true,
        deleteVolumes: flags.deleteVolumes === true,
      }).finally(options.end);
      printList(outcomes, { stack: (o) => o.stack, action: (o) => o.action, summary: (o) => o.summary }, flags.output);
      if (outcomes.some((outcome) => outcome.action === 'skipped' && outcome.stack !== 'kube')) process.exitCode = 1;
    });
}
