import type { Command } from 'commander';
import { formatDiagnostic, UsageError } from '@postern/core';
import { type OutputFormat, outputOption, printObject } from '../io/output.ts';

/** `postern generate [PART] [DIR]`: writes what config.yaml says; bare, all of it. */
export function registerGenerate(root: Command): void {
  root
    .command('generate')
    .description('write the tree that config.yaml describes; twice is byte-equal, what is switched off is removed')
    .argument('[part]', 'cdktf, kustomize, dashboard or playbook; default: all')
    .argument('[dir]', 'the instance’s directory; default: the current one')
    .option('--hcl', 'also write readable HCL beside each stack, for reviewers')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern generate\n  postern generate cdktf\n  postern generate instances/acme\n  postern generate cdktf instances/acme --hcl\n',
    )
    .action(async (first: string | undefined, second: string | undefined, options: Options) => {
      const { generate, parts } = await import('@postern/infra/generate');
      const part = parts.find((name) => name === first);
      if (part === undefined && second !== undefined)
        throw new UsageError(`${first} is nothing that can be generated`, { hint: `one of ${parts.join(', ')}` });
      const dir = (part === undefined ? first : second) ?? '.';
      const result = generate(dir, { hcl: options.hcl ?? false, ...(part !== undefined && { parts: [part] }) });
      for (const diagnostic of result.diagnostics) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
      printObject(result, options.output, () => {
        const lines = [
          ...result.written.map((path) => `wrote    ${path}`),
          ...result.removed.map((path) => `removed  ${path}`),
          `${result.written.length} written, ${result.removed.length} removed, ${result.unchanged} unchanged`,
        ];
        if (result.removedStacks.length > 0)
          lines.push(
            `still in the cloud: ${result.removedStacks.join(', ')} (stacks.removed.yaml); destroy with: postern instance deploy ${dir}`,
          );
        return `${lines.join('\n')}\n`;
      });
    });
}

interface Options {
  readonly hcl?: boolean;
  readonly output: OutputFormat;
}
