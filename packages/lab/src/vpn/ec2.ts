import { isBroken } from './breakages.ts';
import type { LabState } from './state.ts';
import type { Proposal, TunnelDesign } from '@postern/core';
import type { TunnelState } from './world.ts';

/**
 * The EC2 answers that a check of the VPN reads, from the lab's state. PURE: an action's name -> the result as a tree, in the
 * names of the EC2 query API. It answers the whole world whatever the filters say: there is one VPN in it.
 */
export type Xml = string | number | boolean | readonly Xml[] | { readonly [name: string]: Xml };

const vpcID = 'vpc-0lab0000000000000';
const vgwID = 'vgw-0lab0000000000000';
const groupID = (i: number): string => `sg-0lab000000000000${i}`;

export function ec2Answer(action: string, state: LabState): Xml | undefined {
  const { design } = state;
  switch (action) {
    case 'DescribeVpnConnections':
      return { vpnConnectionSet: design.aws.connections.flatMap((_, i) => connection(state, i)) };
    case 'DescribeVpnGateways':
      return {
        vpnGatewaySet: [
          {
            vpnGatewayId: vgwID,
            state: 'available',
            type: 'ipsec.1',
            amazonSideAsn: design.awsAsn,
            attachments: isBroken(state.broken, 'gateway-detached') ? [] : [{ vpcId: vpcID, state: 'attached' }],
            tagSet: tags(design.aws.vpnGatewayName),
          },
        ],
      };
    case 'DescribeCustomerGateways':
      return {
        customerGatewaySet: design.aws.connections.map((names, i) => ({
          customerGatewayId: `cgw-0lab000000000000${i}`,
          state: 'available',
          type: 'ipsec.1',
          bgpAsn: names.customerGatewayAsn,
          ipAddress: names.customerGatewayAddress,
          tagSet: tags(names.customerGatewayName),
        })),
      };
    case 'DescribeRouteTables':
      return { routeTableSet: [routeTable(state)] };
    case 'DescribeSecurityGroups':
      return {
        securityGroupInfo: design.aws.endpoints.map((endpoint, i) => ({
          ownerId: design.aws.accountID,
          groupId: groupID(i),
          groupName: endpoint.groupName,
          vpcId: vpcID,
          ipPermissions: endpoint.ingress.map(({ cidr, fromPort, toPort }) => ({
            ipProtocol: 'tcp',
            fromPort,
            toPort,
            groups: [],
            ipRanges: [{ cidrIp: cidr }],
          })),
          ipPermissionsEgress: [],
          tagSet: tags(endpoint.groupName),
        })),
      };
    case 'DescribeVpcEndpoints':
      return {
        vpcEndpointSet: design.aws.endpoints.map((endpoint, i) => ({
          vpcEndpointId: `vpce-0lab000000000000${i}`,
          vpcEndpointType: 'Interface',
          vpcId: vpcID,
          serviceName: endpoint.serviceName,
          state: 'available',
          privateDnsEnabled: endpoint.privateDns,
          groupSet: [{ groupId: groupID(i), groupName: endpoint.groupName }],
          tagSet: tags(endpoint.name),
        })),
      };
    case 'DescribeVpcs':
      return {
        vpcSet: [{ vpcId: vpcID, state: 'available', cidrBlock: design.vpcCIDR, tagSet: tags(design.aws.vpcName) }],
      };
    default:
      return undefined;
  }
}

function connection(state: LabState, index: number): Xml[] {
  const { design } = state;
  const names = design.aws.connections[index]!;
  const mine = design.tunnels
    .map((tunnel, i) => ({ tunnel, i, seen: state.telemetry[i]! }))
    .filter(({ tunnel, i }) => tunnel.connection === index && !isBroken(state.broken, 'connection-absent', i));
  if (mine.length === 0) return [];
  const narrowed = mine.some(({ i }) => isBroken(state.broken, 'narrowed', i));
  return [
    {
      vpnConnectionId: `vpn-0lab000000000000${index}`,
      state: 'available',
      type: 'ipsec.1',
      category: 'VPN',
      customerGatewayId: `cgw-0lab000000000000${index}`,
      vpnGatewayId: vgwID,
      options: {
        staticRoutesOnly: false,
        tunnelInsideIpVersion: 'ipv4',
        // AWS calls the customer's side local.
        localIpv4NetworkCidr: narrowed ? design.appCIDR : '0.0.0.0/0',
        remoteIpv4NetworkCidr: narrowed ? design.vpcCIDR : '0.0.0.0/0',
        tunnelOptionSet: mine.map(({ tunnel, i }) =>
          tunnelOption(tunnel, isBroken(state.broken, 'ikev1-only', i) ? 1 : 2),
        ),
      },
      tagSet: tags(names.name),
      vgwTelemetry: mine.map(({ tunnel, seen }) => telemetry(tunnel, seen, state.startedAt)),
    },
  ];
}

/** Without the pre-shared key: AWS hands it out here, and the lab does not. */
function tunnelOption({ aws }: TunnelDesign, ikeVersion: 1 | 2): Xml {
  const phase = (n: 1 | 2, proposal: Proposal): { [name: string]: Xml } => ({
    [`phase${n}EncryptionAlgorithmSet`]: proposal.encryption.map((value) => ({ value })),
    [`phase${n}IntegrityAlgorithmSet`]: proposal.integrity.map((value) => ({ value })),
    [`phase${n}DHGroupNumberSet`]: proposal.dhGroups.map((value) => ({ value })),
    [`phase${n}LifetimeSeconds`]: proposal.lifetimeSeconds,
  });
  return {
    outsideIpAddress: aws.outside,
    tunnelInsideCidr: aws.insideCIDR,
    ikeVersionSet: [{ value: `ikev${ikeVersion}` }],
    ...phase(1, aws.phase1),
    ...phase(2, aws.phase2),
    dpdTimeoutSeconds: aws.dpdSeconds,
  };
}

/** As AWS words it: UP only with BGP; a message that tells IPsec from BGP. */
function telemetry(tunnel: TunnelDesign, seen: TunnelState, startedAt: string): Xml {
  const bgp = seen.awsBgp === 'Established';
  return {
    outsideIpAddress: tunnel.aws.outside,
    status: bgp ? 'UP' : 'DOWN',
    statusMessage: bgp ? `${seen.awsLearned.length} BGP ROUTES` : `IPSEC IS ${seen.child ? 'UP' : 'DOWN'}`,
    acceptedRouteCount: seen.awsLearned.length,
    lastStatusChange: startedAt,
  };
}

function routeTable({ design, propagatedRoutes, fixedRoutes }: LabState): Xml {
  return {
    routeTableId: 'rtb-0lab0000000000000',
    vpcId: vpcID,
    ownerId: design.aws.accountID,
    routeSet: [
      { destinationCidrBlock: design.vpcCIDR, gatewayId: 'local', state: 'active', origin: 'CreateRouteTable' },
      ...fixedRoutes.map((range) => ({
        destinationCidrBlock: range,
        networkInterfaceId: 'eni-0lab0000000000000',
        state: 'blackhole',
        origin: 'CreateRoute',
      })),
      ...propagatedRoutes.map((range) => ({
        destinationCidrBlock: range,
        gatewayId: vgwID,
        state: 'active',
        origin: 'EnableVgwRoutePropagation',
      })),
    ],
    propagatingVgwSet: design.aws.propagated ? [{ gatewayId: vgwID }] : [],
    tagSet: tags(design.aws.routeTableName),
  };
}

function tags(name: string): Xml {
  return [{ key: 'Name', value: name }];
}

/** The query API's XML: a list is a sequence of `<item>`. */
export function toXml(value: Xml): string {
  if (Array.isArray(value)) return (value as readonly Xml[]).map((item) => `<item>${toXml(item)}</item>`).join('');
  if (typeof value === 'object')
    return Object.entries(value as Readonly<Record<string, Xml>>)
      .map(([name, child]) => `<${name}>${toXml(child)}</${name}>`)
      .join('');
  return String(value).replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!);
}
