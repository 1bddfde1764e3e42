/** `/readyz`, `/healthz`, `/metrics` of the proxy. Loaded only where an admin address is configured: HTTP takes 8 MB. */
import type { ListenAddress } from '@postern/core';
import { type AdminServer, startAdmin } from '@postern/daemon/admin';
import { readSecretFile } from '@postern/daemon/text-files';
import type { Counters } from '../resolver/metrics.ts';
import type { Resolver } from '../resolver/resolver.ts';
import { dnsMetrics } from './metrics.ts';
import type { Plan } from './plan.ts';
import type { Readiness } from './ready.ts';

export function startDnsAdmin(
  plan: Plan,
  listen: ListenAddress,
  parts: { readonly counters: Counters; readonly current: () => Resolver; readonly ready: Readiness },
): Promise<AdminServer> {
  return startAdmin({
    listen,
    registry: dnsMetrics(parts.counters, parts.current),
    notReady: () => parts.ready.reason,
    ...(plan.adminTokenFile === undefined ? {} : { token: readSecretFile(plan.adminTokenFile, 'admin token') }),
  });
}
