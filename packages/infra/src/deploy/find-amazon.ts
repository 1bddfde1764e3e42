import {
  DescribeCustomerGatewaysCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
  DescribeVpnConnectionsCommand,
  DescribeVpnGatewaysCommand,
  EC2Client,
  type Filter,
} from '@aws-sdk/client-ec2';
import { translate } from '../verify/ask-amazon.ts';

/**
 * Resources by their tags, one question a Terraform type. Not DescribeTags: it goes on listing what was deleted.
 */
type Ask = (
  client: EC2Client,
  question: { Filters: Filter[] },
  options: { abortSignal: AbortSignal },
) => Promise<(Found | undefined)[]>;

interface Found {
  readonly id: string | undefined;
  readonly state?: string | undefined;
}

export const amazonTypes: Readonly<Record<string, Ask>> = {
  aws_vpc: async (client, question, options) =>
    (await client.send(new DescribeVpcsCommand(question), options)).Vpcs?.map(({ VpcId }) => ({ id: VpcId })) ?? [],
  aws_subnet: async (client, question, options) =>
    (await client.send(new DescribeSubnetsCommand(question), options)).Subnets?.map(({ SubnetId }) => ({
      id: SubnetId,
    })) ?? [],
  aws_route_table: async (client, question, options) =>
    (await client.send(new DescribeRouteTablesCommand(question), options)).RouteTables?.map(({ RouteTableId }) => ({
      id: RouteTableId,
    })) ?? [],
  aws_security_group: async (client, question, options) =>
    (await client.send(new DescribeSecurityGroupsCommand(question), options)).SecurityGroups?.map(({ GroupId }) => ({
      id: GroupId,
    })) ?? [],
  aws_vpn_gateway: async (client, question, options) =>
    (await client.send(new DescribeVpnGatewaysCommand(question), options)).VpnGateways?.map(
      ({ VpnGatewayId, State }) => ({ id: VpnGatewayId, state: State }),
    ) ?? [],
  aws_customer_gateway: async (client, question, options) =>
    (await client.send(new DescribeCustomerGatewaysCommand(question), options)).CustomerGateways?.map(
      ({ CustomerGatewayId, State }) => ({ id: CustomerGatewayId, state: State }),
    ) ?? [],
  aws_vpn_connection: async (client, question, options) =>
    (await client.send(new DescribeVpnConnectionsCommand(question), options)).VpnConnections?.map(
      ({ VpnConnectionId, State }) => ({ id: VpnConnectionId, state: State }),
    ) ?? [],
  aws_vpc_endpoint: async (client, question, options) =>
    (await client.send(new DescribeVpcEndpointsCommand(question), options)).VpcEndpoints?.map(
      ({ VpcEndpointId, State }) => ({ id: VpcEndpointId, state: State }),
    ) ?? [],
};

/** The ids of this instance's resources of a type and a name that are not deleted. */
export async function findAmazon(
  type: string,
  tags: Readonly<Record<string, string>>,
  region: string,
  signal: AbortSignal,
): Promise<string[]> {
  const client = new EC2Client({ region });
  const Filters = Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
  try {
    const found = await amazonTypes[type]!(client, { Filters }, { abortSignal: signal });
    return found.flatMap((one) => (one?.id === undefined || /^delet/i.test(one.state ?? '') ? [] : [one.id]));
  } catch (error) {
    throw translate(error);
  } finally {
    client.destroy();
  }
}
