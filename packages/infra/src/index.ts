/** One config.yaml to Terraform stacks, manifests, dashboard and playbook; deploy and verify. */
export * from './instance.ts';
export * from './generate/index.ts';
export { type StackJson, synthesize } from './stacks/synth.ts';
export { type TunnelPlan, proposal, tunnelPlans, timers } from './stacks/vpn-plan.ts';
export { advertisedRanges, vpnNames } from './stacks/awsvpn.ts';
export { knownOutputs, type KnownOutputs, type StackOutputs } from './stacks/outputs.ts';
export { dashboard } from './dashboard/dashboard.ts';
export { type CloudAnswers, readVpn, unknownAnswers } from './vpn/read.ts';
export { readGoogle } from './verify/read-google.ts';
export { type Check } from './verify/check.ts';
export { type Verification, verify, type VerifyOptions } from './verify/verify.ts';
export { type Copied, copyImages, type ImagesOptions, lockImages, type Locked } from './images/images.ts';
export { type Advice, advise, type Facts, nextQuestion, questions } from './advise/advise.ts';
export * from './deploy/index.ts';
