/**
 * The VPN as numbers, before any resource: which Google interface meets which AWS tunnel, and the addresses inside. Every stack,
 * the dashboard and the checks read it from here or from the synthesised JSON; nothing types a parameter twice.
 */

export interface TunnelPlan {
  /** 0 to 3: also the external gateway's interface. */
  readonly index: number;
  /** AWS VPN connection 0 or 1, and its tunnel 1 or 2. */
  readonly connection: 0 | 1;
  readonly awsTunnel: 1 | 2;
  /** The HA VPN gateway's interface: 0 meets AWS 0 and 1, 1 meets AWS 2 and 3 (Google checks it for FOUR_IPS_REDUNDANCY). */
  readonly googleInterface: 0 | 1;
  /** A /30 of 169.254.0.0/16; AWS takes the first usable address, the customer gateway (Google) the second. */
  readonly insideCIDR: string;
  readonly awsInside: string;
  readonly googleInside: string;
}

/**
 * 169.254.21.0/30 and on: outside 169.254.0.0/30 to 169.254.5.0/30 and 169.254.169.252/30, which AWS reserves, and away from
 * the metadata address 169.254.169.254.
 */
const insideBase = '169.254.21.';

export function tunnelPlans(highAvailable: boolean): TunnelPlan[] {
  return Array.from({ length: highAvailable ? 4 : 2 }, (_, index) => {
    const connection = index < 2 ? 0 : 1;
    const base = index * 4;
    return {
      index,
      connection,
      awsTunnel: ((index % 2) + 1) as 1 | 2,
      googleInterface: connection,
      insideCIDR: `${insideBase}${base}/30`,
      awsInside: `${insideBase}${base + 1}`,
      googleInside: `${insideBase}${base + 2}`,
    };
  });
}

/**
 * Exactly one proposal a phase, on the side that can say so: AWS's default list makes the IKE_SA payload so large that it is
 * fragmented, and Cloud VPN then cannot rekey. AEAD leaves the larger payload (1406 of 1460 bytes). Cloud VPN has every one of
 * these in its own list.
 */
export const proposal = { encryption: 'AES256-GCM-16', integrity: 'SHA2-512', dhGroup: 21 } as const;

/** AWS's own defaults, written out so that both tunnels of a pair share them whatever AWS does with its defaults. */
export const timers = {
  phase1LifetimeSeconds: 28_800,
  phase2LifetimeSeconds: 3600,
  rekeyMarginSeconds: 540,
  dpdTimeoutSeconds: 30,
} as const;
