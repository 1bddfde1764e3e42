import type { Command } from 'commander';
import { outputOption } from '../../io/output.ts';
import { addSourceOptions } from './options.ts';
import { type PlumbingCommandOptions, runPlumbing } from './plumbing.ts';

/** `postern privatelink disable` */
export function addDisable(privatelink: Command): void {
  addSourceOptions(privatelink.command('disable'))
    .description('take spec.awsPrivateLink out of the HiveConfig, and the copied credentials with it')
    .option('--dry-run', 'show the steps and do nothing')
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(run);
}

const help = `
Refused while links are asked for or not yet removed, and while a VPC of the inventory may be connected to an associated one.

Examples:
  postern privatelink disable --resources clusters/ --dry-run
  postern privatelink disable --resources clusters/
`;

async function run(options: PlumbingCommandOptions): Promise<void> {
  const { disable } = await import('@postern/privatelink');
  await runPlumbing(options, (common) => disable(common));
}
