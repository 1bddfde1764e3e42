import { type Command, InvalidArgumentError } from 'commander';
import { outputOption } from '../../io/output.ts';
import { addSourceOptions } from './options.ts';
import { type PlumbingCommandOptions, runPlumbing } from './plumbing.ts';

interface AddOptions extends PlumbingCommandOptions {
  readonly region: string;
  readonly subnetIds: readonly string[];
  readonly allProtocols?: boolean;
}

interface RemoveOptions extends PlumbingCommandOptions {
  readonly region?: string;
}

/** `postern privatelink endpointvpc add|remove` */
export function addEndpointVpcCommands(privatelink: Command): void {
  const endpointvpc = privatelink
    .command('endpointvpc')
    .description('VPCs that hold endpoints: connect them, or let them go');
  addSourceOptions(endpointvpc.command('add'))
    .description('peer a VPC with the associated ones, route both ways, open the ports, and put it into the inventory')
    .argument('<vpc>', 'the VPC that is to hold endpoints')
    .requiredOption('--region <region>', 'its region')
    .requiredOption('--subnet-ids <ids>', 'its subnets for endpoints, by commas, one a zone', commaList)
    .option(
      '--all-protocols',
      'open everything, both ways, as hiveutil does (default: TCP 6443, 22623 and the ports of PrivateLinks)',
    )
    .option('--dry-run', 'show the steps and do nothing')
    .addOption(outputOption())
    .addHelpText('after', addHelp)
    .action(add);
  addSourceOptions(endpointvpc.command('remove'))
    .description('take a VPC out of the inventory, and its rules, routes and peerings away')
    .argument('<vpc>', 'the VPC')
    .option('--region <region>', 'its region, where the inventory does not say it any more')
    .option('--dry-run', 'show the steps and do nothing')
    .addOption(outputOption())
    .addHelpText('after', removeHelp)
    .action(remove);
}

const addHelp = `
Calls on an associated VPC are made with its own credentialsSecretRef where it has one, all others with the hub's. A step that
fails has those before it undone. It is safe to run again: what is done is not done twice.

Examples:
  postern privatelink endpointvpc add vpc-0e0b3939a23a5e33e --region us-east-1 --subnet-ids subnet-0bf2b8faf1c7d200b,subnet-09d53f09b54c38029 --resources clusters/ --dry-run
  postern privatelink endpointvpc add vpc-0e0b3939a23a5e33e --region us-east-1 --subnet-ids subnet-0bf2b8faf1c7d200b --resources clusters/
`;

const removeHelp = `
Refused while an endpoint of ours is in the VPC; it says of which cluster. Peerings that were not made for private links (no tag
hive-private-link=owned) and rules of other hands stay.

Examples:
  postern privatelink endpointvpc remove vpc-0e0b3939a23a5e33e --resources clusters/ --dry-run
  postern privatelink endpointvpc remove vpc-0e0b3939a23a5e33e --resources clusters/
`;

function commaList(text: string): readonly string[] {
  const ids = text.split(',').map((id) => id.trim());
  const wrong = ids.find((id) => !/^subnet-[a-z0-9-]+$/.test(id));
  if (wrong !== undefined)
    throw new InvalidArgumentError(`${JSON.stringify(wrong)} is not a subnet id such as subnet-0bf2b8faf1c7d200b.`);
  return ids;
}

async function add(vpc: string, options: AddOptions): Promise<void> {
  const { addEndpointVpc } = await import('@postern/privatelink');
  const { region, subnetIds, allProtocols = false } = options;
  await runPlumbing(options, (common) => addEndpointVpc({ ...common, vpc, region, subnetIds, allProtocols }));
}

async function remove(vpc: string, options: RemoveOptions): Promise<void> {
  const { removeEndpointVpc } = await import('@postern/privatelink');
  await runPlumbing(options, (common) => removeEndpointVpc({ ...common, vpc, region: options.region }));
}
