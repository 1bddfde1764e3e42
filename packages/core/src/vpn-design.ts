import type { Secret } from './secret.ts';

/**
 * A VPN between the two clouds as plain values: what the checks expect and what the lab rehearses. They are read from the
 * synthesised stacks and never typed again: each end of a tunnel holds what its own cloud's resource says, so that two
 * resources which disagree make a tunnel that stays down.
 */
export interface VpnDesign {
  readonly project: string;
  readonly region: string;
  readonly network: string;
  readonly router: string;
  /** The HA VPN gateway and the external gateway that stands for AWS. */
  readonly gateway: string;
  readonly externalGateway: string;
  readonly gcpAsn: number;
  readonly awsAsn: number;
  /** What the Cloud Router tells AWS, its subnets included where it advertises them. */
  readonly advertised: readonly string[];
  /** Where the product's pods sit. */
  readonly appCIDR: string;
  readonly vpcCIDR: string;
  /** The HA VPN gateway's addresses, by interface. */
  readonly gatewayAddresses: readonly string[];
  readonly tunnels: readonly TunnelDesign[];
  /** Names and tags, by which the APIs are asked. */
  readonly aws: AwsNames;
}

export interface AwsNames {
  readonly region: string;
  readonly accountID: string;
  readonly vpcName: string;
  readonly vpnGatewayName: string;
  readonly routeTableName: string;
  /** Whether the route table learns from the VPN gateway. */
  readonly propagated: boolean;
  readonly connections: readonly ConnectionNames[];
  readonly endpoints: readonly EndpointNames[];
}

export interface ConnectionNames {
  readonly name: string;
  readonly customerGatewayName: string;
  readonly customerGatewayAddress: string;
  readonly customerGatewayAsn: number;
}

export interface EndpointNames {
  readonly name: string;
  readonly serviceName: string;
  readonly privateDns: boolean;
  readonly groupName: string;
  readonly ingress: readonly Ingress[];
}

export interface Ingress {
  readonly cidr: string;
  readonly fromPort: number;
  readonly toPort: number;
}

export interface TunnelDesign {
  /** The Google tunnel's name. */
  readonly name: string;
  /** Index of the AWS connection, and 1 or 2 within it. */
  readonly connection: number;
  readonly number: 1 | 2;
  readonly gcp: GcpEnd;
  readonly aws: AwsEnd;
}

export interface GcpEnd {
  readonly outside: string;
  readonly peerOutside: string;
  readonly gatewayInterface: number;
  readonly peerInterface: number;
  readonly routerInterface: string;
  readonly peerName: string;
  /** With its prefix: 169.254.20.2/30. */
  readonly inside: string;
  readonly peerInside: string;
  readonly peerAsn: number;
  readonly keepaliveSeconds: number;
  readonly key: Secret;
}

export interface AwsEnd {
  readonly outside: string;
  readonly peerOutside: string;
  readonly insideCIDR: string;
  readonly peerAsn: number;
  readonly key: Secret;
  readonly phase1: Proposal;
  readonly phase2: Proposal;
  readonly dpdSeconds: number;
}

/** One phase, in AWS's words: `AES256`, `SHA2-256`, group numbers. */
export interface Proposal {
  readonly encryption: readonly string[];
  readonly integrity: readonly string[];
  readonly dhGroups: readonly number[];
  readonly lifetimeSeconds: number;
}
