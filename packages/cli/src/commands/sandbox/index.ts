import type { Command } from 'commander';
import { registerInit } from './init.ts';
import { registerValidate } from './validate.ts';
import { registerGenerate } from './generate.ts';
import { registerPlan } from './plan.ts';
import { registerDeploy } from './deploy.ts';
import { registerDestroy } from './destroy.ts';
import { registerImport } from './import.ts';
import { registerProject } from './project/index.ts';
import { registerPipeline } from './pipeline/index.ts';
import { registerThumbprint } from './thumbprint.ts';
import { registerOpen } from './open.ts';
import { registerProbe } from './probe.ts';
import { registerVerify } from './verify.ts';
import { registerLint } from './lint.ts';
import { registerRelease } from './release/index.ts';
import { registerGate } from './gate/index.ts';
import { registerTenant } from './tenant/index.ts';

/** `postern sandbox ...`: an isolated environment in which building blocks of many organisations run side by side. */
export function registerSandbox(root: Command): void {
  const sandbox = root
    .command('sandbox')
    .description('a shared Kubernetes environment: tenants kept apart, CI trust, a quality gate, releases');
  registerInit(sandbox);
  registerValidate(sandbox);
  registerGenerate(sandbox);
  registerPlan(sandbox);
  registerDeploy(sandbox);
  registerDestroy(sandbox);
  registerVerify(sandbox);
  registerImport(sandbox);
  registerTenant(sandbox);
  registerProject(sandbox);
  registerPipeline(sandbox);
  registerThumbprint(sandbox);
  registerGate(sandbox);
  registerRelease(sandbox);
  registerLint(sandbox);
  registerOpen(sandbox);
  registerProbe(sandbox);
}
