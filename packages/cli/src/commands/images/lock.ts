import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';
import { progress } from '../../io/progress.ts';

/** `postern images lock [DIR]`: images.lock.yaml, from what the registry says. */
export function registerLock(images: Command): void {
  images
    .command('lock')
    .description('ask the registry for the tag’s digest and write images.lock.yaml')
    .argument('[dir]', 'the instance’s directory', '.')
    .option('--from <repository>', 'instead of spec.images.source, or else the instance’s own repository')
    .option('--quiet', 'no progress')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern images lock\n  postern images lock instances/acme --from registry.example/postern\n',
    )
    .action(async (dir: string, options: { from?: string; quiet?: boolean; output: OutputFormat }) => {
      const { lockImages } = await import('@postern/infra/images');
      const live = progress({ quiet: options.quiet ?? false });
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort(new Error('interrupted')));
      try {
        const locked = await lockImages(dir, {
          signal: stop.signal,
          step: (text) => live.step(text),
          ...(options.from !== undefined && { from: options.from }),
        });
        live.end();
        const human = `${locked.repository}:${locked.tag}\n${locked.digest}${locked.changed ? '' : '  (unchanged)'}\n`;
        printObject(locked, options.output, () => human);
      } finally {
        live.end();
      }
    });
}
