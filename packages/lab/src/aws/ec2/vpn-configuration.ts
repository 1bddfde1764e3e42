/** The XML a customer's device is configured from. Terraform reads tunnel addresses, keys and ASNs out of it, as routers do. */
import { escapeXml } from '../codec/xml.ts';
import { addressText, network } from './ip.ts';
import type { CustomerGateway, Tunnel, VpnConnection } from './vpn-records.ts';

export function vpnConfiguration(
  connection: VpnConnection,
  customer: CustomerGateway | undefined,
  awsAsn: number,
): string {
  const tunnels = connection.tunnels
    .map((tunnel) => tunnelXml(tunnel, customer, connection.staticOnly, awsAsn))
    .join('');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<vpn_connection id="${connection.id}">`,
    element('customer_gateway_id', connection.customerGateway),
    element('vpn_gateway_id', connection.vpnGateway ?? connection.transitGateway ?? ''),
    element('vpn_connection_type', 'ipsec.1'),
    tunnels,
    '</vpn_connection>',
  ].join('');
}

const element = (name: string, text: string | number): string => `<${name}>${escapeXml(String(text))}</${name}>`;

/** The first host of the /30 is AWS's, the second the customer's. */
function tunnelXml(tunnel: Tunnel, customer: CustomerGateway | undefined, staticOnly: boolean, awsAsn: number): string {
  const { first } = network(tunnel.insideCidr, 'insideCidr');
  const side = (name: string, outside: string, inside: number, asn: string | number): string =>
    `<${name}><tunnel_outside_address>${element('ip_address', outside)}</tunnel_outside_address>` +
    `<tunnel_inside_address>${element('ip_address', addressText(inside))}${element('network_mask', '255.255.255.252')}${element('network_cidr', 30)}</tunnel_inside_address>` +
    (staticOnly ? '' : `<bgp>${element('asn', asn)}${element('hold_time', 30)}</bgp>`) +
    `</${name}>`;
  const first_ = (list: readonly { Value?: string | number | undefined }[] | undefined, otherwise: string): string =>
    String(list?.[0]?.Value ?? otherwise);
  const { options } = tunnel;
  return (
    '<ipsec_tunnel>' +
    side('customer_gateway', customer?.address ?? '', first + 2, customer?.asn ?? '') +
    side('vpn_gateway', tunnel.outside, first + 1, awsAsn) +
    '<ike>' +
    element('authentication_protocol', first_(options.Phase1IntegrityAlgorithms, 'SHA1').toLowerCase()) +
    element('encryption_protocol', first_(options.Phase1EncryptionAlgorithms, 'AES128').toLowerCase()) +
    element('lifetime', options.Phase1LifetimeSeconds ?? 28_800) +
    element('perfect_forward_secrecy', `group${first_(options.Phase1DHGroupNumbers, '2')}`) +
    element('mode', 'main') +
    element('pre_shared_key', tunnel.key) +
    '</ike><ipsec>' +
    element('protocol', 'esp') +
    element('authentication_protocol', first_(options.Phase2IntegrityAlgorithms, 'SHA1').toLowerCase()) +
    element('encryption_protocol', first_(options.Phase2EncryptionAlgorithms, 'AES128').toLowerCase()) +
    element('lifetime', options.Phase2LifetimeSeconds ?? 3600) +
    element('perfect_forward_secrecy', `group${first_(options.Phase2DHGroupNumbers, '2')}`) +
    element('mode', 'tunnel') +
    element('clear_df_bit', 'true') +
    element('tcp_mss_adjustment', 1379) +
    `<dead_peer_detection>${element('interval', 10)}${element('retries', 3)}</dead_peer_detection>` +
    '</ipsec></ipsec_tunnel>'
  );
}
