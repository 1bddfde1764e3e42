import type { Command } from 'commander';
import { UsageError } from '@postern/core';

/** `postern sandbox init DIR`: a folder with a Sandbox and a first Tenant, commented. */
export function registerInit(sandbox: Command): void {
  sandbox
    .command('init')
    .description('write a folder with a Sandbox and a first Tenant, commented')
    .argument('[dir]', 'where', '.')
    .option('--name <name>', 'the sandbox’s name', 'sandbox')
    .option('--region <region>', 'the AWS region', 'eu-central-1')
    .option('--account <id>', 'the AWS account', '123456789012')
    .option('--force', 'write over files that are there')
    .addHelpText('after', '\nExamples:\n  postern sandbox init playground --name playground --account 123456789012\n')
    .action(async (dir: string, options: { name: string; region: string; account: string; force?: boolean }) => {
      const { loadResources, scaffold, writeNew } = await import('@postern/sandbox');
      if (!/^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$/.test(options.name))
        throw new UsageError(
          `--name ${JSON.stringify(options.name)} is no name of up to 16 lower-case letters, digits and hyphens`,
        );
      const files = scaffold(options);
      loadResources(files.filter(({ path }) => path.endsWith('.yaml')).map(({ path, text }) => ({ file: path, text })));
      for (const path of await writeNew(dir, files, options.force === true)) process.stdout.write(`wrote ${path}\n`);
      process.stdout.write(`next: edit them, then postern sandbox validate ${dir}\n`);
    });
}
