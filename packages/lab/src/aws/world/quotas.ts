/** Service quotas the simulator enforces; each account and region has them for itself. `PUT /_postern/quotas` changes them. */
export interface Quotas {
  /** https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html: 50 interface endpoints a VPC, adjustable. */
  interfaceEndpointsPerVpc: number;
  /** Same page: 20 endpoint services a region. */
  endpointServicesPerRegion: number;
  /** https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: 5 VPCs a region. */
  vpcsPerRegion: number;
  /** Same page: 200 subnets a VPC. */
  subnetsPerVpc: number;
  /** Same page: 500 routes a table since 2025 (50 before; adjustable). */
  routesPerTable: number;
  /** Same page: 60 inbound and 60 outbound rules a security group. */
  rulesPerSecurityGroup: number;
  /** Same page: 50 active peerings a VPC. */
  peeringsPerVpc: number;
  /** https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html: 5 virtual private gateways a region. */
  vpnGatewaysPerRegion: number;
  /** https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html: 50 a region. */
  loadBalancersPerRegion: number;
  /** https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html: 500 zones an account. */
  hostedZonesPerAccount: number;
  /** Same page: 300 VPCs a private zone. */
  vpcsPerHostedZone: number;
  /** Same page: 1000 outstanding authorisations a zone. */
  authorizationsPerHostedZone: number;
}

export const defaultQuotas: Quotas = {
  interfaceEndpointsPerVpc: 50,
  endpointServicesPerRegion: 20,
  // AWS gives 5; a rehearsal makes more VPCs than a fresh account may, and that limit is no part of what it rehearses.
  vpcsPerRegion: 100,
  subnetsPerVpc: 200,
  routesPerTable: 500,
  rulesPerSecurityGroup: 60,
  peeringsPerVpc: 50,
  vpnGatewaysPerRegion: 5,
  loadBalancersPerRegion: 50,
  hostedZonesPerAccount: 500,
  vpcsPerHostedZone: 300,
  authorizationsPerHostedZone: 1000,
};
