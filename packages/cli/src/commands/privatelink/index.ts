import type { Command } from 'commander';
import { addController } from './controller.ts';
import { addCrds } from './crds.ts';
import { addLeaks } from './leaks.ts';
import { addPlan } from './plan.ts';
import { addStatus } from './status.ts';

/** `postern privatelink ...` */
export function registerPrivatelink(root: Command): void {
  const privatelink = root
    .command('privatelink')
    .description('private links over AWS PrivateLink: to clusters and services in accounts of customers');
  addController(privatelink);
  addPlan(privatelink);
  addStatus(privatelink);
  addLeaks(privatelink);
  addCrds(privatelink);
}
