import { type Command, Option } from 'commander';
import type { Logger } from '@postern/daemon';

interface DaemonOptions {
  readonly config: string;
  readonly logLevel: string;
}

/** A command that runs a daemon from `--config FILE` until it is told to stop. */
export function daemonCommand(
  command: Command,
  name: string,
  start: (config: string, signal: AbortSignal, log: Logger) => Promise<void>,
): Command {
  return command
    .requiredOption('-c, --config <file>', 'configuration file')
    .addOption(
      new Option('--log-level <level>', 'least severity to log')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(async ({ config, logLevel }: DaemonOptions) => {
      const { createLogger, terminationSignal } = await import('@postern/daemon');
      await start(config, terminationSignal(), createLogger({ name, level: logLevel }));
    });
}
