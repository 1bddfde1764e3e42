/** What EC2 keeps of transit gateways. */
import { Kind, type Stored } from '../world/kind.ts';

export interface TransitGateway extends Stored {
  readonly asn: number;
  description: string;
  readonly routeTable: string;
  readonly autoAccept: boolean;
  dnsSupport: boolean;
}

export interface TransitAttachment extends Stored {
  readonly gateway: string;
  readonly vpc: string;
  subnets: string[];
  dnsSupport: boolean;
}

export interface TransitRouteTable extends Stored {
  readonly gateway: string;
  readonly isDefault: boolean;
  routes: { cidr: string; attachment: string }[];
}

export const transitGateways = new Kind<TransitGateway>('transit-gateway', { tagType: 'transit-gateway' });
export const transitAttachments = new Kind<TransitAttachment>('transit-gateway-attachment', {
  tagType: 'transit-gateway-attachment',
});
export const transitRouteTables = new Kind<TransitRouteTable>('transit-gateway-route-table', {
  tagType: 'transit-gateway-route-table',
});
