/** The audit log: append-only, hash-chained, kept for a time, written off the data path. */
export { type Audit, type AuditOptions, openAudit } from './audit.ts';
export { appendAudit } from './audit-file.ts';
export type * from './event.ts';
export { readAudit, type ReadOptions } from './read.ts';
export { type Verification, type VerifyOptions, verifyAudit } from './verify.ts';
