import type { Command } from 'commander';
import { addController } from './controller.ts';
import { addCrds } from './crds.ts';
import { addDisable } from './disable.ts';
import { addEnable } from './enable.ts';
import { addEndpointVpcCommands } from './endpointvpc.ts';
import { addLeaks } from './leaks.ts';
import { addPermissions } from './permissions.ts';
import { addPlan } from './plan.ts';
import { addStatus } from './status.ts';
import { addTemplate } from './template.ts';
import { addVerify } from './verify.ts';
import { addWebhook } from './webhook.ts';

/** `postern privatelink ...` */
export function registerPrivatelink(root: Command): void {
  const privatelink = root
    .command('privatelink')
    .description('private links over AWS PrivateLink: to clusters and services in accounts of customers');
  addController(privatelink);
  addPlan(privatelink);
  addStatus(privatelink);
  addLeaks(privatelink);
  addWebhook(privatelink);
  addCrds(privatelink);
  addEnable(privatelink);
  addDisable(privatelink);
  addEndpointVpcCommands(privatelink);
  addVerify(privatelink);
  addPermissions(privatelink);
  addTemplate(privatelink);
}
