import type { Command } from 'commander';
import { type OutputFormat, outputOption, printList, printObject, table } from '../../../io/output.ts';
import { type ReleaseFlags, describe, openReleases, releaseOptions } from './shared.ts';

/** `postern sandbox release status [NAME]`: where releases stand; with a name its verdict and its history. */
export function registerStatus(release: Command): void {
  releaseOptions(
    release
      .command('status')
      .description('where releases stand; with a name, its verdict and every step from the audit log')
      .argument('[name]', 'the release'),
  )
    .option('--log', 'the whole audit log')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox release status\n  postern sandbox release status rest-app-1 -o json\n  postern sandbox release status --log\n',
    )
    .action(
      async (
        name: string | undefined,
        options: ReleaseFlags & { readonly log?: boolean; readonly output: OutputFormat },
      ) => {
        using releases = await openReleases(options);
        const columns = {
          at: (e: (typeof log)[number]) => e.at,
          actor: (e: (typeof log)[number]) => e.actor,
          action: (e: (typeof log)[number]) => e.action,
          release: (e: (typeof log)[number]) => e.release,
          to: (e: (typeof log)[number]) => (typeof e.detail['to'] === 'string' ? e.detail['to'] : ''),
        };
        const log = releases.log(name);
        if (options.log === true) return printList(log, columns, options.output);
        if (name === undefined)
          return printList(
            releases.store.list(),
            {
              release: (r) => r.name,
              block: (r) => r.block,
              tenant: (r) => r.tenant,
              state: (r) => r.state,
              submitter: (r) => r.submitter,
              submitted: (r) => r.submittedAt,
              images: (r) => r.images.join(' '),
            },
            options.output,
          );
        const found = releases.store.get(name);
        printObject({ ...found, log }, options.output, () => `${describe(found)}\n${table(log, columns)}`);
      },
    );
}
