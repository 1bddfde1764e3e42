import type { Command } from 'commander';
import { outputOption, printList } from '../../io/output.ts';
import { type StackFlags, runOptions, stackOptions } from './run-stacks.ts';

/** `postern sandbox verify [DIR]`: stacks against their plan, trust against other people's tokens, tenants against one another. */
export function registerVerify(sandbox: Command): void {
  stackOptions(
    sandbox.command('verify').description('does it stand as it is written: stacks, trust policies, tenants, isolation'),
  )
    .option('--image <name@sha256:...>', 'agnhost, by digest: isolation is then tried, too')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  postern sandbox verify playground\n  postern sandbox verify -o json\n')
    .action(async (dir: string, flags: StackFlags & { readonly image?: string }) => {
      const { verifyEnvironment } = await import('@postern/sandbox');
      const options = await runOptions(dir, flags);
      const checks = await verifyEnvironment({
        ...options,
        ...(flags.image === undefined ? {} : { image: flags.image }),
      }).finally(options.end);
      printList(checks, { check: (c) => c.check, verdict: (c) => c.verdict, detail: (c) => c.detail }, flags.output);
      if (checks.some((check) => check.verdict !== 'ok')) process.exitCode = 1;
    });
}
