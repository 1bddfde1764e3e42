import type { Command } from 'commander';
import { registerApprove } from './approve.ts';
import { registerDeploy } from './deploy.ts';
import { registerEvaluate } from './evaluate.ts';
import { registerRollback } from './rollback.ts';
import { registerStatus } from './status.ts';
import { registerSubmit } from './submit.ts';

/** `postern sandbox release ...`: from a submitted image to a running one, each step on record. */
export function registerRelease(sandbox: Command): void {
  const release = sandbox
    .command('release')
    .description('submit, evaluate, approve, deploy and roll back releases; only an admin approves and installs');
  registerSubmit(release);
  registerEvaluate(release);
  registerApprove(release);
  registerDeploy(release);
  registerStatus(release);
  registerRollback(release);
}
