import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';
import { progress } from '../../io/progress.ts';

/** `postern images copy [DIR]`: the locked image into the instance's own registry. */
export function registerCopy(images: Command): void {
  images
    .command('copy')
    .description('copy the image that images.lock.yaml names into the instance’s own registry, digest for digest')
    .argument('[dir]', 'the instance’s directory', '.')
    .option('--from <repository>', 'instead of spec.images.source')
    .option('--to <repository>', 'instead of the instance’s own repository')
    .option('--quiet', 'no progress')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nCredentials are those of docker login and of docker’s credential helpers.\n\nExamples:\n  postern images copy\n  postern images copy instances/acme --from registry.example/postern\n',
    )
    .action(async (dir: string, options: { from?: string; to?: string; quiet?: boolean; output: OutputFormat }) => {
      const { copyImages } = await import('@postern/infra/images');
      const live = progress({ quiet: options.quiet ?? false });
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort(new Error('interrupted')));
      try {
        const copied = await copyImages(dir, {
          signal: stop.signal,
          step: (text) => live.step(text),
          ...(options.from !== undefined && { from: options.from }),
          ...(options.to !== undefined && { to: options.to }),
        });
        live.end();
        printObject(copied, options.output, () => `${copied.to}:${copied.tag}\n${copied.digest}\n`);
      } finally {
        live.end();
      }
    });
}
