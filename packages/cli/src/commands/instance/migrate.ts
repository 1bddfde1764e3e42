import type { Command } from 'commander';

/** `postern instance migrate [DIR]`: older spellings of config.yaml rewritten, comments kept. */
export function registerMigrate(instance: Command): void {
  instance
    .command('migrate')
    .description('rewrite older spellings of config.yaml to the current one; comments and all other bytes stay')
    .argument('[dir]', 'the instance’s directory', '.')
    .option('--dry-run', 'print the new text and change nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  postern instance migrate\n  postern instance migrate instances/acme --dry-run\n',
    )
    .action(async (dir: string, { dryRun = false }: { dryRun?: boolean }) => {
      const { describeChange, migrateInstance } = await import('@postern/infra/instance');
      const { changes, text } = migrateInstance(dir, { dryRun });
      // With --dry-run standard output is the text itself, and nothing but it.
      const out = dryRun ? process.stderr : process.stdout;
      for (const change of changes) out.write(`${describeChange(change)}\n`);
      if (dryRun) process.stdout.write(text);
      const count = `${changes.length} older spelling${changes.length === 1 ? '' : 's'}`;
      out.write(
        changes.length === 0
          ? 'nothing to migrate: every spelling is current\n'
          : `${count} ${dryRun ? 'would be ' : ''}rewritten\n`,
      );
    });
}
