import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject, table } from '../../io/output.ts';
import { progress } from '../../io/progress.ts';
import { type ClusterFlags, clusterOptions } from './cluster-options.ts';

/** `postern sandbox probe`: what must connect does, what must not does not. */
export function registerProbe(sandbox: Command): void {
  clusterOptions(
    sandbox
      .command('probe')
      .description(
        'prove isolation in the live cluster: by its policies, by its network plugin, and with --image by trying',
      ),
  )
    .option(
      '--image <name@sha256:...>',
      'agnhost (registry.k8s.io/e2e-test-images/agnhost), by digest: pods of it try each connection',
    )
    .option('--quiet', 'no progress')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox probe\n  postern sandbox probe --image registry.k8s.io/e2e-test-images/agnhost@sha256:... -o json\n\nExit codes: 0 isolated (or, without --image, nothing speaks against it), 1 not isolated.\n',
    )
    .action(
      async (
        options: ClusterFlags & { readonly image?: string; readonly quiet?: boolean; readonly output: OutputFormat },
      ) => {
        const { Cluster, probe } = await import('@postern/sandbox');
        const { systemClock, terminationSignal } = await import('@postern/daemon');
        const live = progress({ quiet: options.quiet === true });
        const result = await probe(await Cluster.open(options), {
          clock: systemClock,
          signal: terminationSignal(),
          step: (text) => live.step(text),
          ...(options.image === undefined ? {} : { image: options.image }),
        }).finally(() => live.end());
        printObject(result, options.output, () =>
          [
            table(result.probes, {
              from: (p) => p.from,
              to: (p) => p.to,
              expected: (p) => p.expected,
              policies: (p) => p.byPolicies,
              tried: (p) => p.tried ?? 'not tried',
            }).trimEnd(),
            ...result.problems.map((problem) => `problem: ${problem}`),
            `network plugin: ${result.plugin}`,
            result.verdict === 'unproven' ? 'unproven: the policies are right; --image tries them' : result.verdict,
            '',
          ].join('\n'),
        );
        if (result.verdict === 'not-isolated') process.exitCode = 1;
      },
    );
}
