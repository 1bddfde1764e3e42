/** The tunnel broker: issuing identities, policy, sessions, audit. */
export * from './audit/index.ts';
export * from './ca/index.ts';
export * from './identity/index.ts';
export { createFile } from './files.ts';
export { runServer } from './server/server.ts';
