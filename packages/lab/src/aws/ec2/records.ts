/** What EC2 keeps of networks. Each record is what the API shows, less what follows from others. */
import type * as sdk from '@aws-sdk/client-ec2';
import { Kind, type Stored } from '../world/kind.ts';

export interface Vpc extends Stored {
  readonly cidr: string;
  cidrs: { id: string; cidr: string; state: string }[];
  readonly tenancy: sdk.Tenancy;
  dnsSupport: boolean;
  dnsHostnames: boolean;
  usageMetrics: boolean;
  dhcpOptions: string;
}

export interface Subnet extends Stored {
  readonly vpc: string;
  readonly cidr: string;
  readonly zone: string;
  readonly zoneId: string;
  mapPublicIp: boolean;
  dns64: boolean;
  hostnameType: sdk.HostnameType;
  aRecord: boolean;
  aaaaRecord: boolean;
  ipv6Native: boolean;
}

export interface SecurityGroup extends Stored {
  readonly name: string;
  readonly description: string;
  readonly vpc: string;
}

/** One rule: one peer (a CIDR, a group or a prefix list), as `describe-security-group-rules` gives them. */
export interface SecurityGroupRule extends Stored {
  readonly group: string;
  readonly egress: boolean;
  readonly protocol: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly cidr?: string;
  readonly cidr6?: string;
  readonly peerGroup?: string;
  readonly peerAccount?: string;
  readonly prefixList?: string;
  description?: string;
}

export interface NetworkInterface extends Stored {
  readonly subnet: string;
  readonly vpc: string;
  readonly zone: string;
  readonly address: string;
  readonly mac: string;
  readonly description: string;
  readonly type: sdk.NetworkInterfaceType;
  groups: string[];
  /** Who made it: the account itself, or a service on its behalf. */
  readonly requester: string;
  readonly managed: boolean;
  /** The endpoint, gateway or balancer it belongs to. */
  readonly owner?: string;
  sourceDestCheck: boolean;
  attachment?: { id: string; deviceIndex: number; instanceOwner: string };
}

export const vpcs = new Kind<Vpc>('vpc', { tagType: 'vpc' });
export const subnets = new Kind<Subnet>('subnet', { tagType: 'subnet' });
export const securityGroups = new Kind<SecurityGroup>('security-group', { tagType: 'security-group' });
export const securityGroupRules = new Kind<SecurityGroupRule>('security-group-rule', {
  tagType: 'security-group-rule',
});
export const interfaces = new Kind<NetworkInterface>('network-interface', { tagType: 'network-interface' });
