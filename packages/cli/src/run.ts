import { CommanderError } from 'commander';
import { ConfigError, formatDiagnostic, PosternError } from '@postern/core';
import { documentSpelling } from './commands/instance/spelling.ts';
import { program } from './program.ts';

/** Runs one command line; returns the exit code: 0 done, 1 it failed, 2 the command line or a configuration file is wrong. */
export async function run(argv: readonly string[]): Promise<number> {
  const commands = await program(argv);
  if (argv.length === 0) {
    commands.outputHelp();
    return 0;
  }
  try {
    await commands.parseAsync(documentSpelling(argv), { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.diagnostics.map(formatDiagnostic).join('\n')}\n`);
    return 2;
  }
  if (error instanceof PosternError) {
    process.stderr.write(`postern: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
    return error.exitCode;
  }
  // Not one of ours: a defect. The stack is what a report needs.
  process.stderr.write(`postern: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}
