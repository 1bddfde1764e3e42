import type { Command } from 'commander';
import { type OutputFormat, outputOption, printList } from '../../../io/output.ts';

/** `postern sandbox gate reasons`: every code a verdict may give. */
export function registerReasons(gate: Command): void {
  gate
    .command('reasons')
    .description('list every reason code a verdict may give, and what it means')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  postern sandbox gate reasons\n')
    .action(async ({ output }: { output: OutputFormat }) => {
      const { reasonCodes } = await import('@postern/sandbox/gate');
      const rows = Object.entries(reasonCodes).map(([code, meaning]) => ({ code, meaning }));
      printList(rows, { code: (row) => row.code, meaning: (row) => row.meaning }, output);
    });
}
