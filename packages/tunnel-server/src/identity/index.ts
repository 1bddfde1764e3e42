/** The server's half of identity: who is trusted, what a proof must say, which certificate is issued. */
export { checkRequest, type CheckedRequest } from './certificate-request.ts';
export * from './issuer.ts';
export { newCredentials, type NewCredentials } from './new-credentials.ts';
export { IssueRefusal, type RefusalCode } from './refusal.ts';
export { readPublicKeys } from './public-keys.ts';
export * from './registry.ts';
export type { IdentityChange } from './watch.ts';
export type { WorkloadTokens } from './workload-token.ts';
