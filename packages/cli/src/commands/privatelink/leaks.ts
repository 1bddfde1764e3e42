import type { Command } from 'commander';
import type { Leak } from '@postern/privatelink';
import { type OutputFormat, outputOption, printList } from '../../io/output.ts';
import { printFolderProblems } from './folder-problems.ts';
import { addSourceOptions, sourceOf, type SourceOptions } from './options.ts';

interface Options extends SourceOptions {
  readonly output: OutputFormat;
}

/** `postern privatelink leaks` */
export function addLeaks(privatelink: Command): void {
  addSourceOptions(privatelink.command('leaks'))
    .description('list endpoints, services and zones that carry our tag and belong to no object here; deletes nothing')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nAnother hub may share the account: what it owns is listed too. Look at the owner before you delete anything.\n\nExamples:\n  postern privatelink leaks --resources clusters/\n  postern privatelink leaks --kubeconfig hub.kubeconfig -o json\n',
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const source = await sourceOf(options);
  const { systemClock, terminationSignal } = await import('@postern/daemon');
  const { findLeaks } = await import('@postern/privatelink');
  const { leaks, problems, report } = await findLeaks({
    source,
    awsEndpoint: options.awsEndpoint,
    clock: systemClock,
    random: Math.random,
    signal: terminationSignal(),
  });
  if (leaks.length === 0 && options.output === 'table') process.stdout.write('No leaks.\n');
  else printList(leaks, columns, options.output);
  printFolderProblems(report);
  for (const { where, message } of problems) process.stderr.write(`could not look at ${where}: ${message}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

const columns: Readonly<Record<string, (leak: Leak) => string>> = {
  kind: ({ kind }) => kind,
  id: ({ id }) => id,
  region: ({ region }) => region,
  owner: ({ owner }) => owner,
  state: ({ state }) => state,
  'seen by': ({ seenBy }) => seenBy,
  why: ({ why }) => why,
};
