import {
  type AwsEnd,
  type EndpointNames,
  type GcpEnd,
  PosternError,
  type Proposal,
  Secret,
  type TunnelDesign,
  type VpnDesign,
} from '@postern/core';
import type { StackJson } from '../stacks/synth.ts';
import { Node, only, type Resolve, resources } from './json.ts';

/** The VPN's parameters, read from the synthesised `awsvpc` and `awsvpn`: each end from its own cloud's resource. PURE. */

/** What only the clouds (or the lab in their place) decide. */
export interface CloudAnswers {
  gatewayAddress(gatewayInterface: number): string;
  /** The outside address of tunnel 1 or 2 of a connection, by the connection's place. */
  tunnelAddress(connection: number, number: 1 | 2): string;
  /** A `random_password` of this length, the same each time for a name. */
  password(name: string, length: number): string;
}

/** Cloud Router's default keepalive; hold time is three of them. */
const keepaliveSecondsDefault = 20;

/** Names in place of what is not known before an apply: enough for the checks, which ask the clouds themselves. */
export const unknownAnswers: CloudAnswers = {
  gatewayAddress: (i) => `gateway-${i}`,
  tunnelAddress: (connection, number) => `tunnel-${connection}-${number}`,
  password: (name) => name,
};

export function readVpn(
  stacks: { readonly awsvpc: StackJson; readonly awsvpn: StackJson },
  appCIDR: string,
  answers: CloudAnswers,
): VpnDesign {
  const { awsvpc, awsvpn } = stacks;
  const resolve = resolver(awsvpn, answers);
  const all = (type: string): Node[] => resources(awsvpn, type, resolve);
  const google = new Node('provider.google', (awsvpn['provider'] as Record<string, unknown[]>)['google']?.[0], resolve);
  const amazon = new Node('provider.aws', (awsvpn['provider'] as Record<string, unknown[]>)['aws']?.[0], resolve);
  const router = only(awsvpn, 'google_compute_router', resolve);
  const vgw = only(awsvpn, 'aws_vpn_gateway', resolve);
  const vpc = only(awsvpc, 'aws_vpc', resolve);
  const connections = all('aws_vpn_connection');
  const customers = new Map(all('aws_customer_gateway').map((node) => [node.address, node]));
  const customerOf = (connection: Node): Node => customers.get(connection.target('customer_gateway_id'))!;
  const keepaliveSeconds = Number(router.get('bgp', 'keepalive_interval') ?? keepaliveSecondsDefault);
  return {
    project: google.text('project'),
    region: google.text('region'),
    network: router.text('network').split('/').at(-1)!,
    router: router.text('name'),
    gateway: only(awsvpn, 'google_compute_ha_vpn_gateway', resolve).text('name'),
    externalGateway: only(awsvpn, 'google_compute_external_vpn_gateway', resolve).text('name'),
    gcpAsn: router.number('bgp', 'asn'),
    awsAsn: vgw.number('amazon_side_asn'),
    advertised: router
      .list('bgp', 'advertised_ip_ranges')
      .map((_, i) => router.text('bgp', 'advertised_ip_ranges', i, 'range')),
    appCIDR,
    vpcCIDR: vpc.text('cidr_block'),
    gatewayAddresses: [0, 1].map((i) => answers.gatewayAddress(i)),
    tunnels: tunnels(awsvpn, resolve, connections, customerOf, keepaliveSeconds),
    aws: {
      region: amazon.text('region'),
      accountID: amazon.text('allowed_account_ids', 0),
      vpcName: vpc.text('tags', 'Name'),
      vpnGatewayName: vgw.text('tags', 'Name'),
      routeTableName: only(awsvpc, 'aws_route_table', resolve).text('tags', 'Name'),
      propagated: all('aws_vpn_gateway_route_propagation').length > 0,
      connections: connections.map((connection) => ({
        name: connection.text('tags', 'Name'),
        customerGatewayName: customerOf(connection).text('tags', 'Name'),
        customerGatewayAddress: customerOf(connection).text('ip_address'),
        customerGatewayAsn: customerOf(connection).number('bgp_asn'),
      })),
      endpoints: all('aws_vpc_endpoint').map((node) =>
        endpoint(node, all('aws_vpc_security_group_ingress_rule'), groups(awsvpn, resolve)),
      ),
    },
  };
}

function groups(awsvpn: StackJson, resolve: Resolve): Map<string, Node> {
  return new Map(resources(awsvpn, 'aws_security_group', resolve).map((node) => [node.address, node]));
}

function endpoint(node: Node, rules: readonly Node[], groups: ReadonlyMap<string, Node>): EndpointNames {
  const group = node.target('security_group_ids', 0);
  return {
    name: node.text('tags', 'Name'),
    serviceName: node.text('service_name'),
    privateDns: node.get('private_dns_enabled') === true,
    groupName: groups.get(group)!.text('name'),
    ingress: rules
      .filter((rule) => rule.target('security_group_id') === group)
      .map((rule) => ({
        cidr: rule.text('cidr_ipv4'),
        fromPort: rule.number('from_port'),
        toPort: rule.number('to_port'),
      })),
  };
}

function tunnels(
  awsvpn: StackJson,
  resolve: Resolve,
  connections: readonly Node[],
  customerOf: (connection: Node) => Node,
  keepaliveSeconds: number,
): TunnelDesign[] {
  const gateway = only(awsvpn, 'google_compute_ha_vpn_gateway', resolve);
  const external = only(awsvpn, 'google_compute_external_vpn_gateway', resolve);
  const links = resources(awsvpn, 'google_compute_router_interface', resolve);
  const peers = resources(awsvpn, 'google_compute_router_peer', resolve);
  return resources(awsvpn, 'google_compute_vpn_tunnel', resolve).map((tunnel) => {
    const gatewayInterface = tunnel.number('vpn_gateway_interface');
    const peerInterface = tunnel.number('peer_external_gateway_interface');
    const link = links.find((node) => node.target('vpn_tunnel') === tunnel.address)!;
    const peer = peers.find((node) => node.target('interface') === link.address)!;
    const place = external
      .list('interface')
      .findIndex((_, i) => external.number('interface', i, 'id') === peerInterface);
    const [name, number] = awsTunnel(String(external.get('interface', place, 'ip_address')));
    const connection = connections.findIndex((node) => node.address === name);
    if (connection < 0)
      throw new PosternError(
        'STACK',
        `${external.address}.interface: ${peerInterface} names no tunnel of an AWS connection`,
        {
          hint: 'run postern generate',
          exitCode: 2,
        },
      );
    const gcp: GcpEnd = {
      outside: resolve(`${gateway.address}.vpn_interfaces[${gatewayInterface}].ip_address`)!,
      peerOutside: external.text('interface', place, 'ip_address'),
      gatewayInterface,
      peerInterface,
      routerInterface: link.text('name'),
      peerName: peer.text('name'),
      inside: link.text('ip_range'),
      peerInside: peer.text('peer_ip_address'),
      peerAsn: peer.number('peer_asn'),
      keepaliveSeconds,
      key: new Secret(tunnel.text('shared_secret')),
    };
    const aws = awsEnd(connections[connection]!, number, customerOf(connections[connection]!), resolve);
    return { name: tunnel.text('name'), connection, number, gcp, aws };
  });
}

/** `${aws_vpn_connection.google_0.tunnel1_address}` -> that connection, 1. */
function awsTunnel(reference: string): [address: string, number: 1 | 2] {
  const match = /^\$\{(aws_vpn_connection\.[A-Za-z0-9_-]+)\.tunnel([12])_address\}$/.exec(reference);
  return match === null ? ['', 1] : [match[1]!, match[2] === '1' ? 1 : 2];
}

function awsEnd(connection: Node, number: 1 | 2, customer: Node, resolve: Resolve): AwsEnd {
  const of = (name: string): string => `tunnel${number}_${name}`;
  const phase = (n: 1 | 2): Proposal => ({
    encryption: connection.texts(of(`phase${n}_encryption_algorithms`)),
    integrity: connection.texts(of(`phase${n}_integrity_algorithms`)),
    dhGroups: connection.numbers(of(`phase${n}_dh_group_numbers`)),
    lifetimeSeconds: connection.number(of(`phase${n}_lifetime_seconds`)),
  });
  return {
    outside: resolve(`${connection.address}.${of('address')}`)!,
    peerOutside: customer.text('ip_address'),
    insideCIDR: connection.text(of('inside_cidr')),
    peerAsn: customer.number('bgp_asn'),
    key: new Secret(connection.text(of('preshared_key'))),
    phase1: phase(1),
    phase2: phase(2),
    dpdSeconds: connection.number(of('dpd_timeout_seconds')),
  };
}

/** Answers the references that the stack makes to what the clouds decide. */
function resolver(awsvpn: StackJson, answers: CloudAnswers): Resolve {
  const table = (awsvpn['resource'] ?? {}) as Record<string, Record<string, Record<string, unknown>>>;
  const connections = Object.keys(table['aws_vpn_connection'] ?? {});
  return (reference) => {
    const [, type, name, attribute] = /^([a-z0-9_]+)\.([A-Za-z0-9_-]+)\.(.+)$/.exec(reference) ?? [];
    if (type === 'google_compute_ha_vpn_gateway') {
      const match = /^vpn_interfaces\[([01])\]\.ip_address$/.exec(attribute ?? '');
      return match === null ? undefined : answers.gatewayAddress(Number(match[1]));
    }
    if (type === 'aws_vpn_connection') {
      const match = /^tunnel([12])_address$/.exec(attribute ?? '');
      const connection = connections.indexOf(name!);
      return match === null || connection < 0 ? undefined : answers.tunnelAddress(connection, match[1] === '1' ? 1 : 2);
    }
    if (type === 'random_password' && attribute === 'result')
      return answers.password(name!, Number(table[type]?.[name!]?.['length'] ?? 0));
    // A name that one resource takes from another.
    const value = table[type ?? '']?.[name ?? '']?.[attribute ?? ''];
    return typeof value === 'string' && !value.includes('${') ? value : undefined;
  };
}
