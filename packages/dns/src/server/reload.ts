/** Watches the configuration and reads it anew in a process of its own, which ends with its 20 MB of YAML and schemas. */
import { execFile } from 'node:child_process';
import type { PlainLogger } from '@postern/daemon/log-lines';
import { watchFiles } from '@postern/daemon/reload';
import type { Plan } from './plan.ts';

/** What the starting process hands to the running one. */
export interface Handover {
  readonly plan: Plan;
  /** Arguments to Node that print a plan as JSON, or the problems and exit code 2. */
  readonly planCommand: readonly string[];
  /** The launcher that must not be outlived. */
  readonly launcherPid?: number;
}

const planMs = 30_000;
const planBytesMax = 64 * 2 ** 20;

interface Following {
  readonly log: PlainLogger;
  readonly signal: AbortSignal;
  readonly use: (plan: Plan) => void;
}

export function followConfiguration(handover: Handover, { log, signal, use }: Following): void {
  let state: 'idle' | 'reading' | 'stale' = 'idle';
  const read = (): void => {
    if (state !== 'idle') {
      state = 'stale';
      return;
    }
    state = 'reading';
    const options = { signal, timeout: planMs, maxBuffer: planBytesMax };
    execFile(process.execPath, [...handover.planCommand], options, (error, stdout, stderr) => {
      if (signal.aborted) return;
      const again = state === 'stale';
      state = 'idle';
      if (again) return read();
      if (error === null) use(JSON.parse(stdout) as Plan);
      else log.error({ problems: problemsOf(stderr, error) }, 'configuration not reloaded; the one before stays');
    });
  };
  watchFiles(handover.plan.watched, read, signal);
}

function problemsOf(stderr: string, error: Error): string[] {
  const lines = stderr.split('\n').filter((line) => line !== '');
  return lines.length > 0 ? lines : [error.message];
}
