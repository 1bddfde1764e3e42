import type { Ingress, Proposal } from '@postern/core';

/** What the two clouds said, in one vocabulary. */

export interface GoogleFacts {
  readonly router:
    | {
        readonly asn: number;
        readonly advertised: readonly string[];
        readonly interfaces: readonly { readonly name: string; readonly ipRange: string }[];
        readonly peers: readonly GooglePeer[];
      }
    | undefined;
  /** By peer name. */
  readonly peerStatus: ReadonlyMap<string, { readonly up: boolean; readonly state: string; readonly learned: number }>;
  readonly learnedRanges: readonly string[];
  /** By tunnel name. */
  readonly tunnels: ReadonlyMap<string, GoogleTunnel>;
  readonly gatewayAddresses: readonly string[];
}

export interface GoogleTunnel {
  readonly status: string;
  readonly detail: string;
  readonly peerIp: string;
  readonly ikeVersion: number;
}

export interface GooglePeer {
  readonly name: string;
  readonly interfaceName: string;
  readonly ip: string;
  readonly peerIp: string;
  readonly peerAsn: number;
  readonly enabled: boolean;
}

export interface AmazonFacts {
  readonly connections: readonly AmazonConnection[];
  readonly gateway: { readonly id: string; readonly asn: number; readonly attached: boolean } | undefined;
  readonly routeTable: { readonly propagating: boolean; readonly routes: readonly string[] } | undefined;
  readonly endpoints: readonly AmazonEndpoint[];
}

export interface AmazonConnection {
  readonly name: string;
  readonly id: string;
  readonly state: string;
  readonly customerGateway: { readonly ip: string; readonly asn: number } | undefined;
  readonly tunnels: readonly AmazonTunnel[];
}

export interface AmazonTunnel {
  readonly outside: string;
  readonly insideCIDR: string | undefined;
  /** `ikev2`; undefined where AWS says nothing, and takes both. */
  readonly ikeVersions: readonly string[] | undefined;
  readonly phase1: Partial<Proposal>;
  readonly phase2: Partial<Proposal>;
  /** UP only with BGP established. */
  readonly up: boolean;
  readonly message: string;
  readonly acceptedRoutes: number;
}

export interface AmazonEndpoint {
  readonly id: string;
  readonly name: string;
  readonly serviceName: string;
  readonly state: string;
  readonly privateDns: boolean;
  readonly dnsNames: readonly string[];
  readonly ingress: readonly Ingress[];
}
