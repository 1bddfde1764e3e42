import type { TerraformEvent } from '@postern/terraform/run';

/** What goes with a resource, beyond the resource: said before anything is destroyed. DATA. */
export const losses: Readonly<Record<string, string>> = {
  google_compute_address:
    'a reserved address: it cannot be had back; whoever allows it in a firewall must be told the new one',
  google_compute_ha_vpn_gateway:
    'both outside addresses of the VPN: new customer gateways, and every firewall that names them',
  google_compute_vpn_tunnel: 'a VPN tunnel: no traffic over it',
  google_compute_router: 'a Cloud Router with its BGP sessions and NAT',
  google_compute_router_nat: 'Cloud NAT: nodes without an external address have no way out',
  google_container_node_pool: 'a node pool: its pods are evicted',
  google_artifact_registry_repository: 'the image repository and every image in it',
  google_privateca_ca_pool: 'the CA pool: no certificate of the tunnel can be issued or renewed',
  google_privateca_certificate_authority: 'the certificate authority: every agent and client must enrol again',
  google_service_account: 'a service account: its keys stop working, the customer’s agents among them',
  google_logging_project_bucket_config: 'the audit log bucket and what it holds',
  aws_vpc: 'the dedicated VPC',
  aws_subnet: 'a subnet of the VPC',
  aws_vpn_gateway: 'the VPN gateway: AWS’s end of every tunnel',
  aws_vpn_connection: 'a VPN connection: two tunnels with their outside addresses and keys',
  aws_customer_gateway: 'a customer gateway',
  aws_vpc_endpoint: 'an endpoint: the customer must accept the connection again, and its DNS name changes',
  aws_security_group: 'a security group',
  random_password: 'a pre-shared key',
};

export interface Loss {
  readonly address: string;
  readonly replaced: boolean;
  readonly what: string | undefined;
}

/** The resources that a plan deletes or replaces, those with consequences first. PURE. */
export function lossesOf(events: readonly TerraformEvent[]): Loss[] {
  return events
    .flatMap((event) =>
      event.kind === 'planned' && (event.action === 'delete' || event.action === 'replace')
        ? [{ address: event.address, replaced: event.action === 'replace', what: losses[event.type] }]
        : [],
    )
    .toSorted(
      (a, b) => Number(a.what === undefined) - Number(b.what === undefined) || a.address.localeCompare(b.address),
    );
}
