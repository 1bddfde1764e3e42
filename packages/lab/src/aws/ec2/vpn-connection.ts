/** Site-to-site VPN connections. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpnConnection.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { publicAddress } from './elastic-ip.ts';
import { filtered } from './filter.ts';
import { network } from './ip.ts';
import { chosen, need } from './lookup.ts';
import { tagList, tagsFor } from './tags.ts';
import { transitGateways } from './transit-gateway-records.ts';
import { vpnConfiguration } from './vpn-configuration.ts';
import { customerGateways, type Tunnel, type VpnConnection, vpnConnections, vpnGateways } from './vpn-records.ts';
import { freeInsideCidr, insideCidr, preSharedKey } from './vpn-tunnel.ts';

/** Real ones take some minutes. */
const availableAfterMs = 700;
const deletedAfterMs = 500;
const goneAfterMs = 3000;

export const vpnConnectionOperations: Operations<typeof sdk> = {
  CreateVpnConnection(call, input) {
    const customer = need(call, customerGateways, input.CustomerGatewayId);
    if ((input.VpnGatewayId === undefined) === (input.TransitGatewayId === undefined))
      throw new AwsError(
        'InvalidParameterCombination',
        'exactly one of vpnGatewayId and transitGatewayId must be specified',
      );
    const gateway = input.VpnGatewayId === undefined ? undefined : need(call, vpnGateways, input.VpnGatewayId);
    const transit =
      input.TransitGatewayId === undefined ? undefined : need(call, transitGateways, input.TransitGatewayId);
    const staticOnly = input.Options?.StaticRoutesOnly ?? false;
    const wanted = input.Options?.TunnelOptions ?? [];
    if (wanted.length > 2) throw new AwsError('InvalidParameterValue', 'A VPN connection has two tunnels');
    const tags = tagsFor(call, 'vpn-connection', input.TagSpecifications);
    const taken = insideCidrs(call, gateway?.id ?? transit!.id);
    const first = publicAddress(call.world);
    // In ascending order: whoever sorts them, as Terraform does, must not take the second for the first.
    const outside = [first, publicAddress(call.world, [first])].toSorted((a, b) => a.localeCompare(b, 'en'));
    const tunnels = [wanted[0] ?? {}, wanted[1] ?? {}].map((options, i): Tunnel => {
      const inside =
        options.TunnelInsideCidr === undefined
          ? freeInsideCidr(call.world, taken)
          : insideCidr(options.TunnelInsideCidr);
      if (taken.has(inside))
        throw new AwsError('InvalidParameterValue', `The tunnel inside CIDR ${inside} is already in use`);
      taken.add(inside);
      return { outside: outside[i]!, insideCidr: inside, key: preSharedKey(call.world, options.PreSharedKey), options };
    });
    const connection = vpnConnections.put(call.world, {
      ...call.born(call.world.id('vpn'), tags),
      customerGateway: customer.id,
      ...(gateway === undefined ? {} : { vpnGateway: gateway.id }),
      ...(transit === undefined ? {} : { transitGateway: transit.id }),
      staticOnly,
      options: input.Options ?? {},
      tunnels,
      routes: [],
      state: 'pending',
    });
    vpnConnections.later(call, connection, 'available', availableAfterMs);
    return { VpnConnection: show(call, connection) };
  },

  DescribeVpnConnections(call, input) {
    const found = filtered(chosen(call, vpnConnections, input.VpnConnectionIds), input.Filters, {
      'vpn-connection-id': ({ id }) => id,
      'customer-gateway-id': ({ customerGateway }) => customerGateway,
      'vpn-gateway-id': ({ vpnGateway }) => vpnGateway,
      'transit-gateway-id': ({ transitGateway }) => transitGateway,
      state: ({ state }) => state,
      type: () => 'ipsec.1',
      'option.static-routes-only': ({ staticOnly }) => String(staticOnly),
      'route.destination-cidr-block': ({ routes }) => routes,
    });
    return { VpnConnections: found.map((connection) => show(call, connection)) };
  },

  DeleteVpnConnection(call, input) {
    const connection = need(call, vpnConnections, input.VpnConnectionId);
    if (connection.state === 'deleted' || connection.state === 'deleting') return {};
    vpnConnections.become(call.world, connection, 'deleting');
    vpnConnections.later(call, connection, 'deleted', deletedAfterMs);
    vpnConnections.later(call, connection, 'gone', goneAfterMs);
    return {};
  },

  ModifyVpnTunnelOptions(call, input) {
    const connection = modifiable(call, input.VpnConnectionId);
    const tunnel = connection.tunnels.find(({ outside }) => outside === input.VpnTunnelOutsideIpAddress);
    if (tunnel === undefined)
      throw new AwsError(
        'InvalidParameterValue',
        `${input.VpnTunnelOutsideIpAddress ?? ''} is no tunnel of ${connection.id}`,
      );
    const wanted = input.TunnelOptions ?? {};
    if (wanted.TunnelInsideCidr !== undefined) tunnel.insideCidr = insideCidr(wanted.TunnelInsideCidr);
    if (wanted.PreSharedKey !== undefined) tunnel.key = preSharedKey(call.world, wanted.PreSharedKey);
    tunnel.options = { ...tunnel.options, ...wanted };
    return modified(call, connection);
  },

  ModifyVpnConnectionOptions(call, input) {
    const connection = modifiable(call, input.VpnConnectionId);
    connection.options = {
      ...connection.options,
      ...(input.LocalIpv4NetworkCidr === undefined
        ? {}
        : { LocalIpv4NetworkCidr: network(input.LocalIpv4NetworkCidr, 'LocalIpv4NetworkCidr').text }),
      ...(input.RemoteIpv4NetworkCidr === undefined
        ? {}
        : { RemoteIpv4NetworkCidr: network(input.RemoteIpv4NetworkCidr, 'RemoteIpv4NetworkCidr').text }),
    };
    return modified(call, connection);
  },

  ModifyVpnConnection(call, input) {
    const connection = modifiable(call, input.VpnConnectionId);
    if (input.CustomerGatewayId !== undefined)
      connection.customerGateway = need(call, customerGateways, input.CustomerGatewayId).id;
    if (input.VpnGatewayId !== undefined) {
      connection.vpnGateway = need(call, vpnGateways, input.VpnGatewayId).id;
      delete connection.transitGateway;
    }
    if (input.TransitGatewayId !== undefined) {
      connection.transitGateway = need(call, transitGateways, input.TransitGatewayId).id;
      delete connection.vpnGateway;
    }
    return modified(call, connection);
  },

  CreateVpnConnectionRoute(call, input) {
    const connection = need(call, vpnConnections, input.VpnConnectionId);
    if (!connection.staticOnly)
      throw new AwsError(
        'InvalidParameterValue',
        `The VPN connection ${connection.id} uses BGP and takes no static routes`,
      );
    const { text } = network(input.DestinationCidrBlock ?? '', 'destinationCidrBlock');
    if (!connection.routes.includes(text)) connection.routes.push(text);
    return {};
  },

  DeleteVpnConnectionRoute(call, input) {
    const connection = need(call, vpnConnections, input.VpnConnectionId);
    if (!connection.routes.includes(input.DestinationCidrBlock ?? ''))
      throw new AwsError(
        'InvalidRoute.NotFound',
        `no route ${input.DestinationCidrBlock ?? ''} in VPN connection ${connection.id}`,
      );
    connection.routes = connection.routes.filter((cidr) => cidr !== input.DestinationCidrBlock);
    return {};
  },

  GetVpnTunnelReplacementStatus(call, input) {
    const connection = need(call, vpnConnections, input.VpnConnectionId);
    return {
      VpnConnectionId: connection.id,
      TransitGatewayId: connection.transitGateway,
      CustomerGatewayId: connection.customerGateway,
      VpnGatewayId: connection.vpnGateway,
      VpnTunnelOutsideIpAddress: input.VpnTunnelOutsideIpAddress,
      MaintenanceDetails: {},
    };
  },
};

function insideCidrs(call: Call, gateway: string): Set<string> {
  const same = vpnConnections
    .all(call.world)
    .filter((one) => one.vpnGateway === gateway || one.transitGateway === gateway);
  return new Set(
    same
      .filter(({ state }) => state !== 'deleted')
      .flatMap(({ tunnels }) => tunnels.map((tunnel) => tunnel.insideCidr)),
  );
}

function modifiable(call: Call, id: string | undefined): VpnConnection {
  const connection = need(call, vpnConnections, id);
  if (connection.state !== 'available')
    throw new AwsError(
      'IncorrectState',
      `The VPN connection ${connection.id} is ${connection.state ?? ''} and cannot be modified`,
    );
  return connection;
}

function modified(call: Call, connection: VpnConnection): { VpnConnection: sdk.VpnConnection } {
  vpnConnections.become(call.world, connection, 'modifying');
  vpnConnections.later(call, connection, 'available', availableAfterMs);
  return { VpnConnection: show(call, connection) };
}

function show(call: Call, connection: VpnConnection): sdk.VpnConnection {
  const { options } = connection;
  const customer = customerGateways.get(call.world, connection.customerGateway);
  const awsAsn =
    vpnGateways.get(call.world, connection.vpnGateway)?.asn ??
    transitGateways.get(call.world, connection.transitGateway)?.asn ??
    64_512;
  return {
    VpnConnectionId: connection.id,
    CustomerGatewayId: connection.customerGateway,
    VpnGatewayId: connection.vpnGateway,
    TransitGatewayId: connection.transitGateway,
    State: connection.state as sdk.VpnState,
    Type: 'ipsec.1',
    Category: 'VPN',
    ...(connection.state === 'deleted'
      ? {}
      : { CustomerGatewayConfiguration: vpnConfiguration(connection, customer, awsAsn) }),
    Options: {
      EnableAcceleration: options.EnableAcceleration ?? false,
      StaticRoutesOnly: connection.staticOnly,
      LocalIpv4NetworkCidr: options.LocalIpv4NetworkCidr ?? '0.0.0.0/0',
      RemoteIpv4NetworkCidr: options.RemoteIpv4NetworkCidr ?? '0.0.0.0/0',
      OutsideIpAddressType: options.OutsideIpAddressType ?? 'PublicIpv4',
      TunnelInsideIpVersion: options.TunnelInsideIpVersion ?? 'ipv4',
      TunnelOptions: connection.tunnels.map(showTunnel),
    },
    Routes: connection.routes.map((cidr) => ({ DestinationCidrBlock: cidr, Source: 'Static', State: 'available' })),
    VgwTelemetry: connection.tunnels.map((tunnel) => ({
      OutsideIpAddress: tunnel.outside,
      Status: tunnel.up === true ? 'UP' : 'DOWN',
      StatusMessage: tunnel.up === true ? `${tunnel.learned?.length ?? 0} BGP ROUTES` : 'IPSEC IS DOWN',
      AcceptedRouteCount: tunnel.up === true ? (tunnel.learned?.length ?? 0) : 0,
      LastStatusChange: new Date(tunnel.changedAtMs ?? connection.createdAtMs),
    })),
    Tags: tagList(connection.tags),
  };
}

/** What was asked for comes back; defaults stay out, as in AWS's answers. */
function showTunnel({ outside, insideCidr: inside, key, options }: Tunnel): sdk.TunnelOption {
  const { TunnelInsideCidr: _inside, PreSharedKey: _key, Phase1EncryptionAlgorithms, ...rest } = options;
  const {
    Phase1DHGroupNumbers,
    Phase2DHGroupNumbers,
    Phase1IntegrityAlgorithms,
    Phase2EncryptionAlgorithms,
    Phase2IntegrityAlgorithms,
    IKEVersions,
    DPDTimeoutSeconds,
    DPDTimeoutAction,
    ...plain
  } = rest;
  const values = <T>(list: readonly { Value?: T | undefined }[] | undefined) =>
    list === undefined ? undefined : list.map(({ Value }) => ({ Value }));
  return {
    OutsideIpAddress: outside,
    TunnelInsideCidr: inside,
    PreSharedKey: key,
    Phase1LifetimeSeconds: plain.Phase1LifetimeSeconds,
    Phase2LifetimeSeconds: plain.Phase2LifetimeSeconds,
    RekeyMarginTimeSeconds: plain.RekeyMarginTimeSeconds,
    RekeyFuzzPercentage: plain.RekeyFuzzPercentage,
    ReplayWindowSize: plain.ReplayWindowSize,
    StartupAction: plain.StartupAction,
    EnableTunnelLifecycleControl: plain.EnableTunnelLifecycleControl,
    DpdTimeoutSeconds: DPDTimeoutSeconds,
    DpdTimeoutAction: DPDTimeoutAction,
    IkeVersions: values(IKEVersions),
    Phase1EncryptionAlgorithms: values(Phase1EncryptionAlgorithms),
    Phase2EncryptionAlgorithms: values(Phase2EncryptionAlgorithms),
    Phase1IntegrityAlgorithms: values(Phase1IntegrityAlgorithms),
    Phase2IntegrityAlgorithms: values(Phase2IntegrityAlgorithms),
    Phase1DHGroupNumbers: values(Phase1DHGroupNumbers),
    Phase2DHGroupNumbers: values(Phase2DHGroupNumbers),
  };
}
