import type { Command } from 'commander';
import { registerAdvise } from './advise.ts';
import { registerDashboard } from './dashboard.ts';
import { registerDeploy, registerDestroy } from './deploy.ts';
import { registerPlan } from './plan.ts';
import { registerInit } from './init.ts';
import { registerMigrate } from './migrate.ts';
import { registerVerify } from './verify.ts';
import { registerValidate } from './validate.ts';

/** `postern instance ...`: one customer's copy of the product, described by one config.yaml. */
export function registerInstance(root: Command): void {
  const instance = root
    .command('instance')
    .description('an instance: check its config.yaml, plan, deploy and verify what it describes');
  registerInit(instance);
  registerValidate(instance);
  registerMigrate(instance);
  registerPlan(instance);
  registerDeploy(instance);
  registerDestroy(instance);
  registerVerify(instance);
  registerAdvise(instance);
  registerDashboard(instance);
}
