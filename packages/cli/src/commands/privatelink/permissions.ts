import { type Command, Option } from 'commander';
import { addSourceOptions, type SourceOptions } from './options.ts';

interface Options extends SourceOptions {
  readonly format: 'json' | 'terraform';
  readonly partition?: string;
  readonly plumbing: boolean;
}

/** `postern privatelink permissions` */
export function addPermissions(privatelink: Command): void {
  addSourceOptions(privatelink.command('permissions'))
    .description('print the three least-privilege IAM policies: of the hub, of a customer, of an associated VPC')
    .addOption(new Option('--format <format>', 'how to print them').choices(['json', 'terraform']).default('json'))
    .addOption(
      new Option('--partition <partition>', "for JSON (default: that of the HiveConfig's regions, else aws)").choices([
        'aws',
        'aws-us-gov',
        'aws-cn',
        'aws-iso',
        'aws-iso-b',
      ]),
    )
    .option('--no-plumbing', 'leave out what only enable, endpointvpc and verify call')
    .addHelpText('after', help)
    .action(run);
}

const help = `
They are derived from the calls that the code can make. What the controller can do without stands in statements named
ControllerOptional: without one of those actions it does less, and names the action in the link's condition.

Examples:
  postern privatelink permissions
  postern privatelink permissions --no-plumbing --partition aws-us-gov
  postern privatelink permissions --format terraform > policies.tf
`;

async function run(options: Options): Promise<void> {
  const { policiesAsJson, policiesAsTerraform } = await import('@postern/privatelink');
  const { plumbing } = options;
  if (options.format === 'terraform') process.stdout.write(policiesAsTerraform({ plumbing }));
  else {
    const partition = options.partition ?? (await partitionOf(options));
    process.stdout.write(`${JSON.stringify(policiesAsJson({ partition, plumbing }), null, 2)}\n`);
  }
}

async function partitionOf(options: SourceOptions): Promise<string> {
  if (options.resources === undefined && options.kubeconfig === undefined) return 'aws';
  const { openHome } = await import('./plumbing.ts');
  const { partitionOf: partitionOfRegion } = await import('@postern/privatelink');
  const home = await openHome(options);
  try {
    const section = (await home.config())?.awsPrivateLink;
    const [first] = [...(section?.endpointVPCInventory ?? []), ...(section?.associatedVPCs ?? [])];
    return partitionOfRegion((first?.region ?? '').toLowerCase());
  } finally {
    await home.close();
  }
}
