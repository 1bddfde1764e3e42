import { type Clock, PosternError } from '@postern/core';
import type { Logger } from '@postern/daemon';
import { AuditFile } from './audit-file.ts';
import { type PendingRecord, pendingRecord, recordOf } from './chain.ts';
import type { AuditEvent, AuditHead } from './event.ts';
import { AuditWorker } from './audit-worker.ts';
import type { WorkerReply, WorkerRequest } from './worker-protocol.ts';

/** The audit log of a running server: records are taken at once and stored in batches by a worker. */
export interface Audit extends AsyncDisposable {
  /** Takes a record; never waits and never throws. It is on disk within `batchMs` and a commit, or `failure` says why not. */
  append(event: AuditEvent): void;
  /** Resolves when all that was appended is on disk and `head` is up to date; rejects when that cannot be done now. */
  flush(): Promise<void>;
  head(): AuditHead;
  /** Why records cannot be stored now, for `/readyz`; undefined when they can. */
  failure(): string | undefined;
  /** Of a reloaded configuration. */
  setRetention(retentionMs: number): void;
  /** Stores what there is and ends the worker. */
  close(): Promise<void>;
}

export interface AuditOptions {
  readonly dataDir: string;
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** After each commit, for `/metrics`. */
  readonly onHead?: (head: AuditHead) => void;
}

/** What a killed process may lose; short enough that a person who looks at the log after an action finds it there. */
const batchMs = 20;
const batchRecordsMax = 2_000;
/** About 30 MiB, and 100 s at 500 connections a second: longer than a disk stalls that will come back. */
const queuedRecordsMax = 50_000;
const retryMs = 1_000;
const headLogMs = 600_000;

type State = { readonly kind: 'writing' } | { readonly kind: 'failing'; readonly reason: string };

/** Opens the log; a damaged or unwritable one is thrown here, before anything is served. */
export function openAudit(options: AuditOptions): Audit {
  const file = new AuditFile(options.dataDir, options.clock.now());
  const head = file.head();
  file.close();
  return new WorkerAudit(options, head);
}

class WorkerAudit implements Audit {
  readonly #options: AuditOptions;
  readonly #worker: AuditWorker;
  #queue: PendingRecord[] = [];
  #busy = false;
  #closing = false;
  #state: State = { kind: 'writing' };
  #lost = 0;
  #head: AuditHead;
  #retentionMs: number;
  #timer: NodeJS.Timeout | undefined;
  #pruneTimer: NodeJS.Timeout | undefined;
  #pruneAgain = false;
  readonly #headTimer: NodeJS.Timeout;
  #waiting: Array<{ resolve: () => void; reject: (error: Error) => void }> = [];

  constructor(options: AuditOptions, head: AuditHead) {
    this.#options = options;
    this.#head = head;
    this.#retentionMs = options.retentionMs;
    this.#worker = new AuditWorker({ dataDir: options.dataDir, nowMs: options.clock.now() });
    this.#headTimer = setInterval(() => {
      // Asked first: the command line may have written records of its own since.
      void this.flush().then(
        () => this.#logHead(),
        () => {}, // said already
      );
    }, headLogMs).unref();
    this.#schedulePrune(0);
  }

  append(event: AuditEvent): void {
    const record = recordOf(event, this.#options.clock.now());
    // Also when the database cannot be written: these lines are the copy that leaves the machine.
    this.#options.log.info({ audit: record }, event.event);
    if (this.#queue.length >= queuedRecordsMax) this.#lost++;
    else this.#queue.push(pendingRecord(record));
    this.#soon(batchMs);
  }

  async flush(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#soon(0);
    });
  }

  head(): AuditHead {
    return this.#head;
  }

  failure(): string | undefined {
    return this.#state.kind === 'failing' ? `the audit log cannot be written: ${this.#state.reason}` : undefined;
  }

  setRetention(retentionMs: number): void {
    this.#retentionMs = retentionMs;
    this.#pruneAgain = true; // a removal that is under way has the old one in mind
    this.#schedulePrune(0);
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    const stored = await this.flush().then(
      () => true,
      () => false,
    );
    this.#closing = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#pruneTimer);
    clearInterval(this.#headTimer);
    await this.#worker.close();
    if (!stored)
      this.#options.log.error(
        { records: this.#queue.length + this.#lost },
        'audit records were not stored; they are in this log only',
      );
    this.#logHead();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #soon(ms: number): void {
    if (this.#busy || this.#closing) return; // the answer looks at the queue
    if (ms === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      void this.#write();
    } else this.#timer ??= setTimeout(() => this.#soon(0), this.#state.kind === 'failing' ? retryMs : ms);
  }

  async #write(): Promise<void> {
    const records = this.#queue.slice(0, batchRecordsMax);
    const reply = await this.#ask({ kind: 'append', records });
    if (reply.kind === 'failed') this.#failed(reply.reason);
    else {
      this.#queue = this.#queue.slice(records.length);
      this.#settle(reply);
      this.#declareLost();
    }
    if (this.#queue.length > 0) this.#soon(reply.kind === 'failed' ? retryMs : 0);
    else if (this.#state.kind === 'failing') this.#soon(retryMs);
    else this.#release();
  }

  async #ask(request: WorkerRequest): Promise<WorkerReply> {
    this.#busy = true;
    const reply = await this.#worker.ask(request);
    this.#busy = false;
    return reply;
  }

  #settle({ written }: Extract<WorkerReply, { kind: 'done' }>): void {
    this.#head = written.head;
    this.#options.onHead?.(written.head);
    if (written.headFileFailure !== undefined) this.#failed(written.headFileFailure);
    else if (this.#state.kind === 'failing') {
      this.#state = { kind: 'writing' };
      this.#options.log.warn('the audit log is written again');
    }
  }

  #failed(reason: string): void {
    const known = this.#state.kind === 'failing' && this.#state.reason === reason;
    this.#state = { kind: 'failing', reason };
    if (!known) this.#options.log.error({ reason }, 'the audit log cannot be written: records wait in memory');
    for (const { reject } of this.#waiting.splice(0)) reject(new PosternError('AUDIT_FAILING', this.failure()!));
  }

  #declareLost(): void {
    if (this.#lost === 0 || this.#state.kind === 'failing') return;
    const event: AuditEvent = { event: 'audit.lost', records: this.#lost, reason: 'the queue was full' };
    this.#lost = 0;
    this.#queue.push(pendingRecord(recordOf(event, this.#options.clock.now())));
  }

  #release(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** A tenth of the retention, so that a record is kept at most a tenth too long. */
  #schedulePrune(afterMs: number): void {
    clearTimeout(this.#pruneTimer);
    if (this.#closing) return;
    this.#pruneTimer = setTimeout(() => void this.#prune(), afterMs).unref();
  }

  async #prune(): Promise<void> {
    if (this.#closing) return;
    if (this.#busy) return this.#schedulePrune(batchMs);
    this.#pruneAgain = false;
    const nowMs = this.#options.clock.now();
    const reply = await this.#ask({ kind: 'prune', beforeMs: nowMs - this.#retentionMs, nowMs });
    if (reply.kind === 'failed') this.#failed(reply.reason);
    else this.#settle(reply);
    if (this.#queue.length > 0 || this.#waiting.length > 0 || this.#state.kind === 'failing') this.#soon(0);
    const more = reply.kind === 'done' && reply.more;
    const again = more || this.#pruneAgain;
    this.#pruneAgain = false;
    this.#schedulePrune(again ? batchMs : Math.min(3_600_000, Math.max(1_000, this.#retentionMs / 10)));
  }

  #logHead(): void {
    this.#options.log.info({ ...this.#head }, 'audit head');
  }
}
