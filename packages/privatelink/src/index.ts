/** The PrivateLink controller: its kinds, and the jobs that the command line runs. */
export { definitions } from './definitions.ts';
export { runWebhook, type WebhookOptions } from './webhook/run-webhook.ts';
export { privateLinkKinds, privateLinkKinds as kinds } from './kinds/index.ts';
export { findLeaks, type Leak, type LeaksFound } from './leaks.ts';
export { type LinkPlan, planLinks } from './plan-links.ts';
export { runController, type RunOptions, type RunResult } from './run-controller.ts';
export { type LinkReport, readStatus, type StatusReport } from './status.ts';
export * from './plumbing/index.ts';
export { partitionOf } from './plan/arn.ts';
export { policiesAsJson, policiesAsTerraform, type PolicyRole, policyRoles } from './permissions.ts';
