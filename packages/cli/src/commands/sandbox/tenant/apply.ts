import { Option, type Command } from 'commander';
import { UsageError } from '@postern/core';
import { stringify } from 'yaml';
import { type OutputFormat, outputOption, printObject } from '../../../io/output.ts';
import { progress } from '../../../io/progress.ts';
import { type ClusterFlags, clusterOptions } from '../cluster-options.ts';

interface Options extends ClusterFlags {
  readonly file: readonly string[];
  readonly dryRun?: 'client' | 'server' | true;
  readonly adopt?: boolean;
  readonly now?: string;
  readonly quiet?: boolean;
  readonly output: OutputFormat;
}

/** `postern sandbox tenant apply [NAME...]`: namespaces and everything that isolates them, before any chart. */
export function registerApply(tenant: Command): void {
  clusterOptions(
    tenant
      .command('apply')
      .description('apply tenants: namespaces, quotas, policies, roles; shows what differed and repairs it')
      .argument('[name...]', 'which tenants; default: all in the files'),
  )
    .option(
      '-f, --file <path>',
      'Tenant documents, files or directories (repeatable)',
      (value: string, all: readonly string[]) => [...all, value],
      [] as readonly string[],
    )
    .addOption(
      new Option('--dry-run [how]', 'client: print the manifests; server: ask the cluster what would change').choices([
        'client',
        'server',
      ]),
    )
    .option('--adopt', 'take over namespaces that exist and belong to no tenant')
    .option('--quiet', 'no progress')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
Examples:
  postern sandbox tenant apply -f tenants/
  postern sandbox tenant apply payments -f tenants/ --dry-run server
  postern sandbox tenant apply payments -f tenants/ --dry-run client > manifests.yaml
`,
    )
    .action(async (names: readonly string[], options: Options) => {
      const { Cluster, applyTenants, loadFiles, manifestsOf } = await import('@postern/sandbox');
      const { terminationSignal } = await import('@postern/daemon');
      const { tenants } = await loadFiles(options.file.length > 0 ? options.file : ['.']);
      if (tenants.length === 0)
        throw new UsageError('no Tenant in these files', { hint: 'postern schema Tenant shows the fields' });
      const selected = names.length > 0 ? names : tenants.map((one) => one.name);
      const nowMs = Date.now();
      if (options.dryRun === 'client') {
        const manifests = manifestsOf(tenants, selected, nowMs);
        process.stdout.write(
          options.output === 'json'
            ? `${JSON.stringify(manifests, null, 2)}\n`
            : manifests.map((one) => stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'),
        );
        return;
      }
      const signal = terminationSignal();
      const cluster = await Cluster.open(options);
      const live = progress({ quiet: options.quiet === true });
      const dryRun = options.dryRun !== undefined;
      const result = await applyTenants(cluster, {
        tenants,
        selected,
        nowMs,
        dryRun,
        adopt: options.adopt === true,
        signal,
        step: (text) => live.step(text),
      }).finally(() => live.end());
      for (const warning of result.warnings) process.stderr.write(`warning: ${warning}\n`);
      printObject(result, options.output, () => {
        const lines = result.changes
          .filter((change) => change.action !== 'unchanged')
          .flatMap((change) => [
            `${change.action.padEnd(8)} ${change.object}`,
            ...change.changes.map((text) => `           ${text}`),
          ]);
        const unchanged =
          result.changes.length - result.changes.filter((change) => change.action !== 'unchanged').length;
        lines.push(
          `${dryRun ? 'dry run: ' : ''}${result.changes.length - unchanged} ${dryRun ? 'would change' : 'changed'}, ${unchanged} as they should be`,
        );
        return `${lines.join('\n')}\n`;
      });
    });
}
