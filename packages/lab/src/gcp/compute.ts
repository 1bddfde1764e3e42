import { isBroken } from '../vpn/breakages.ts';
import type { LabState } from '../vpn/state.ts';
import type { TunnelState } from '../vpn/world.ts';
import type { TunnelDesign } from '@postern/core';

/** Google's compute resources as the lab's state has them. PURE: state -> JSON in the shapes of the Compute API v1. */

const prefix = 'https://www.googleapis.com/compute/v1';

/** What Cloud VPN says of a tunnel, from what the IKE daemon heard. */
export function tunnelStatus({ child, ike, trouble }: TunnelState): { status: string; detailedStatus: string } {
  if (child) return { status: 'ESTABLISHED', detailedStatus: 'Tunnel is up and running.' };
  switch (trouble) {
    case 'authentication-failed':
      return {
        status: 'AUTHORIZATION_ERROR',
        detailedStatus: 'Handshake with the peer was broken: the shared secret was refused.',
      };
    case 'identity-mismatch':
      return {
        status: 'PEER_IDENTITY_MISMATCH',
        detailedStatus: 'Peer identity does not match peer IP, probably behind NAT.',
      };
    case 'narrowed':
      return {
        status: 'TS_NARROWING_NOT_ALLOWED',
        detailedStatus: 'Traffic selector narrowing not allowed for an HA VPN gateway.',
      };
    case 'not-configured':
      return {
        status: 'WAITING_FOR_FULL_CONFIG',
        detailedStatus: 'Waiting to receive all VPN-related configs from the user.',
      };
    case 'gone':
      return { status: 'FAILED', detailedStatus: 'Tunnel creation has failed and the tunnel is not ready to be used.' };
    case 'no-proposal-chosen':
      return {
        status: 'NEGOTIATION_FAILURE',
        detailedStatus: 'No proposal chosen: the peer accepts none of the offered ciphers.',
      };
    case 'no-answer':
      return { status: 'NO_INCOMING_PACKETS', detailedStatus: 'No incoming packets from the peer.' };
    case 'none':
      return ike
        ? { status: 'FIRST_HANDSHAKE', detailedStatus: 'Phase 1 is done, phase 2 is under way.' }
        : { status: 'FIRST_HANDSHAKE', detailedStatus: 'Waiting for the peer.' };
  }
}

export class Compute {
  readonly #state: LabState;

  constructor(state: LabState) {
    this.#state = state;
  }

  get #region(): string {
    return `${prefix}/projects/${this.#state.design.project}/regions/${this.#state.design.region}`;
  }

  /** A tunnel or a peer that was deleted is in no answer. */
  get #peers(): { tunnel: TunnelDesign; state: TunnelState; disabled: boolean }[] {
    const { design, tunnels, broken } = this.#state;
    return design.tunnels
      .map((tunnel, i) => ({ tunnel, state: tunnels[i]!, i, disabled: isBroken(broken, 'peer-disabled', i) }))
      .filter(({ i }) => !isBroken(broken, 'peer-absent', i));
  }

  routers(): Record<string, unknown>[] {
    return isBroken(this.#state.broken, 'router-absent') ? [] : [this.#router()];
  }

  #router(): Record<string, unknown> {
    const { design, startedAt } = this.#state;
    return {
      kind: 'compute#router',
      id: '1000',
      creationTimestamp: startedAt,
      name: design.router,
      network: `${prefix}/projects/${design.project}/global/networks/${design.network}`,
      region: this.#region,
      selfLink: `${this.#region}/routers/${design.router}`,
      bgp: {
        asn: design.gcpAsn,
        advertiseMode: 'CUSTOM',
        advertisedIpRanges: design.advertised.map((range) => ({ range })),
        keepaliveInterval: design.tunnels[0]?.gcp.keepaliveSeconds ?? 20,
      },
      interfaces: design.tunnels.map(({ name, gcp }) => ({
        name: gcp.routerInterface,
        ipRange: gcp.inside,
        linkedVpnTunnel: `${this.#region}/vpnTunnels/${name}`,
      })),
      bgpPeers: this.#peers.map(({ tunnel: { gcp }, disabled }) => ({
        name: gcp.peerName,
        interfaceName: gcp.routerInterface,
        ipAddress: gcp.inside.split('/')[0],
        peerIpAddress: gcp.peerInside,
        peerAsn: gcp.peerAsn,
        enable: disabled ? 'FALSE' : 'TRUE',
      })),
    };
  }

  routerStatus(): Record<string, unknown> {
    const { design } = this.#state;
    const seen = this.#peers;
    return {
      kind: 'compute#routerStatusResponse',
      result: {
        network: `${prefix}/projects/${design.project}/global/networks/${design.network}`,
        bestRoutes: seen.flatMap(({ tunnel, state }) => state.gcpLearned.map((range) => this.#route(range, tunnel))),
        bestRoutesForRouter: seen.flatMap(({ tunnel, state }) =>
          state.gcpLearned.map((range) => this.#route(range, tunnel)),
        ),
        bgpPeerStatus: seen.map(({ tunnel, state }) => this.#peerStatus(tunnel, state)),
      },
    };
  }

  #peerStatus({ name, gcp }: TunnelDesign, state: TunnelState): Record<string, unknown> {
    const isUp = state.gcpBgp === 'Established';
    const { design } = this.#state;
    const local = gcp.inside.split('/')[0]!;
    return {
      name: gcp.peerName,
      ipAddress: local,
      peerIpAddress: gcp.peerInside,
      status: isUp ? 'UP' : 'DOWN',
      state: state.gcpBgp,
      numLearnedRoutes: state.gcpLearned.length,
      linkedVpnTunnel: `${this.#region}/vpnTunnels/${name}`,
      enableIpv4: true,
      advertisedRoutes: isUp
        ? design.advertised.map((destRange) => ({ destRange, nextHopIp: local, priority: 100, routeType: 'BGP' }))
        : [],
    };
  }

  #route(destRange: string, { gcp }: TunnelDesign): Record<string, unknown> {
    const { design } = this.#state;
    return {
      kind: 'compute#route',
      destRange,
      nextHopIp: gcp.peerInside,
      network: `${prefix}/projects/${design.project}/global/networks/${design.network}`,
      priority: 100,
      routeType: 'BGP',
      asPaths: [{ pathSegmentType: 'AS_SEQUENCE', asLists: [gcp.peerAsn] }],
    };
  }

  tunnels(): Record<string, unknown>[] {
    const { design, tunnels, broken, startedAt } = this.#state;
    const all = design.tunnels.map((tunnel, i) => ({
      kind: 'compute#vpnTunnel',
      id: String(2000 + i),
      creationTimestamp: startedAt,
      name: tunnel.name,
      region: this.#region,
      selfLink: `${this.#region}/vpnTunnels/${tunnel.name}`,
      vpnGateway: `${this.#region}/vpnGateways/${this.#gatewayName}`,
      vpnGatewayInterface: tunnel.gcp.gatewayInterface,
      peerExternalGateway: `${prefix}/projects/${design.project}/global/externalVpnGateways/${this.#externalName}`,
      peerExternalGatewayInterface: tunnel.gcp.peerInterface,
      peerIp: tunnel.gcp.peerOutside,
      ikeVersion: 2,
      router: `${this.#region}/routers/${design.router}`,
      ...tunnelStatus(tunnels[i]!),
    }));
    return all.filter((_, i) => !isBroken(broken, 'tunnel-absent', i));
  }

  get #gatewayName(): string {
    return this.#state.design.gateway;
  }

  get #externalName(): string {
    return this.#state.design.externalGateway;
  }

  gateway(): Record<string, unknown> {
    const { design } = this.#state;
    return {
      kind: 'compute#vpnGateway',
      id: '3000',
      name: this.#gatewayName,
      region: this.#region,
      selfLink: `${this.#region}/vpnGateways/${this.#gatewayName}`,
      network: `${prefix}/projects/${design.project}/global/networks/${design.network}`,
      vpnInterfaces: design.gatewayAddresses.map((ipAddress, id) => ({ id, ipAddress })),
    };
  }

  externalGateway(): Record<string, unknown> {
    const { design } = this.#state;
    return {
      kind: 'compute#externalVpnGateway',
      id: '4000',
      name: this.#externalName,
      selfLink: `${prefix}/projects/${design.project}/global/externalVpnGateways/${this.#externalName}`,
      redundancyType: design.tunnels.length === 4 ? 'FOUR_IPS_REDUNDANCY' : 'TWO_IPS_REDUNDANCY',
      interfaces: design.tunnels.map(({ gcp }) => ({ id: gcp.peerInterface, ipAddress: gcp.peerOutside })),
    };
  }
}
