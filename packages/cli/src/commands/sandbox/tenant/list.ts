import type { Command } from 'commander';
import { type OutputFormat, outputOption, printList } from '../../../io/output.ts';
import { type ClusterFlags, clusterOptions } from '../cluster-options.ts';

/** `postern sandbox tenant list`: who is in the cluster, and how much of the quota is used. */
export function registerList(tenant: Command): void {
  clusterOptions(tenant.command('list').description('tenants in the cluster, with quota and use'))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox tenant list\n  postern sandbox tenant list --context playground -o json\n',
    )
    .action(async (options: ClusterFlags & { readonly output: OutputFormat }) => {
      const { Cluster, listTenants } = await import('@postern/sandbox');
      const tenants = await listTenants(await Cluster.open(options));
      if (options.output !== 'table') return printList(tenants, {}, options.output);
      const rows = tenants.flatMap((one) => one.namespaces.map((namespace) => ({ tenant: one, namespace })));
      const use = (key: string) => (row: (typeof rows)[number]) =>
        `${row.namespace.used[key] ?? '?'}/${row.namespace.hard[key] ?? '?'}`;
      printList(
        rows,
        {
          tenant: (row) => row.tenant.name,
          organisation: (row) => row.tenant.organisation,
          namespace: (row) => row.namespace.name,
          phase: (row) => row.namespace.phase,
          quota: (row) => row.namespace.quotaClass,
          security: (row) => row.namespace.podSecurity,
          policies: (row) => row.namespace.policies,
          pods: use('pods'),
          cpu: use('requests.cpu'),
          memory: use('requests.memory'),
        },
        'table',
      );
    });
}
