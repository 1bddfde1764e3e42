/** The thread that writes the audit log: a commit waits for the disk, and the event loop that carries connections must not. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '@postern/core';
import { AuditFile } from './audit-file.ts';
import type { WorkerInput, WorkerReply, WorkerRequest } from './worker-protocol.ts';

const { dataDir, nowMs } = workerData as WorkerInput;
let file: AuditFile | undefined;

function answer(request: Exclude<WorkerRequest, { kind: 'close' }>): WorkerReply {
  try {
    // Opened at need: after a failure (a full disk, a lost mount) the next request begins anew.
    file ??= new AuditFile(dataDir, nowMs);
    if (request.kind === 'append') return { kind: 'done', written: file.append(request.records), more: false };
    const written = file.prune(request.beforeMs, request.nowMs);
    return { kind: 'done', written, more: written.more };
  } catch (error) {
    file?.close();
    file = undefined;
    return { kind: 'failed', reason: errorMessage(error) };
  }
}

parentPort!.on('message', (request: WorkerRequest) => {
  if (request.kind !== 'close') return parentPort!.postMessage(answer(request), []);
  file?.close();
  parentPort!.close();
});
