import type { WaitFor } from './steps.ts';

/** How long to wait for what. A wait is a requeue: nobody sits on it. */
export interface WaitRule {
  readonly firstMs: number;
  readonly maxMs: number;
  /** After this long it is a failure with this reason; the waiting goes on. */
  readonly failAfterMs: number;
  readonly failReason: string;
  /** Somebody else must act (an installer, a person): `--once` does not wait for it. */
  readonly external: boolean;
}

/** AWS takes seconds to minutes for its own states; ten minutes is far beyond any good day (Hive gave up after three). */
const aws = { firstMs: 1000, maxMs: 15_000, failAfterMs: 10 * 60_000, external: false } as const;

export const waitRules: Readonly<Record<WaitFor, WaitRule>> = {
  // An installer may take half an hour to come to its load balancer; that is no failure.
  'load-balancer-to-exist': {
    firstMs: 5000,
    maxMs: 60_000,
    failAfterMs: Number.POSITIVE_INFINITY,
    failReason: 'DiscoveringNLBFailed',
    external: true,
  },
  'load-balancer-to-be-active': { ...aws, failReason: 'DiscoveringNLBFailed' },
  'service-to-be-available': { ...aws, failReason: 'VPCEndpointServiceReconcileFailed' },
  'service-to-be-visible': { ...aws, failReason: 'VPCEndpointReconcileFailed' },
  'endpoint-to-be-available': { ...aws, failReason: 'VPCEndpointReconcileFailed' },
  'endpoint-to-have-dns': { ...aws, failReason: 'VPCEndpointReconcileFailed' },
  'endpoint-to-be-gone': { ...aws, failReason: 'CleanupForDeprovisionFailed' },
  'service-to-be-gone': { ...aws, failReason: 'CleanupForDeprovisionFailed' },
  'host-to-be-reachable': {
    firstMs: 5000,
    maxMs: 60_000,
    failAfterMs: 3 * 60_000,
    failReason: 'EndpointNotReachable',
    external: true,
  },
};

/** The pause before look number `attempt` (0 is the first), with up to a fifth of it as jitter. */
export function pauseMs(rule: WaitRule, attempt: number, random: number): number {
  const base = Math.min(rule.maxMs, rule.firstMs * 1.5 ** Math.min(attempt, 30));
  return Math.round(base * (1 + 0.2 * random));
}
