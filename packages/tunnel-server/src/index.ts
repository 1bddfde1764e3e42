/** The tunnel broker: issuing identities, policy, sessions, audit. */
export type * from './audit/event.ts';
export * from './ca/index.ts';
export * from './identity/index.ts';
