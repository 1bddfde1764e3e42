/**
 * What the checks ask Google Cloud beside the VPN, as plain values read from the synthesised stacks: what `verify` expects and what
 * the lab's compute endpoint answers.
 */
export interface GoogleDesign {
  readonly project: string;
  readonly region: string;
  readonly addresses: readonly AddressDesign[];
  readonly nats: readonly NatDesign[];
  readonly firewalls: readonly FirewallDesign[];
}

/** A reserved address: of Cloud NAT, or the tunnel server's. */
export interface AddressDesign {
  readonly name: string;
  readonly stack: 'nat' | 'connect';
}

export interface NatDesign {
  readonly name: string;
  readonly router: string;
  /** How many reserved addresses it has. */
  readonly addresses: number;
}

export interface FirewallDesign {
  readonly name: string;
  readonly action: 'allow' | 'deny';
  readonly sourceRanges: readonly string[];
  readonly ports: readonly string[];
}
