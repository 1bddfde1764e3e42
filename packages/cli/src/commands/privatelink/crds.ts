import type { Command } from 'commander';
import { stringify } from 'yaml';

/** `postern privatelink crds` */
export function addCrds(privatelink: Command): void {
  privatelink
    .command('crds')
    .description('print the CustomResourceDefinitions of the PrivateLink kinds, for a cluster')
    .option('--without-hive', "only our own (postern.dev): for a hub that has Hive's already")
    .addHelpText(
      'after',
      '\nOn a hub with Hive its own definitions are used: give --without-hive there, and apply nothing over them. The controller makes\nwhat is missing by itself where its account may.\n\nExamples:\n  postern privatelink crds | kubectl apply --server-side -f -\n  postern privatelink crds --without-hive\n',
    )
    .action(run);
}

async function run(options: { readonly withoutHive?: boolean }): Promise<void> {
  const { definitions } = await import('@postern/privatelink');
  const documents = definitions({ hive: options.withoutHive !== true });
  process.stdout.write(documents.map((document) => stringify(document)).join('---\n'));
}
