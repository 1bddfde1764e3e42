/** Stack `awsvpc`: the dedicated VPC in the customer's dedicated AWS account, private subnets in every zone, route tables. */
import type { TerraformStack } from 'cdktn';
import type { AwsSide } from '../config/model.ts';
import { dataSource, output, resource } from '@postern/terraform';

/** What `awsvpn` reads of it. The names are the stack's outputs. */
export const awsVpcOutputs = ['vpc_id', 'subnet_ids_by_zone', 'route_table_id'] as const;

export function awsvpc(stack: TerraformStack, { vpcCIDR }: AwsSide): void {
  const vpc = resource(stack, 'aws_vpc', 'main', {
    cidr_block: vpcCIDR,
    // Both are needed for an endpoint's private DNS name.
    enable_dns_support: true,
    enable_dns_hostnames: true,
    tags: { Name: 'postern' },
  });
  // Local and wavelength zones are opt-in and offer no endpoint services.
  const zones = dataSource(stack, 'aws_availability_zones', 'available', {
    state: 'available',
    filter: [{ name: 'opt-in-status', values: ['opt-in-not-required'] }],
  });
  const subnets = resource(
    stack,
    'aws_subnet',
    'private',
    {
      vpc_id: vpc.ref('id'),
      availability_zone_id: '${each.key}',
      // By the number in the zone's id (euc1-az2 -> 2) and not by position: a zone that AWS adds moves no other subnet.
      cidr_block: `\${cidrsubnet("${vpcCIDR}", 4, tonumber(regex("[0-9]+$", each.key)) - 1)}`,
      map_public_ip_on_launch: false,
      tags: { Name: 'postern-private-${each.key}' },
    },
    { forEach: `\${toset(${zones.raw('zone_ids')})}` },
  );
  const table = resource(stack, 'aws_route_table', 'private', {
    vpc_id: vpc.ref('id'),
    tags: { Name: 'postern-private' },
  });
  resource(
    stack,
    'aws_route_table_association',
    'private',
    { subnet_id: '${each.value.id}', route_table_id: table.ref('id') },
    { forEach: `\${${subnets.address}}` },
  );
  output(stack, 'vpc_id', vpc.ref('id'), 'The dedicated VPC.');
  output(
    stack,
    'subnet_ids_by_zone',
    `\${{ for subnet in ${subnets.address} : subnet.availability_zone => subnet.id }}`,
    'Its private subnets, by zone name.',
  );
  output(stack, 'route_table_id', table.ref('id'), 'The table that learns the routes of the VPN.');
}
