import type { Command } from 'commander';
import { UsageError } from '@postern/core';
import { progress } from '../../../io/progress.ts';
import { type ClusterFlags, clusterOptions } from '../cluster-options.ts';

interface Options extends ClusterFlags {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly deleteVolumes?: boolean;
  readonly quiet?: boolean;
}

/** `postern sandbox tenant remove NAME`: workloads drained, then the namespaces, then what admitted them. */
export function registerRemove(tenant: Command): void {
  clusterOptions(
    tenant
      .command('remove')
      .description('remove a tenant from the cluster: workloads first, then its namespaces')
      .argument('<name>', 'the tenant'),
  )
    .option('--yes', 'do it')
    .option('--dry-run', 'say what would be deleted')
    .option('--delete-volumes', 'delete its volumes, too, and what is in them')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox tenant remove payments --dry-run\n  postern sandbox tenant remove payments --yes\n',
    )
    .action(async (name: string, options: Options) => {
      const { Cluster, removeTenant } = await import('@postern/sandbox');
      const { systemClock, terminationSignal } = await import('@postern/daemon');
      if (options.yes !== true && options.dryRun !== true)
        throw new UsageError(`removing ${name} deletes everything in its namespaces`, {
          hint: '--dry-run shows what; --yes does it',
        });
      const signal = terminationSignal();
      const cluster = await Cluster.open(options);
      const live = progress({ quiet: options.quiet === true });
      const changes = await removeTenant(cluster, name, {
        clock: systemClock,
        dryRun: options.dryRun === true,
        deleteVolumes: options.deleteVolumes === true,
        signal,
        step: (text) => live.step(text),
      }).finally(() => live.end());
      for (const change of changes)
        process.stdout.write(`${options.dryRun === true ? 'would delete' : 'deleted'} ${change.object}\n`);
    });
}
