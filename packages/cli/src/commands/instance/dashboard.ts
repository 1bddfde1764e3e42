import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { errorMessage, formatDiagnostic, PosternError } from '@postern/core';

/** `postern instance dashboard [DIR] --output FILE`: the operator's runbook. */
export function registerDashboard(instance: Command): void {
  instance
    .command('dashboard')
    .description('the operator’s runbook in Markdown: every command complete, none changes anything')
    .argument('[dir]', 'the instance’s directory', '.')
    .option('--output <file>', 'where to write it; default: standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  postern instance dashboard --output dashboard.md\n  postern instance dashboard instances/acme | less\n',
    )
    .action(async (dir: string, { output }: { output?: string }) => {
      const { loadInstance } = await import('@postern/infra/instance');
      const { dashboard } = await import('@postern/infra/dashboard');
      const { instance, diagnostics } = loadInstance(dir);
      for (const diagnostic of diagnostics) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
      const text = dashboard(instance);
      if (output === undefined) {
        process.stdout.write(text);
        return;
      }
      try {
        writeFileSync(output, text);
      } catch (error) {
        throw new PosternError('FILE', `${output} cannot be written: ${errorMessage(error)}`, { cause: error });
      }
      process.stdout.write(`wrote ${output}\n`);
    });
}
