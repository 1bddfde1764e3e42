import type { Command } from 'commander';
import { PosternError } from '@postern/core';
import type { Cluster } from '@postern/sandbox';
import { type OutputFormat, outputOption, printList } from '../../../io/output.ts';
import { type ClusterFlags, clusterOptions } from '../cluster-options.ts';

/** Without any cluster configured the desired half can still be shown; one that was named must be there. */
async function openIfThere(opener: typeof Cluster, options: ClusterFlags): Promise<Cluster | undefined> {
  try {
    return await opener.open(options);
  } catch (error) {
    const asked = options.kubeconfig !== undefined || options.context !== undefined;
    if (asked || !(error instanceof PosternError) || error.code !== 'KUBECONFIG') throw error;
    process.stderr.write(`warning: the live mappings were not asked for: ${error.message}\n`);
    return undefined;
  }
}

/** `postern sandbox project list`: the projects, and with a cluster its live mappings against the desired ones. */
export function registerList(project: Command): void {
  clusterOptions(project.command('list').description('projects, and what the cluster maps against what it should'))
    .option('--dir <dir>', 'the sandbox’s folder', '.')
    .option('--offline', 'do not ask the cluster')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox project list --offline\n  postern sandbox project list --context playground -o json\n',
    )
    .action(
      async (
        options: ClusterFlags & { readonly dir: string; readonly offline?: boolean; readonly output: OutputFormat },
      ) => {
        const { Cluster, listProjects } = await import('@postern/sandbox');
        const cluster = options.offline === true ? undefined : await openIfThere(Cluster, options);
        const { projects, unknown } = await listProjects(options.dir, cluster, process.env);
        if (options.output !== 'table') return printList([...projects, ...unknown], {}, options.output);
        printList(
          projects,
          {
            project: (p) => p.name,
            provider: (p) => p.provider,
            tenant: (p) => p.tenant,
            refs: (p) => p.refs.join(' '),
            mapping: (p) => p.mapping,
            problems: (p) => p.problems.join('; '),
          },
          'table',
        );
        for (const one of unknown)
          process.stderr.write(
            `warning: ${one.principal} is mapped and is no project${one.problems.length === 0 ? '' : `; it ${one.problems.join('; ')}`}\n`,
          );
      },
    );
}
