import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';

/** `postern sandbox import env.hcl`: a Terragrunt environment file as documents, with findings. */
export function registerImport(sandbox: Command): void {
  sandbox
    .command('import')
    .description('turn a Terragrunt environment file into a sandbox’s documents, with what must be looked at')
    .argument('<file>', 'env.hcl')
    .option('--dir <dir>', 'where to write; default: print')
    .option('--force', 'write over files that are there')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern sandbox import live/dev/env.hcl\n  postern sandbox import live/dev/env.hcl --dir dev\n\nExit codes: 0 imported; 1 imported, and something is to be filled in; 2 the file cannot be read.\n',
    )
    .action(async (file: string, options: { dir?: string; force?: boolean; output: OutputFormat }) => {
      const { importEnv, unreadableFile, writeNew } = await import('@postern/sandbox');
      const text = await readFile(file, 'utf8').catch((error: unknown) => Promise.reject(unreadableFile(file, error)));
      const { files, findings } = importEnv(text);
      for (const finding of findings)
        process.stderr.write(`${file}:${finding.line}: ${finding.severity}: ${finding.message}\n`);
      if (files.length === 0) {
        process.stderr.write(`postern: ${file} is no environment file that can be read; nothing was written\n`);
        process.exitCode = 2;
        return;
      }
      if (options.dir !== undefined) {
        for (const path of await writeNew(options.dir, files, options.force === true))
          process.stdout.write(`wrote ${path}\n`);
      } else
        printObject({ files, findings }, options.output, () =>
          files.map(({ path, text }) => `# ${path}\n${text}`).join('---\n'),
        );
      if (findings.some((finding) => finding.severity === 'error')) process.exitCode = 1;
    });
}
