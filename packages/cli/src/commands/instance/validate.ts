import type { Command } from 'commander';
import { formatDiagnostic } from '@postern/core';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';

/** `postern instance validate [DIR]`: every problem of config.yaml at once. */
export function registerValidate(instance: Command): void {
  instance
    .command('validate')
    .description('check config.yaml: every problem at once, as file:line:col: path: message')
    .argument('[dir]', 'the instance’s directory', '.')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern instance validate\n  postern instance validate instances/acme -o json\n',
    )
    .action(async (dir: string, { output }: { output: OutputFormat }) => {
      const { loadInstance, stacksOf } = await import('@postern/infra/instance');
      const { instance, diagnostics } = loadInstance(dir);
      for (const diagnostic of diagnostics) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
      const stacks = stacksOf(instance).map(({ name }) => name);
      printObject({ valid: true, name: instance.name, stacks, diagnostics }, output, () => {
        const warnings = diagnostics.length === 0 ? '' : ` (${diagnostics.length} to look at, above)`;
        return `${instance.name}: valid${warnings}; stacks: ${stacks.join(', ') || 'none'}\n`;
      });
    });
}
