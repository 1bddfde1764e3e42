/** The customer's side: dials out, checks the customer's own list, connects. */
export { pauseReason, runAgent, switchFile } from './daemon.ts';
export { dial, DialError } from './dial.ts';
export { readSwitch, writeSwitch, type AgentSwitch } from './state-file.ts';
export { resolveHost } from './resolve.ts';
export { Acceptor } from './acceptor.ts';
export { examine, type Check } from './doctor.ts';
