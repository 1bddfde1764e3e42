import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { errorMessage } from '@postern/core';
import type { WorkerInput, WorkerReply, WorkerRequest } from './worker-protocol.ts';

/** The writing thread as seen from the server: one question at a time; one that died is replaced at the next question. */
export class AuditWorker {
  readonly #input: WorkerInput;
  #worker: Worker | undefined;

  constructor(input: WorkerInput) {
    this.#input = input;
  }

  /** Never rejects: a thread that dies is a failed write. */
  async ask(request: WorkerRequest): Promise<WorkerReply> {
    try {
      const worker = (this.#worker ??= new Worker(new URL('./worker.ts', import.meta.url), {
        workerData: this.#input,
        execArgv: ['--disable-warning=ExperimentalWarning'], // not the parent's: what suits a main module need not suit this one
      }));
      return await answerOf(worker, request);
    } catch (error) {
      this.#worker = undefined;
      return { kind: 'failed', reason: errorMessage(error) };
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    const ended = once(worker, 'exit').catch(() => {});
    worker.postMessage({ kind: 'close' } satisfies WorkerRequest, []);
    await ended;
  }
}

function answerOf(worker: Worker, request: WorkerRequest): Promise<WorkerReply> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    const onMessage = (reply: WorkerReply): void => (over(), resolve(reply));
    const onError = (error: unknown): void => (
      over(),
      reject(error instanceof Error ? error : new Error(String(error)))
    );
    const onExit = (code: number): void => (over(), reject(new Error(`the audit writer ended with ${code}`)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(request, []);
  });
}
