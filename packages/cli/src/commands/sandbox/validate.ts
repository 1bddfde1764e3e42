import type { Command } from 'commander';
import { formatDiagnostic } from '@postern/core';
import { type OutputFormat, outputOption, printObject } from '../../io/output.ts';

/** `postern sandbox validate [DIR]`: every problem of every document at once, the trust policies tried out among them. */
export function registerValidate(sandbox: Command): void {
  sandbox
    .command('validate')
    .description('check every document of the folder: all problems at once, as file:line:col: path: message')
    .argument('[dir]', 'the sandbox’s folder', '.')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  postern sandbox validate\n  postern sandbox validate playground -o json\n')
    .action(async (dir: string, { output }: { output: OutputFormat }) => {
      const { loadSandbox, stacksOf } = await import('@postern/sandbox');
      const { sandbox, tenants, projects, waivers, warnings } = await loadSandbox(dir);
      for (const warning of warnings) process.stderr.write(`${formatDiagnostic(warning)}\n`);
      const result = {
        valid: true,
        name: sandbox.name,
        stacks: stacksOf(sandbox),
        tenants: tenants.length,
        projects: projects.length,
        waivers: waivers.length,
        diagnostics: warnings,
      };
      printObject(
        result,
        output,
        () =>
          `${sandbox.name}: valid; ${tenants.length} tenants, ${projects.length} projects; stacks: ${result.stacks.join(', ')}\n`,
      );
    });
}
