import type { Command } from 'commander';
import { registerApply } from './apply.ts';
import { registerList } from './list.ts';
import { registerRemove } from './remove.ts';

/** `postern sandbox tenant ...`: organisations and what keeps them apart. */
export function registerTenant(sandbox: Command): void {
  const tenant = sandbox.command('tenant').description('organisations, their namespaces, and all that isolates them');
  registerApply(tenant);
  registerList(tenant);
  registerRemove(tenant);
}
