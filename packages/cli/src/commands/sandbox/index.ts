import type { Command } from 'commander';
import { registerGate } from './gate/index.ts';
import { registerTenant } from './tenant/index.ts';

/** `postern sandbox ...`: an isolated environment in which building blocks of many organisations run side by side. */
export function registerSandbox(root: Command): void {
  const sandbox = root
    .command('sandbox')
    .description('a shared Kubernetes environment: tenants kept apart, CI trust, a quality gate, releases');
  registerTenant(sandbox);
  registerGate(sandbox);
}
