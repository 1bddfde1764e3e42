import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { writeWhole } from './files.ts';

/**
 * Terraform as a child that outlives us: it has its own process group and writes its lines to a file, which we follow. When
 * this process is killed, Terraform goes on, finishes what it began and saves its state; the next run finds it by the record,
 * waits for it, and goes on from there. A pipe would kill it at its next line (SIGPIPE) with resources made and not saved.
 */

/** How often the file is looked at. */
const followMs = 100;

export interface ChildOptions {
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where its lines go. */
  readonly log: string;
  /** Remembers the child until it has ended; for what changes the cloud. */
  readonly record?: string;
  readonly onLine: (line: string) => void;
  /** Asks Terraform to stop after what it is doing (SIGINT). */
  readonly signal: AbortSignal;
}

export interface ChildRecord {
  readonly pid: number;
  /** A pid is used again one day; with its start it is the same process. */
  readonly startedTicks: string;
  readonly stack: string;
  readonly log: string;
}

/** Runs Terraform to its end; its exit code. */
export async function runChild(options: ChildOptions & { readonly stack: string }): Promise<number> {
  rmSync(options.log, { force: true });
  const out = openSync(options.log, 'w', 0o600);
  const child = spawn(options.binary, [...options.args], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', out, out],
    detached: true,
  });
  closeSync(out);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  if (options.record !== undefined && child.pid !== undefined)
    writeWhole(
      options.record,
      recordText({ pid: child.pid, startedTicks: startedTicks(child.pid), stack: options.stack, log: options.log }),
    );
  const stop = (): void => void child.kill('SIGINT');
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  try {
    return await follow(options.log, ended, options.onLine);
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

function recordText(record: ChildRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** The record of a run that did not end in order. */
export function readRecord(file: string): ChildRecord | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ChildRecord;
  } catch {
    return undefined; // written whole or not at all; anything else is not ours
  }
}

export function stillRuns({ pid, startedTicks: started }: ChildRecord): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return startedTicks(pid) === started;
}

/** Waits for a child of an earlier process, following what it writes. */
export async function waitFor(record: ChildRecord, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
  const ended = (async () => {
    while (stillRuns(record)) await delay(followMs, undefined, { signal });
    return 0;
  })();
  await follow(record.log, ended, onLine);
}

/** Field 22 of /proc/PID/stat, counted after the name, which may hold spaces. Elsewhere the pid alone must do. */
function startedTicks(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

async function follow(log: string, ended: Promise<number>, onLine: (line: string) => void): Promise<number> {
  let code: number | undefined;
  let failure: unknown;
  void ended.then(
    (value) => (code = value),
    (error: unknown) => ((failure = error), (code = 1)),
  );
  let offset = 0;
  let rest = '';
  const decoder = new TextDecoder();
  const file = openSync(log, 'r');
  const buffer = Buffer.alloc(64 * 1024);
  try {
    for (;;) {
      const last = code;
      for (let read = readSync(file, buffer, 0, buffer.length, offset); read > 0;) {
        offset += read;
        const lines = (rest + decoder.decode(buffer.subarray(0, read), { stream: true })).split('\n');
        rest = lines.pop()!;
        for (const line of lines) onLine(line);
        read = readSync(file, buffer, 0, buffer.length, offset);
      }
      if (last !== undefined) break;
      await delay(followMs);
    }
  } finally {
    closeSync(file);
  }
  if (rest !== '') onLine(rest);
  if (failure !== undefined) throw failure;
  return code!;
}
