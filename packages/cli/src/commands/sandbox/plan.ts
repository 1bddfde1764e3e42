import type { Command } from 'commander';
import { outputOption, printList } from '../../io/output.ts';
import { type StackFlags, runOptions, stackOptions } from './run-stacks.ts';

/** `postern sandbox plan [DIR]`: what deploying would change, stack by stack. */
export function registerPlan(sandbox: Command): void {
  stackOptions(sandbox.command('plan').description('say what deploy would change, stack by stack'))
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  postern sandbox plan\n  postern sandbox plan playground --target network\n')
    .action(async (dir: string, flags: StackFlags) => {
      const { planEnvironment } = await import('@postern/sandbox');
      const options = await runOptions(dir, flags);
      const outcomes = await planEnvironment(options).finally(options.end);
      printList(outcomes, { stack: (o) => o.stack, action: (o) => o.action, summary: (o) => o.summary }, flags.output);
    });
}
