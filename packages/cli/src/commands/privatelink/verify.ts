import type { Command } from 'commander';
import type { Check } from '@postern/privatelink';
import { type OutputFormat, outputOption, printable, printList } from '../../io/output.ts';
import { addSourceOptions, type SourceOptions } from './options.ts';
import { openHome } from './plumbing.ts';

interface Options extends SourceOptions {
  readonly output: OutputFormat;
}

/** `postern privatelink verify` */
export function addVerify(privatelink: Command): void {
  addSourceOptions(privatelink.command('verify'))
    .description(
      "check that the hub's VPCs can reach the endpoints: groups, routes, peering or transit gateway, resolution",
    )
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(run);
}

const help = `
It reads AWS with the credentials of the HiveConfig and sends no packet: see "probe" in the HiveConfig for that. The exit code is
1 when a check fails.

Examples:
  postern privatelink verify --resources clusters/
  postern privatelink verify --resources clusters/ -o json
`;

const columns: Readonly<Record<string, (check: Check) => string>> = {
  result: ({ status }) => status,
  check: ({ check }) => check,
  of: ({ subject }) => subject,
  finding: ({ message }) => message,
};

async function run(options: Options): Promise<void> {
  const { systemClock, terminationSignal } = await import('@postern/daemon');
  const { verifyPlumbing } = await import('@postern/privatelink');
  const home = await openHome(options);
  try {
    const checks = await verifyPlumbing({
      home,
      awsEndpoint: options.awsEndpoint,
      clock: systemClock,
      random: Math.random,
      signal: terminationSignal(),
    });
    printList(checks, columns, options.output);
    const next = new Set(checks.flatMap(({ status, next }) => (status === 'ok' || next === undefined ? [] : [next])));
    if (options.output === 'table') for (const one of next) process.stdout.write(`next: ${printable(one)}\n`);
    if (checks.some(({ status }) => status === 'fail')) process.exitCode = 1;
  } finally {
    await home.close();
  }
}
