/** The VPN lab, and the two clouds' APIs answered from what it sees. */
export { type ComputeState, type LabServer, startComputeServer } from '../gcp/server.ts';
export { labAnswers } from './answers.ts';
export { startEc2Server } from './ec2-server.ts';
export { type Fault, faults, parseFault } from './faults.ts';
export { missingForVpnLab } from './need.ts';
export { type Rehearsal, rehearse, type RehearsalOptions, type StepResult } from './rehearsal.ts';
export { imaginedState, type LabState, readState, stateFileDefault } from './state.ts';
export { type TunnelState } from './world.ts';
