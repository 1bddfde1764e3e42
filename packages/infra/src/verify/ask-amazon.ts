import {
  type CustomerGateway,
  DescribeCustomerGatewaysCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpnConnectionsCommand,
  DescribeVpnGatewaysCommand,
  EC2Client,
  type SecurityGroup,
  type Tag,
  type TunnelOption,
  type VpcEndpoint,
  type VpnConnection,
} from '@aws-sdk/client-ec2';
import { errorMessage, type Ingress, PosternError, type Proposal, type VpnDesign } from '@postern/core';
import type { AmazonConnection, AmazonEndpoint, AmazonFacts } from './facts.ts';

/** Asks AWS about the VPN and the endpoints. The SDK reads AWS_ENDPOINT_URL_EC2, AWS_PROFILE and the rest by itself. */

/** Enough for a hiccup; a check is read by a person who waits. */
const attemptsMax = 3;

export async function askAmazon(design: VpnDesign, signal: AbortSignal): Promise<AmazonFacts> {
  const client = new EC2Client({ region: design.aws.region, maxAttempts: attemptsMax });
  const options = { abortSignal: signal };
  try {
    const [connections, customers, gateways, tables, endpoints] = await Promise.all([
      client.send(new DescribeVpnConnectionsCommand(named(design.aws.connections.map(({ name }) => name))), options),
      client.send(new DescribeCustomerGatewaysCommand({}), options),
      client.send(new DescribeVpnGatewaysCommand(named([design.aws.vpnGatewayName])), options),
      client.send(new DescribeRouteTablesCommand(named([design.aws.routeTableName])), options),
      client.send(new DescribeVpcEndpointsCommand(named(design.aws.endpoints.map(({ name }) => name))), options),
    ]);
    const gateway = gateways.VpnGateways?.find((one) => one.State !== 'deleted' && one.State !== 'deleting');
    const table = tables.RouteTables?.[0];
    const groups = await groupsOf(client, endpoints.VpcEndpoints ?? [], options);
    const customer = new Map(customers.CustomerGateways?.map((one) => [one.CustomerGatewayId, one]));
    return {
      connections: (connections.VpnConnections ?? [])
        .filter((one) => one.State !== 'deleted' && one.State !== 'deleting')
        .map((one) => connection(one, customer.get(one.CustomerGatewayId))),
      gateway:
        gateway === undefined
          ? undefined
          : {
              id: gateway.VpnGatewayId ?? '',
              asn: Number(gateway.AmazonSideAsn),
              attached: gateway.VpcAttachments?.some((one) => one.State === 'attached') ?? false,
            },
      routeTable:
        table === undefined
          ? undefined
          : {
              propagating: table.PropagatingVgws?.some((one) => one.GatewayId === gateway?.VpnGatewayId) ?? false,
              routes: (table.Routes ?? [])
                .filter((route) => route.Origin === 'EnableVgwRoutePropagation' && route.State === 'active')
                .map((route) => route.DestinationCidrBlock ?? ''),
            },
      endpoints: (endpoints.VpcEndpoints ?? []).filter(alive).map((one) => endpoint(one, groups)),
    };
  } catch (error) {
    throw translate(error);
  } finally {
    client.destroy();
  }
}

/** What was deleted stays listed for an hour. */
function alive({ State }: VpcEndpoint): boolean {
  return !/^delet/i.test(State ?? '');
}

function named(names: readonly string[]) {
  return { Filters: [{ Name: 'tag:Name', Values: names.length === 0 ? ['-'] : [...names] }] };
}

const nameOf = (tags: readonly Tag[] | undefined): string => tags?.find(({ Key }) => Key === 'Name')?.Value ?? '';

async function groupsOf(client: EC2Client, endpoints: readonly VpcEndpoint[], options: { abortSignal: AbortSignal }) {
  const ids = [...new Set(endpoints.flatMap((one) => one.Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []))];
  if (ids.length === 0) return new Map<string, SecurityGroup>();
  const { SecurityGroups } = await client.send(new DescribeSecurityGroupsCommand({ GroupIds: ids }), options);
  return new Map((SecurityGroups ?? []).map((group) => [group.GroupId ?? '', group]));
}

function connection(one: VpnConnection, customer: CustomerGateway | undefined): AmazonConnection {
  const options = one.Options?.TunnelOptions ?? [];
  return {
    name: nameOf(one.Tags),
    id: one.VpnConnectionId ?? '',
    state: one.State ?? '',
    customerGateway:
      customer === undefined ? undefined : { ip: customer.IpAddress ?? '', asn: Number(customer.BgpAsn) },
    tunnels: (one.VgwTelemetry ?? []).map((seen, i) => {
      const option = options.find((candidate) => candidate.OutsideIpAddress === seen.OutsideIpAddress) ?? options[i];
      return {
        outside: seen.OutsideIpAddress ?? '',
        insideCIDR: option?.TunnelInsideCidr,
        ikeVersions: option?.IkeVersions?.flatMap(({ Value }) => Value ?? []),
        phase1: phase(option, 1),
        phase2: phase(option, 2),
        up: seen.Status === 'UP',
        message: seen.StatusMessage ?? '',
        acceptedRoutes: seen.AcceptedRouteCount ?? 0,
      };
    }),
  };
}

function phase(option: TunnelOption | undefined, n: 1 | 2): Partial<Proposal> {
  const encryption = option?.[`Phase${n}EncryptionAlgorithms`]?.flatMap(({ Value }) => Value ?? []);
  const integrity = option?.[`Phase${n}IntegrityAlgorithms`]?.flatMap(({ Value }) => Value ?? []);
  const dhGroups = option?.[`Phase${n}DHGroupNumbers`]?.flatMap(({ Value }) => Value ?? []);
  return {
    ...(encryption !== undefined && encryption.length > 0 && { encryption }),
    ...(integrity !== undefined && integrity.length > 0 && { integrity }),
    ...(dhGroups !== undefined && dhGroups.length > 0 && { dhGroups }),
  };
}

function endpoint(one: VpcEndpoint, groups: ReadonlyMap<string, SecurityGroup>): AmazonEndpoint {
  const mine = (one.Groups ?? []).flatMap(({ GroupId }) => groups.get(GroupId ?? '') ?? []);
  return {
    id: one.VpcEndpointId ?? '',
    name: nameOf(one.Tags),
    serviceName: one.ServiceName ?? '',
    state: one.State ?? '',
    privateDns: one.PrivateDnsEnabled ?? false,
    dnsNames: (one.DnsEntries ?? []).flatMap(({ DnsName }) => DnsName ?? []),
    ingress: mine.flatMap(ingress),
  };
}

function ingress(group: SecurityGroup): Ingress[] {
  return (group.IpPermissions ?? [])
    .filter(({ IpProtocol }) => IpProtocol === 'tcp' || IpProtocol === '-1')
    .flatMap((rule) =>
      (rule.IpRanges ?? []).map(({ CidrIp }) => ({
        cidr: CidrIp ?? '',
        fromPort: rule.FromPort ?? 0,
        toPort: rule.ToPort ?? 65_535,
      })),
    );
}

/** The SDK's errors, as one sentence with the next step. */
export function translate(error: unknown): PosternError {
  if (error instanceof PosternError) return error;
  const name = error instanceof Error ? error.name : '';
  const hints: Readonly<Record<string, string>> = {
    CredentialsProviderError: 'set AWS_PROFILE, or aws sso login',
    ExpiredToken: 'log in again: aws sso login',
    UnauthorizedOperation: 'grant ec2:Describe* in the customer’s account',
    AuthFailure: 'the credentials are not valid in this account',
  };
  return new PosternError('AWS', `AWS: ${errorMessage(error) || name}`, {
    hint: hints[name] ?? 'check the network, AWS_REGION and AWS_ENDPOINT_URL_EC2',
    cause: error,
  });
}
