/** Stack `network`: the VPC, three public and three private subnets in three zones, Internet and NAT gateways. */
import { output, resource } from '@postern/terraform';
import type { TerraformStack } from 'cdktn';
import { planNetwork } from '../plan/network.ts';
import type { AwsSandbox } from '../plan/sandbox.ts';

export function networkStack(stack: TerraformStack, { name, spec }: AwsSandbox): void {
  const { plan } = planNetwork(spec);
  const tags = (what: string, more: Record<string, string> = {}) => ({ Name: `postern-${name}-${what}`, ...more });
  const vpc = resource(stack, 'aws_vpc', 'main', {
    cidr_block: plan.vpcCIDR,
    enable_dns_support: true,
    enable_dns_hostnames: true,
    tags: tags('vpc'),
  });
  const internet = resource(stack, 'aws_internet_gateway', 'main', { vpc_id: vpc.ref('id'), tags: tags('internet') });
  const publicTable = resource(stack, 'aws_route_table', 'public', {
    vpc_id: vpc.ref('id'),
    tags: tags('public'),
  });
  resource(stack, 'aws_route', 'public', {
    route_table_id: publicTable.ref('id'),
    destination_cidr_block: '0.0.0.0/0',
    gateway_id: internet.ref('id'),
  });
  const publicSubnets = plan.zones.map((zone, i) => {
    const subnet = resource(stack, 'aws_subnet', `public_${i}`, {
      vpc_id: vpc.ref('id'),
      availability_zone: zone,
      cidr_block: plan.publicSubnets[i]!,
      // Nothing of a tenant lives here, and no tag invites a public load balancer: only the gateways do.
      map_public_ip_on_launch: false,
      tags: tags(`public-${zone}`),
    });
    resource(stack, 'aws_route_table_association', `public_${i}`, {
      subnet_id: subnet.ref('id'),
      route_table_id: publicTable.ref('id'),
    });
    return subnet;
  });
  const gateways = plan.nat === 'none' ? [] : plan.nat === 'single' ? [0] : [0, 1, 2];
  const nats = gateways.map((i) => {
    const address = resource(
      stack,
      'aws_eip',
      `nat_${i}`,
      { domain: 'vpc', tags: tags(`nat-${i}`) },
      { dependsOn: [internet] },
    );
    return {
      address,
      gateway: resource(
        stack,
        'aws_nat_gateway',
        `nat_${i}`,
        { allocation_id: address.ref('id'), subnet_id: publicSubnets[i]!.ref('id'), tags: tags(`nat-${i}`) },
        { dependsOn: [internet] },
      ),
    };
  });
  const privateSubnets = plan.zones.map((zone, i) => {
    const nat = nats[i] ?? nats[0];
    const table = resource(stack, 'aws_route_table', `private_${i}`, {
      vpc_id: vpc.ref('id'),
      tags: tags(`private-${zone}`),
    });
    if (nat !== undefined)
      resource(stack, 'aws_route', `private_${i}`, {
        route_table_id: table.ref('id'),
        destination_cidr_block: '0.0.0.0/0',
        nat_gateway_id: nat.gateway.ref('id'),
      });
    const subnet = resource(stack, 'aws_subnet', `private_${i}`, {
      vpc_id: vpc.ref('id'),
      availability_zone: zone,
      cidr_block: plan.privateSubnets[i]!,
      map_public_ip_on_launch: false,
      tags: tags(`private-${zone}`, {
        [`kubernetes.io/cluster/${name}`]: 'shared',
        'kubernetes.io/role/internal-elb': '1',
      }),
    });
    resource(stack, 'aws_route_table_association', `private_${i}`, {
      subnet_id: subnet.ref('id'),
      route_table_id: table.ref('id'),
    });
    return subnet;
  });
  output(stack, 'vpc_id', vpc.ref('id'), 'The VPC.');
  output(
    stack,
    'public_subnet_ids',
    publicSubnets.map((subnet) => subnet.ref('id')),
    'Public subnets, by zone.',
  );
  output(
    stack,
    'private_subnet_ids',
    privateSubnets.map((subnet) => subnet.ref('id')),
    'Private subnets, by zone: nodes and pods.',
  );
  output(
    stack,
    'nat_addresses',
    nats.map(({ address }) => address.ref('public_ip')),
    'What the Internet sees.',
  );
}
