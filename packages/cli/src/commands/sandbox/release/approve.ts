import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../../io/output.ts';
import { type ReleaseFlags, describe, openReleases, releaseOptions } from './shared.ts';

/** `postern sandbox release approve NAME`: an admin, and not the one who submitted it. */
export function registerApprove(release: Command): void {
  releaseOptions(
    release
      .command('approve')
      .description('approve a release that the gate has passed; an admin, and not its submitter')
      .argument('<name>', 'the release'),
  )
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  postern sandbox release approve rest-app-1 --as admin@sandbox.example\n')
    .action(async (name: string, options: ReleaseFlags & { readonly output: OutputFormat }) => {
      using releases = await openReleases(options);
      const approved = releases.approve(name);
      printObject(approved, options.output, () => describe(approved));
    });
}
