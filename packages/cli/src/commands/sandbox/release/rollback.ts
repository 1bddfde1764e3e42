import type { Command } from 'commander';
import { type InstallFlags, describe, installOptions, installing, openReleases } from './shared.ts';

/** `postern sandbox release rollback BLOCK`: what ran before, as it ran. */
export function registerRollback(release: Command): void {
  installOptions(
    release
      .command('rollback')
      .description('go back to the release of a block that ran before')
      .argument('<block>', 'the building block'),
  )
    .addHelpText('after', '\nExamples:\n  postern sandbox release rollback rest-app --as admin@sandbox.example\n')
    .action(async (block: string, flags: InstallFlags) => {
      const { rollbackBlock } = await import('@postern/sandbox');
      using releases = await openReleases(flags);
      const options = await installing(flags);
      const restored = await rollbackBlock(releases, block, options).finally(options.end);
      process.stdout.write(describe(restored));
    });
}
