/** Sets the stage for private links: the HiveConfig's section, peering, routes, rules, inventory. */
export { disable, enable, type EnableOptions } from './enabling.ts';
export { type AddOptions, addEndpointVpc, removeEndpointVpc, type RemoveOptions } from './endpoint-vpc.ts';
export { type HiveHome, openHome } from './home.ts';
export { explainStep, type PlumbingPlan, type PlumbingStep } from './plan/steps.ts';
export type { Check } from './plan/verify.ts';
export { vpcTemplate } from './template-vpc.ts';
export { verifyPlumbing } from './verify.ts';
