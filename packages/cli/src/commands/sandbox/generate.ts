import type { Command } from 'commander';
import { formatDiagnostic } from '@postern/core';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';

/** `postern sandbox generate [DIR]`: Terraform stacks and the cluster's manifests. */
export function registerGenerate(sandbox: Command): void {
  sandbox
    .command('generate')
    .description('write terraform/stacks and kube: twice is byte-equal, what is gone from the documents is removed')
    .argument('[dir]', 'the sandbox’s folder', '.')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  postern sandbox generate\n  postern sandbox generate playground\n')
    .action(async (dir: string, { output }: { output: OutputFormat }) => {
      const { generate } = await import('@postern/sandbox');
      const { warnings, ...result } = await generate(dir, Date.now());
      for (const warning of warnings) process.stderr.write(`${formatDiagnostic(warning)}\n`);
      printObject(result, output, () =>
        [
          ...result.written.map((path) => `wrote    ${path}`),
          ...result.removed.map((path) => `removed  ${path}`),
          `${result.written.length} written, ${result.removed.length} removed, ${result.unchanged} unchanged`,
          '',
        ].join('\n'),
      );
    });
}
