import type { Command } from 'commander';
import { type InstallFlags, describe, installOptions, installing, openReleases } from './shared.ts';

/** `postern sandbox release deploy NAME`: by digest, with the rights of the tenant's deployer. */
export function registerDeploy(release: Command): void {
  installOptions(
    release
      .command('deploy')
      .description('install an approved release, by digest, with the rights of its tenant’s deployer')
      .argument('<name>', 'the release'),
  )
    .addHelpText('after', '\nExamples:\n  postern sandbox release deploy rest-app-1 --as admin@sandbox.example\n')
    .action(async (name: string, flags: InstallFlags) => {
      const { deployRelease } = await import('@postern/sandbox');
      using releases = await openReleases(flags);
      const options = await installing(flags);
      const deployed = await deployRelease(releases, name, options).finally(options.end);
      process.stdout.write(describe(deployed));
    });
}
