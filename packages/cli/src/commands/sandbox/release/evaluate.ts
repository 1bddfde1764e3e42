import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../../io/output.ts';
import { type ClusterFlags, clusterOptions } from '../cluster-options.ts';
import { type ReleaseFlags, collect, describe, openReleases, releaseOptions } from './shared.ts';

interface Options extends ReleaseFlags, ClusterFlags {
  readonly scan: readonly string[];
  readonly tests: readonly string[];
  readonly waivers: readonly string[];
  readonly offline?: boolean;
  readonly output: OutputFormat;
}

/** `postern sandbox release evaluate NAME`: the gate, with waivers of the folder; a later scan of what runs may quarantine it. */
export function registerEvaluate(release: Command): void {
  clusterOptions(
    releaseOptions(
      release
        .command('evaluate')
        .description(
          'ask the gate about a release; with a newer --scan also about one that runs, which may quarantine it',
        )
        .argument('<name>', 'the release'),
    ),
  )
    .option('--scan <file>', 'a newer scan (repeatable)', collect, [])
    .option('--tests <file>', 'a newer test report (repeatable)', collect, [])
    .option('--waivers <file>', 'waivers beside those in the folder (repeatable)', collect, [])
    .option('--offline', 'do not take quarantined images from the cluster’s list')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox release evaluate rest-app-1\n  postern sandbox release evaluate rest-app-1 --scan tonight.json\n',
    )
    .action(async (name: string, options: Options) => {
      const { Cluster, readWaivers, syncApproved, unreadableFile } = await import('@postern/sandbox');
      using releases = await openReleases(options);
      const waivers = await Promise.all(
        options.waivers.map(async (file) =>
          readWaivers(
            file,
            await readFile(file, 'utf8').catch((error: unknown) => Promise.reject(unreadableFile(file, error))),
          ),
        ),
      );
      const before = releases.store.get(name).state;
      const { release: evaluated, warnings } = await releases.evaluate(name, {
        scans: options.scan,
        tests: options.tests,
        waivers: waivers.flat(),
      });
      for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
      const moved = before !== evaluated.state && (before === 'quarantined' || evaluated.state === 'quarantined');
      if (moved && options.offline !== true) {
        const gone = await syncApproved(releases, evaluated.tenant, await Cluster.open(options));
        if (gone.length > 0)
          process.stderr.write(
            `no new pod of it is admitted any more; those that run go on until: postern sandbox release rollback ${evaluated.block}\n`,
          );
      }
      printObject(evaluated, options.output, () => describe(evaluated));
      if (evaluated.verdicts.some((verdict) => verdict.verdict !== 'pass')) process.exitCode = 1;
    });
}
