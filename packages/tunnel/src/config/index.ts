/** Schemas of server.yaml, agent.yaml and client.yaml. */
export * from './agent.ts';
export * from './client.ts';
export * from './common.ts';
export * from './server.ts';
