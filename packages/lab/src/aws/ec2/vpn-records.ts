/** What EC2 keeps of site-to-site VPNs. */
import type * as sdk from '@aws-sdk/client-ec2';
import { Kind, type Stored } from '../world/kind.ts';

export interface VpnGateway extends Stored {
  readonly asn: number;
  readonly zone?: string;
  vpc?: string;
  /** From then on it is attached; before, attaching. */
  attachedAtMs?: number;
}

export interface CustomerGateway extends Stored {
  readonly address: string;
  readonly asn: string;
  readonly certificate?: string;
  readonly device?: string;
}

export interface Tunnel {
  readonly outside: string;
  insideCidr: string;
  key: string;
  options: sdk.VpnTunnelOptionsSpecification;
  /** Set through the control page: whether the far side is connected, and what it announces. */
  up?: boolean;
  learned?: string[];
  changedAtMs?: number;
}

export interface VpnConnection extends Stored {
  customerGateway: string;
  vpnGateway?: string;
  transitGateway?: string;
  readonly staticOnly: boolean;
  options: sdk.VpnConnectionOptionsSpecification;
  readonly tunnels: Tunnel[];
  routes: string[];
}

export const vpnGateways = new Kind<VpnGateway>('vpn-gateway', {
  tagType: 'vpn-gateway',
});
export const customerGateways = new Kind<CustomerGateway>('customer-gateway', { tagType: 'customer-gateway' });
export const vpnConnections = new Kind<VpnConnection>('vpn-connection', { tagType: 'vpn-connection' });
