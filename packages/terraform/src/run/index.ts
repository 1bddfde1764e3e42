/** Runs Terraform or OpenTofu: the binary, the child that outlives us, its lines as events, the lock of a state folder. */
export { findTerraform, terraformEnvironment } from './binary.ts';
export { type ChildOptions, type ChildRecord, readRecord, runChild, stillRuns, waitFor } from './child.ts';
export { type Action, inFlight, parseEvent, type TerraformEvent } from './events.ts';
export { lockState } from './lock.ts';
