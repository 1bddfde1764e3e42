import type { Command } from 'commander';
import { type OutputFormat, outputOption, printList, printable } from '../../io/output.ts';

const marks = { ok: 'ok     ', warning: 'WARNING', failed: 'FAILED ', skipped: '-      ' } as const;

/** `postern tunnel doctor` */
export function addDoctor(tunnel: Command): void {
  tunnel
    .command('doctor')
    .description('pre-flight of an agent: files, DNS, egress, TLS, clock, credentials, each allowed destination')
    .requiredOption('-c, --config <file>', "the agent's configuration file")
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExample:\n  postern tunnel doctor --config agent.yaml\n\nDoes not disturb a running agent. Exits 1 when a check failed.\n',
    )
    .action(async ({ config, output }: { config: string; output: OutputFormat }) => {
      const [{ examine }, { readConfig, terminationSignal }, { agentSchema }] = await Promise.all([
        import('@postern/tunnel/agent'),
        import('@postern/daemon'),
        import('@postern/tunnel/config'),
      ]);
      const checks = [];
      for await (const check of examine(config, readConfig(config, agentSchema), terminationSignal())) {
        checks.push(check);
        if (output !== 'table') continue;
        process.stdout.write(
          `${marks[check.verdict]}  ${check.check}: ${printable(check.detail)}\n${check.next === undefined ? '' : `           ${check.next}\n`}`,
        );
      }
      if (output !== 'table') printList(checks, {}, output);
      if (checks.some(({ verdict }) => verdict === 'failed')) process.exitCode = 1;
    });
}
