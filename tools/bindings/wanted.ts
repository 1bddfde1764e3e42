/**
 * Which resources of which providers the stacks use, and the provider versions that every stack pins.
 * A new resource in a stack starts here: add its name, run `extract.ts`, run `generate.ts`.
 */
export interface Wanted {
  readonly source: string;
  readonly version: string;
  readonly resources: readonly string[];
  readonly data: readonly string[];
}

export const wanted: Readonly<Record<string, Wanted>> = {
  aws: {
    source: 'hashicorp/aws',
    version: '5.100.0',
    resources: [
      'aws_customer_gateway',
      'aws_ecr_lifecycle_policy',
      'aws_ecr_repository',
      'aws_eip',
      'aws_eks_access_entry',
      'aws_eks_access_policy_association',
      'aws_eks_addon',
      'aws_eks_cluster',
      'aws_eks_node_group',
      'aws_iam_openid_connect_provider',
      'aws_iam_role',
      'aws_iam_role_policy',
      'aws_iam_role_policy_attachment',
      'aws_internet_gateway',
      'aws_launch_template',
      'aws_nat_gateway',
      'aws_route',
      'aws_route_table',
      'aws_route_table_association',
      'aws_security_group',
      'aws_subnet',
      'aws_vpc',
      'aws_vpc_endpoint',
      'aws_vpc_security_group_ingress_rule',
      'aws_vpn_connection',
      'aws_vpn_gateway',
      'aws_vpn_gateway_route_propagation',
    ],
    data: ['aws_availability_zones', 'aws_vpc_endpoint_service'],
  },
  google: {
    source: 'hashicorp/google',
    version: '6.50.0',
    resources: [
      'google_artifact_registry_repository',
      'google_artifact_registry_repository_iam_member',
      'google_compute_address',
      'google_compute_external_vpn_gateway',
      'google_compute_firewall',
      'google_compute_ha_vpn_gateway',
      'google_compute_router',
      'google_compute_router_interface',
      'google_compute_router_nat',
      'google_compute_router_peer',
      'google_compute_vpn_tunnel',
      'google_container_node_pool',
      'google_logging_metric',
      'google_logging_project_bucket_config',
      'google_logging_project_sink',
      'google_monitoring_alert_policy',
      'google_privateca_ca_pool',
      'google_privateca_ca_pool_iam_member',
      'google_privateca_certificate_authority',
      'google_service_account',
      'google_service_account_iam_member',
    ],
    data: ['google_compute_default_service_account', 'google_container_cluster'],
  },
  random: { source: 'hashicorp/random', version: '3.7.2', resources: ['random_password'], data: [] },
};
