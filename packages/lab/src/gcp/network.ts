import type { GoogleDesign } from '@postern/core';

/** Addresses, Cloud NAT and firewall rules as stacks `nat` and `connect` make them. PURE, in the shapes of the Compute API v1. */

const prefix = 'https://www.googleapis.com/compute/v1';
/** TEST-NET-3 (RFC 5737): no packet reaches anybody. */
const firstAddress = 10;

type Json = Record<string, unknown>;

export class Network {
  readonly #design: GoogleDesign;
  readonly #tunnelServer: string | undefined;

  /** `tunnelServer`: the address at which one runs, and which is in use for that reason. */
  constructor(design: GoogleDesign, tunnelServer: string | undefined) {
    this.#design = design;
    this.#tunnelServer = tunnelServer;
  }

  get #region(): string {
    return `${prefix}/projects/${this.#design.project}/regions/${this.#design.region}`;
  }

  addresses(): Json[] {
    return this.#design.addresses.map(({ name, stack }, i) => {
      const used = stack === 'nat' || this.#tunnelServer !== undefined;
      return {
        kind: 'compute#address',
        id: String(5000 + i),
        name,
        address: (stack === 'connect' ? this.#tunnelServer : undefined) ?? `203.0.113.${firstAddress + i}`,
        addressType: 'EXTERNAL',
        status: used ? 'IN_USE' : 'RESERVED',
        region: this.#region,
        selfLink: `${this.#region}/addresses/${name}`,
      };
    });
  }

  routers(): Json[] {
    return [...new Set(this.#design.nats.map(({ router }) => router))].map((router, i) => ({
      kind: 'compute#router',
      id: String(6000 + i),
      name: router,
      region: this.#region,
      selfLink: `${this.#region}/routers/${router}`,
      nats: this.#design.nats
        .filter((nat) => nat.router === router)
        .map(({ name }) => ({
          name,
          natIpAllocateOption: 'MANUAL_ONLY',
          natIps: this.#natAddresses().map(({ selfLink }) => selfLink),
          sourceSubnetworkIpRangesToNat: 'ALL_SUBNETWORKS_ALL_IP_RANGES',
        })),
    }));
  }

  /** `getRouterStatus` of a router that speaks no BGP. */
  routerStatus(): Json {
    const used = this.#natAddresses().map(({ address }) => address);
    return {
      kind: 'compute#routerStatusResponse',
      result: { natStatus: this.#design.nats.map(({ name }) => ({ name, userAllocatedNatIps: used })) },
    };
  }

  #natAddresses(): Json[] {
    const names = new Set(this.#design.addresses.filter(({ stack }) => stack === 'nat').map(({ name }) => name));
    return this.addresses().filter(({ name }) => names.has(String(name)));
  }

  firewalls(): Json[] {
    return this.#design.firewalls.map(({ name, action, sourceRanges, ports }, i) => ({
      kind: 'compute#firewall',
      id: String(7000 + i),
      name,
      direction: 'INGRESS',
      disabled: false,
      sourceRanges,
      [action === 'allow' ? 'allowed' : 'denied']: [{ IPProtocol: 'tcp', ports }],
      selfLink: `${prefix}/projects/${this.#design.project}/global/firewalls/${name}`,
    }));
  }
}
