/** Stack `awsvpn`: the VPN on both sides, as Google's HA VPN to AWS, and the interface endpoints with their security groups. */
import type { TerraformStack } from 'cdktn';
import type { AwsSide, Instance } from '../config/model.ts';
import { addEndpoints } from './endpoints.ts';
import { networkPath } from './google.ts';
import { type Handle, output, resource } from '@postern/terraform';
import type { Resources } from '@postern/terraform';
import { proposal, timers, type TunnelPlan, tunnelPlans } from './vpn-plan.ts';

/** References into `awsvpc`, as expressions of this stack. */
export interface VpcReferences {
  readonly vpcID: string;
  readonly subnetIDsByZone: string;
  readonly routeTableID: string;
}

/** What the Cloud Router tells AWS: the configuration's ranges and nothing else. */
export function advertisedRanges({ gcp, vpn }: Instance): string[] {
  return [...new Set([...gcp.nodeCIDRs, ...gcp.podCIDRs, ...vpn.advertise])];
}

/** The exact names that dashboard and verify ask for. */
export const vpnNames = {
  router: 'postern-vpn',
  gateway: 'postern-vpn',
  externalGateway: 'postern-aws',
  tunnel: (index: number) => `postern-vpn-tunnel-${index}`,
} as const;

type H<T extends keyof Resources> = Handle<Resources[T]['attributes']>;

export function awsvpn(stack: TerraformStack, instance: Instance, aws: AwsSide, vpc: VpcReferences): void {
  const plans = tunnelPlans(aws.highAvailable);
  const network = networkPath(instance);
  const router = resource(stack, 'google_compute_router', 'vpn', {
    name: vpnNames.router,
    network,
    bgp: {
      asn: instance.vpn.gcpASN,
      advertise_mode: 'CUSTOM',
      advertised_ip_ranges: advertisedRanges(instance).map((range) => ({ range })),
    },
  });
  const vgw = resource(stack, 'aws_vpn_gateway', 'main', {
    vpc_id: vpc.vpcID,
    amazon_side_asn: String(instance.vpn.awsASN),
    tags: { Name: 'postern' },
  });
  resource(stack, 'aws_vpn_gateway_route_propagation', 'private', {
    vpn_gateway_id: vgw.ref('id'),
    route_table_id: vpc.routeTableID,
  });
  // Replacing it would change both outside addresses, which the AWS side and every customer's firewall know.
  const gateway = resource(
    stack,
    'google_compute_ha_vpn_gateway',
    'main',
    { name: vpnNames.gateway, network },
    { lifecycle: { prevent_destroy: true } },
  );
  const keys = plans.map((plan) => presharedKey(stack, plan));
  const connections = connect(stack, instance, plans, { vgw, gateway, keys });
  const outside = (plan: TunnelPlan) => connections[plan.connection]!.ref(`tunnel${plan.awsTunnel}_address`);
  const external = resource(stack, 'google_compute_external_vpn_gateway', 'aws', {
    name: vpnNames.externalGateway,
    redundancy_type: aws.highAvailable ? 'FOUR_IPS_REDUNDANCY' : 'TWO_IPS_REDUNDANCY',
    interface: plans.map((plan) => ({ id: plan.index, ip_address: outside(plan) })),
  });
  for (const plan of plans) addTunnel(stack, instance, plan, { router, gateway, external, key: keys[plan.index]! });
  addEgress(stack, instance, aws, network);
  addEndpoints(stack, instance, aws, vpc);
  output(stack, 'router_name', router.ref('name'), 'The Cloud Router that speaks BGP with AWS.');
  output(
    stack,
    'google_outside_addresses',
    connections.map((_, i) => gateway.ref('vpn_interfaces', `[${i}].ip_address`)),
    'Outside addresses on Google’s side.',
  );
  output(stack, 'aws_outside_addresses', plans.map(outside), 'Outside addresses on AWS’s side, by tunnel.');
  output(
    stack,
    'vpn_connection_ids',
    connections.map((connection) => connection.ref('id')),
    'The AWS VPN connections.',
  );
}

/**
 * 32 bytes: a letter, because AWS refuses a leading 0, and 31 random ones of [A-Za-z0-9], because AWS refuses the `+ / =` of
 * base64. It lives in Terraform's state and nowhere else. `ignore_changes`: a key is never rolled by an edit of this file.
 */
function presharedKey(stack: TerraformStack, { index }: TunnelPlan): string {
  const password = resource(
    stack,
    'random_password',
    `psk_${index}`,
    { length: 31, special: false },
    { lifecycle: { ignore_changes: 'all' } },
  );
  return `k${password.ref('result')}`;
}

interface Ends {
  readonly vgw: H<'aws_vpn_gateway'>;
  readonly gateway: H<'google_compute_ha_vpn_gateway'>;
  readonly keys: readonly string[];
}

function connect(stack: TerraformStack, { vpn }: Instance, plans: readonly TunnelPlan[], { vgw, gateway, keys }: Ends) {
  const used = plans.length === 4 ? ([0, 1] as const) : ([0] as const);
  return used.map((connection) => {
    const customer = resource(stack, 'aws_customer_gateway', `google_${connection}`, {
      bgp_asn: String(vpn.gcpASN),
      ip_address: gateway.ref('vpn_interfaces', `[${connection}].ip_address`),
      type: 'ipsec.1',
      tags: { Name: `postern-google-${connection}` },
    });
    const [first, second] = plans.filter((plan) => plan.connection === connection) as [TunnelPlan, TunnelPlan];
    return resource(stack, 'aws_vpn_connection', `google_${connection}`, {
      vpn_gateway_id: vgw.ref('id'),
      customer_gateway_id: customer.ref('id'),
      type: 'ipsec.1',
      static_routes_only: false,
      ...tunnelOptions(first, keys[first.index]!),
      ...tunnelOptions(second, keys[second.index]!),
      tags: { Name: `postern-google-${connection}` },
    });
  });
}

/**
 * Key and inside range set together: the provider tells the two tunnels of a connection apart by them, and by order of outside
 * address otherwise, which can swap.
 */
function tunnelOptions(
  { awsTunnel, insideCIDR }: TunnelPlan,
  key: string,
): Partial<Resources['aws_vpn_connection']['config']> {
  const options = {
    inside_cidr: insideCIDR,
    preshared_key: key,
    ike_versions: ['ikev2'],
    phase1_encryption_algorithms: [proposal.encryption],
    phase1_integrity_algorithms: [proposal.integrity],
    phase1_dh_group_numbers: [proposal.dhGroup],
    phase1_lifetime_seconds: timers.phase1LifetimeSeconds,
    phase2_encryption_algorithms: [proposal.encryption],
    phase2_integrity_algorithms: [proposal.integrity],
    phase2_dh_group_numbers: [proposal.dhGroup],
    phase2_lifetime_seconds: timers.phase2LifetimeSeconds,
    rekey_margin_time_seconds: timers.rekeyMarginSeconds,
    dpd_timeout_seconds: timers.dpdTimeoutSeconds,
    // Google initiates (`add`); after AWS's maintenance the tunnel comes back by itself (`restart`).
    dpd_timeout_action: 'restart',
    startup_action: 'add',
  };
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [`tunnel${awsTunnel}_${name}`, value]));
}

interface TunnelParts {
  readonly router: H<'google_compute_router'>;
  readonly gateway: H<'google_compute_ha_vpn_gateway'>;
  readonly external: H<'google_compute_external_vpn_gateway'>;
  readonly key: string;
}

function addTunnel(stack: TerraformStack, { vpn }: Instance, plan: TunnelPlan, parts: TunnelParts): void {
  const name = vpnNames.tunnel(plan.index);
  const id = `tunnel_${plan.index}`;
  const tunnel = resource(stack, 'google_compute_vpn_tunnel', id, {
    name,
    vpn_gateway: parts.gateway.ref('id'),
    vpn_gateway_interface: plan.googleInterface,
    peer_external_gateway: parts.external.ref('id'),
    // Without it Google takes interface 0 for every tunnel.
    peer_external_gateway_interface: plan.index,
    shared_secret: parts.key,
    ike_version: 2,
    router: parts.router.ref('id'),
  });
  const link = resource(stack, 'google_compute_router_interface', id, {
    name,
    router: parts.router.ref('name'),
    ip_range: `${plan.googleInside}/30`,
    vpn_tunnel: tunnel.ref('name'),
  });
  resource(stack, 'google_compute_router_peer', id, {
    name,
    router: parts.router.ref('name'),
    interface: link.ref('name'),
    ip_address: plan.googleInside,
    peer_ip_address: plan.awsInside,
    peer_asn: vpn.awsASN,
  });
}

/** Making a VPN opens nothing: where a network denies egress by default, the nodes still reach what was asked for. */
function addEgress(stack: TerraformStack, instance: Instance, aws: AwsSide, network: string): void {
  const ports = [...new Set(aws.privateLinks.flatMap((link) => link.ports))].toSorted((a, b) => a - b);
  if (ports.length === 0) return;
  resource(stack, 'google_compute_firewall', 'to_aws', {
    name: 'postern-vpn-egress',
    description: `To the private hosts of ${instance.name} in AWS.`,
    network,
    direction: 'EGRESS',
    destination_ranges: [aws.vpcCIDR],
    allow: [{ protocol: 'tcp', ports: ports.map(String) }],
  });
}
