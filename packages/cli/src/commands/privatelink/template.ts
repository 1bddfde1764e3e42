import type { Command } from 'commander';

/** `postern privatelink template vpc` */
export function addTemplate(privatelink: Command): void {
  privatelink
    .command('template')
    .description('print CloudFormation templates')
    .command('vpc')
    .description('a VPC for development: public and private subnets in one to six zones')
    .addHelpText('after', help)
    .action(run);
}

const help = `
Parameters: AvailabilityZoneCount (1 to 6), VpcCidr (/16 to /24), SubnetBits (host bits of each subnet), NatGateways (PerZone or None).
Outputs: VpcId, PublicSubnetIds, PrivateSubnetIds.

Examples:
  postern privatelink template vpc > vpc.cf.yaml
  aws cloudformation create-stack --stack-name hive-vpc --template-body file://vpc.cf.yaml \\
    --parameters ParameterKey=AvailabilityZoneCount,ParameterValue=3 ParameterKey=VpcCidr,ParameterValue=10.0.0.0/16
`;

async function run(): Promise<void> {
  const { vpcTemplate } = await import('@postern/privatelink');
  process.stdout.write(vpcTemplate());
}
