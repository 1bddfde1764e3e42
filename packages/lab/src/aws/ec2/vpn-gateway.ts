/** Virtual private gateways and customer gateways. https://docs.aws.amazon.com/vpn/latest/s2svpn/SetUpVPNConnections.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import { filtered } from './filter.ts';
import { chosen, need } from './lookup.ts';
import { vpcs } from './records.ts';
import { routeTables } from './route-table.ts';
import { tagList, tagsFor } from './tags.ts';
import { type CustomerGateway, customerGateways, vpnConnections, type VpnGateway, vpnGateways } from './vpn-records.ts';

const attachedAfterMs = 400;
/** Deleted gateways stay listed for an hour there, for some seconds here. */
const goneAfterMs = 3000;

const liveVpn = (state: string | undefined): boolean => state !== 'deleted' && state !== 'deleting';

export const vpnGatewayOperations: Operations<typeof sdk> = {
  CreateVpnGateway(call, input) {
    if (
      vpnGateways.list(call).filter(({ state }) => state !== 'deleted').length >= call.world.quotas.vpnGatewaysPerRegion
    )
      throw new AwsError('VpnGatewayLimitExceeded', 'The maximum number of virtual private gateways has been reached.');
    const gateway = vpnGateways.put(call.world, {
      ...call.born(call.world.id('vgw'), tagsFor(call, 'vpn-gateway', input.TagSpecifications)),
      // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpnGateway.html: 64512 where nothing is said.
      asn: input.AmazonSideAsn ?? 64_512,
      ...(input.AvailabilityZone === undefined ? {} : { zone: input.AvailabilityZone }),
      state: 'available',
    });
    return { VpnGateway: showGateway(gateway) };
  },

  AttachVpnGateway(call, input) {
    const gateway = need(call, vpnGateways, input.VpnGatewayId);
    const vpc = need(call, vpcs, input.VpcId);
    if (gateway.vpc !== undefined && gateway.vpc !== vpc.id)
      throw new AwsError(
        'VpnGatewayAttachmentLimitExceeded',
        `resource ${gateway.id} is already attached to network ${gateway.vpc}`,
      );
    if (vpnGateways.list(call).some((one) => one.vpc === vpc.id && one.id !== gateway.id))
      throw new AwsError('InvalidParameterValue', `Network ${vpc.id} already has a virtual private gateway attached`);
    if (gateway.vpc === undefined) {
      gateway.vpc = vpc.id;
      gateway.attachedAtMs = call.now + call.world.rules.delayMs('vpn-gateway', gateway, 'attached', attachedAfterMs);
    }
    return { VpcAttachment: { VpcId: vpc.id, State: attachment(gateway, call.now) } };
  },

  DetachVpnGateway(call, input) {
    const gateway = need(call, vpnGateways, input.VpnGatewayId);
    if (gateway.vpc === undefined || gateway.vpc !== input.VpcId)
      throw new AwsError(
        'InvalidVpnGatewayAttachment.NotFound',
        `An attachment with vpn gateway ID '${gateway.id}' and vpc ID '${input.VpcId ?? ''}' does not exist.`,
      );
    for (const table of routeTables.all(call.world))
      table.propagating = table.propagating.filter((id) => id !== gateway.id);
    delete gateway.vpc;
    delete gateway.attachedAtMs;
    return {};
  },

  DescribeVpnGateways(call, input) {
    const found = filtered(chosen(call, vpnGateways, input.VpnGatewayIds), input.Filters, {
      'vpn-gateway-id': ({ id }) => id,
      'attachment.vpc-id': ({ vpc }) => vpc,
      'attachment.state': (gateway) => (gateway.vpc === undefined ? undefined : attachment(gateway, call.now)),
      'amazon-side-asn': ({ asn }) => String(asn),
      'availability-zone': ({ zone }) => zone,
      state: ({ state }) => state,
      type: () => 'ipsec.1',
    });
    return { VpnGateways: found.map((gateway) => showGateway(gateway, call.now)) };
  },

  DeleteVpnGateway(call, input) {
    const gateway = need(call, vpnGateways, input.VpnGatewayId);
    const used = vpnConnections.all(call.world).some((one) => one.vpnGateway === gateway.id && liveVpn(one.state));
    if (gateway.vpc !== undefined || used)
      throw new AwsError(
        'IncorrectState',
        `The virtual private gateway '${gateway.id}' is still in use (attached to a VPC, or with VPN connections).`,
      );
    vpnGateways.become(call.world, gateway, 'deleted');
    vpnGateways.later(call, gateway, 'gone', goneAfterMs);
    return {};
  },

  CreateCustomerGateway(call, input) {
    const address = input.IpAddress ?? input.PublicIp;
    if (address === undefined && input.CertificateArn === undefined)
      throw new AwsError('MissingParameter', 'The request must contain the parameter IpAddress');
    const asn = String(input.BgpAsn ?? input.BgpAsnExtended ?? 65_000);
    // The same address and ASN is the same gateway: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateCustomerGateway.html
    const existing = customerGateways
      .list(call)
      .find((one) => one.address === address && one.asn === asn && one.state !== 'deleted');
    if (existing !== undefined) return { CustomerGateway: showCustomer(existing) };
    const gateway = customerGateways.put(call.world, {
      ...call.born(call.world.id('cgw'), tagsFor(call, 'customer-gateway', input.TagSpecifications)),
      address: address ?? '',
      asn,
      ...(input.CertificateArn === undefined ? {} : { certificate: input.CertificateArn }),
      ...(input.DeviceName === undefined ? {} : { device: input.DeviceName }),
      state: 'available',
    });
    return { CustomerGateway: showCustomer(gateway) };
  },

  DescribeCustomerGateways(call, input) {
    const found = filtered(chosen(call, customerGateways, input.CustomerGatewayIds), input.Filters, {
      'customer-gateway-id': ({ id }) => id,
      'ip-address': ({ address }) => address,
      'bgp-asn': ({ asn }) => asn,
      state: ({ state }) => state,
      type: () => 'ipsec.1',
    });
    return { CustomerGateways: found.map(showCustomer) };
  },

  DeleteCustomerGateway(call, input) {
    const gateway = need(call, customerGateways, input.CustomerGatewayId);
    if (vpnConnections.all(call.world).some((one) => one.customerGateway === gateway.id && liveVpn(one.state)))
      throw new AwsError('IncorrectState', 'The customer gateway is in use.');
    customerGateways.become(call.world, gateway, 'deleted');
    customerGateways.later(call, gateway, 'gone', goneAfterMs);
    return {};
  },
};

export function attachment(gateway: VpnGateway, now: number): 'attaching' | 'attached' {
  return (gateway.attachedAtMs ?? 0) > now ? 'attaching' : 'attached';
}

function showGateway(gateway: VpnGateway, now = 0): sdk.VpnGateway {
  return {
    VpnGatewayId: gateway.id,
    AmazonSideAsn: gateway.asn,
    State: gateway.state as sdk.VpnState,
    Type: 'ipsec.1',
    AvailabilityZone: gateway.zone,
    VpcAttachments: gateway.vpc === undefined ? [] : [{ VpcId: gateway.vpc, State: attachment(gateway, now) }],
    Tags: tagList(gateway.tags),
  };
}

function showCustomer(gateway: CustomerGateway): sdk.CustomerGateway {
  return {
    CustomerGatewayId: gateway.id,
    IpAddress: gateway.address,
    BgpAsn: gateway.asn,
    State: gateway.state ?? '',
    Type: 'ipsec.1',
    CertificateArn: gateway.certificate,
    DeviceName: gateway.device,
    Tags: tagList(gateway.tags),
  };
}
