import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../../io/output.ts';
import { type ReleaseFlags, collect, describe, openReleases, releaseOptions } from './shared.ts';

interface Options extends ReleaseFlags {
  readonly block: string;
  readonly image: readonly string[];
  readonly scan: readonly string[];
  readonly tests: readonly string[];
  readonly output: OutputFormat;
}

/** `postern sandbox release submit`: image and evidence on record; the evidence is bound by its SHA-256. */
export function registerSubmit(release: Command): void {
  releaseOptions(release.command('submit').description('submit an image with its evidence as a release'))
    .requiredOption('--block <name>', 'the building block')
    .option(
      '--image <name@sha256:...>',
      'an image, by digest (repeatable: sidecars and init containers, too)',
      collect,
      [],
    )
    .option('--scan <file>', 'a vulnerability scan (repeatable)', collect, [])
    .option('--tests <file>', 'an API test report (repeatable)', collect, [])
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox release submit --block rest-app --image registry.example/rest-app@sha256:4f06... --scan scan.json --tests report.ndjson\n',
    )
    .action(async (options: Options) => {
      using releases = await openReleases(options);
      const submitted = await releases.submit({
        block: options.block,
        images: options.image,
        scans: options.scan,
        tests: options.tests,
      });
      printObject(
        submitted,
        options.output,
        () => `${describe(submitted)}next: postern sandbox release evaluate ${submitted.name}\n`,
      );
    });
}
