import type { PendingRecord } from './chain.ts';
import type { Written } from './audit-file.ts';

/** What the audit log and its worker say to one another. One request at a time; each is answered once. */
export type WorkerRequest =
  | { readonly kind: 'append'; readonly records: readonly PendingRecord[] }
  | { readonly kind: 'prune'; readonly beforeMs: number; readonly nowMs: number }
  | { readonly kind: 'close' };

export type WorkerReply =
  | { readonly kind: 'done'; readonly written: Written; readonly more: boolean }
  | { readonly kind: 'failed'; readonly reason: string };

export interface WorkerInput {
  readonly dataDir: string;
  readonly nowMs: number;
}
