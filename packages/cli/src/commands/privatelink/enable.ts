import { type Command, Option } from 'commander';
import { outputOption } from '../../io/output.ts';
import { addSourceOptions } from './options.ts';
import { type PlumbingCommandOptions, runPlumbing } from './plumbing.ts';

interface Options extends PlumbingCommandOptions {
  readonly credsSecret: string;
  readonly dnsRecordType: 'Alias' | 'ARecord';
  readonly hiveVpc?: string;
  readonly region?: string;
}

/** `postern privatelink enable` */
export function addEnable(privatelink: Command): void {
  addSourceOptions(privatelink.command('enable'))
    .description('put spec.awsPrivateLink into the HiveConfig, with the credentials and the VPC of the hub')
    .requiredOption('--creds-secret <namespace/name>', "the Secret with the hub account's credentials; it is copied")
    .addOption(
      new Option('--dns-record-type <type>', 'what points to an endpoint; ARecord where zones have no alias (GovCloud)')
        .choices(['Alias', 'ARecord'])
        .default('Alias'),
    )
    .option('--hive-vpc <vpc>', "the VPC that Hive runs in (default: the one tagged by OpenShift's installer)")
    .option('--region <region>', 'its region (default: that of Infrastructure/cluster)')
    .option('--dry-run', 'show the steps and do nothing')
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(run);
}

const help = `
The Secret is copied to awsprivatelink-hub-acct-creds in Hive's namespace; run again, the copy is refreshed. What is enabled
otherwise already is refused.

Examples:
  postern privatelink enable --resources clusters/ --creds-secret hive/aws-creds --hive-vpc vpc-0e0b3939a23a5e33e --region us-east-1
  postern privatelink enable --resources clusters/ --creds-secret hive/aws-creds --dns-record-type ARecord --dry-run
`;

async function run(options: Options): Promise<void> {
  const { enable } = await import('@postern/privatelink');
  const { credsSecret, dnsRecordType, hiveVpc, region } = options;
  await runPlumbing(options, (common) => enable({ ...common, credsSecret, dnsRecordType, hiveVpc, region }));
}
