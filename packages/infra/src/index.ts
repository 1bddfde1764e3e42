/** One config.yaml to Terraform stacks, manifests, dashboard and playbook; deploy and verify. */
export type { AwsSide, Backend, ConnectSide, DnsRoute, Instance, NodePool, PrivateLink } from './config/model.ts';
export { type LoadedInstance, parseInstance } from './config/load.ts';
export { defaultProjectID } from './config/scaffold.ts';
export { type InstanceDocument, instanceSchema } from './config/schema.ts';
export { type Generated, generate, type GenerateOptions } from './generate/generate.ts';
export { describeChange, initInstance, migrateInstance } from './generate/init.ts';
export { loadInstance } from './generate/load.ts';
export { readOutputs, writeOutputs } from './generate/outputs.ts';
export * from './generate/paths.ts';
export { kinds } from './kinds.ts';
export { forgetRemovedStack, readRemovedStacks, type RemovedStack, withoutResources } from './generate/removed.ts';
export { type Part, parts } from './generate/tree.ts';
export { type StackInfo, stackInfo, type StackName, stackNames, stacksOf } from './stacks/names.ts';
export { type StackJson, synthesize } from './stacks/synth.ts';
export { type TunnelPlan, proposal, tunnelPlans, timers } from './stacks/vpn-plan.ts';
export { advertisedRanges, vpnNames } from './stacks/awsvpn.ts';
export { knownOutputs, type KnownOutputs, type StackOutputs } from './stacks/outputs.ts';
export { dashboard } from './dashboard/dashboard.ts';
