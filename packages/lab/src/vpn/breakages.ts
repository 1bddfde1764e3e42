import type { VpnDesign } from '@postern/core';

/**
 * Faults that no parameter of a design says: something does not exist, or a cloud does otherwise than its settings say. The world
 * breaks it for real, and the APIs answer what the clouds' would. PURE.
 */
export const breakages = {
  'tunnel-absent': { scope: 'tunnel', what: 'the tunnel was deleted in Google Cloud' },
  'connection-absent': { scope: 'connection', what: 'the VPN connection was deleted in AWS' },
  'wrong-identity': { scope: 'tunnel', what: 'the AWS end says it is another address, as behind a NAT' },
  'ikev1-only': { scope: 'tunnel', what: 'the AWS end takes IKEv1 only' },
  'stale-options': {
    scope: 'tunnel',
    what: 'AWS has not applied its tunnel options yet: the end still wants group 17',
  },
  narrowed: { scope: 'connection', what: 'the VPN connection has traffic selectors narrower than 0.0.0.0/0' },
  unfinished: { scope: 'tunnel', what: 'the Google tunnel waits for the rest of its configuration' },
  'gateway-failed': { scope: 'tunnel', what: 'the Google end of the tunnel has died' },
  'peer-disabled': { scope: 'tunnel', what: 'the BGP peer is switched off on the Cloud Router' },
  'peer-absent': { scope: 'tunnel', what: 'the BGP peer was deleted from the Cloud Router' },
  'bgp-blocked': { scope: 'tunnel', what: 'BGP packets (TCP 179) are lost inside the tunnel' },
  'stale-telemetry': { scope: 'tunnel', what: 'AWS answers with the telemetry of some minutes ago' },
  'router-absent': { scope: 'network', what: 'the Cloud Router was deleted' },
  'gateway-detached': { scope: 'network', what: 'the VPN gateway is not attached to the VPC' },
  'static-route': { scope: 'network', what: 'the VPC’s route table has a static route to one of our ranges' },
} as const satisfies Readonly<Record<string, { scope: 'tunnel' | 'connection' | 'network'; what: string }>>;

export type Breakage = keyof typeof breakages;

/** What is broken: by name, the tunnels that it hits. */
export type Broken = Readonly<Partial<Record<Breakage, readonly number[]>>>;

export function isBroken(broken: Broken, name: Breakage, tunnel?: number): boolean {
  const hit = broken[name];
  return hit !== undefined && (tunnel === undefined || hit.includes(tunnel));
}

/** The tunnels that a breakage begun at one of them hits. */
export function hitBy(name: Breakage, design: VpnDesign, tunnel: number): number[] {
  const { scope } = breakages[name];
  return design.tunnels.flatMap((one, i) =>
    scope === 'network' ||
    i === tunnel ||
    (scope === 'connection' && one.connection === design.tunnels[tunnel]!.connection)
      ? [i]
      : [],
  );
}

export function merge(all: readonly Broken[]): Broken {
  const merged: Partial<Record<Breakage, number[]>> = {};
  for (const broken of all)
    for (const name of Object.keys(broken) as Breakage[]) merged[name] = [...(merged[name] ?? []), ...broken[name]!];
  return merged;
}
