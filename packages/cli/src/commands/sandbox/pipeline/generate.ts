import type { Command } from 'commander';

/** `postern sandbox pipeline generate PROJECT`: CircleCI or GitHub Actions configuration. */
export function registerGenerate(pipeline: Command): void {
  pipeline
    .command('generate')
    .description('print a project’s CI configuration, or write it into its repository')
    .argument('<project>', 'the project')
    .option('--dir <dir>', 'the sandbox’s folder', '.')
    .option('--into <repository>', 'write it below this directory')
    .option('--force', 'write over a file that is there')
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox pipeline generate adapter\n  postern sandbox pipeline generate adapter --into ../adapter\n',
    )
    .action(async (name: string, options: { dir: string; into?: string; force?: boolean }) => {
      const { projectPipeline, writeNew } = await import('@postern/sandbox');
      const file = await projectPipeline(options.dir, name);
      if (options.into === undefined) process.stdout.write(file.text);
      else
        for (const path of await writeNew(options.into, [file], options.force === true))
          process.stdout.write(`wrote ${path}\n`);
    });
}
