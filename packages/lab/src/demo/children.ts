import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { PosternError } from '@postern/core';

/** The processes of the demo: started in order, ended in reverse, none left behind. */

/** A daemon on a busy two-core machine is up within a second or two. */
const readyMs = 30_000;
/** Longer than a daemon's own draining takes when nothing runs. */
const endMs = 8_000;

export interface Daemon {
  readonly name: string;
  readonly pid: number;
  /** The fields of its `ready` line: the addresses it listens on. */
  readonly ready: Readonly<Record<string, unknown>>;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** What a short command may print; a runaway one is cut. */
const outputBytesMax = 8 * 2 ** 20;

export class Children {
  readonly #running = new Set<ChildProcess>();
  readonly #order: ChildProcess[] = [];

  /** Starts a daemon and waits for its `ready` line; its log goes to `logFile`. */
  start(name: string, command: readonly string[], logFile: string, signal: AbortSignal): Promise<Daemon> {
    const [file, ...args] = command as [string, ...string[]];
    // A group of its own: a Ctrl-C of the terminal reaches only the demo, which then ends its daemons in order.
    // The channel tells a daemon that the demo was killed outright, so that it does not live on as an orphan.
    const child = spawn(file, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, POSTERN_LAUNCHER: '1' },
    });
    const { stderr } = child as ChildProcess & { stderr: Readable };
    this.#running.add(child);
    this.#order.push(child);
    const log = createWriteStream(logFile);
    stderr.pipe(log);
    return new Promise((resolve, reject) => {
      let text = '';
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        stderr.off('data', onData);
      };
      const fail = (why: string): void => {
        settle();
        reject(new PosternError('DEMO', `${name} ${why}`, { hint: text.trim().split('\n').slice(-8).join('\n  ') }));
      };
      const onAbort = (): void => fail('was interrupted');
      const timer = setTimeout(() => fail(`was not ready within ${readyMs / 1000} s`), readyMs);
      const onData = (chunk: Buffer): void => {
        text = (text + chunk.toString()).slice(-65_536);
        const ready = readyLine(text);
        if (ready === undefined) return;
        settle();
        resolve({ name, pid: child.pid!, ready });
      };
      signal.addEventListener('abort', onAbort, { once: true });
      stderr.on('data', onData);
      child.once('error', (error) => fail(`could not be started: ${error.message}`));
      child.once('close', (code) => {
        this.#running.delete(child);
        fail(`ended with ${code}`);
      });
    });
  }

  /** Runs a command to its end. Never rejects for what the command does; an abort or the timeout kills it (`code` is null). */
  run(command: readonly string[], options: RunOptions, signal: AbortSignal): Promise<Finished> {
    const [file, ...args] = command as [string, ...string[]];
    return new Promise((resolve) => {
      const child = spawn(file, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env: { ...process.env, ...options.env },
      });
      this.#running.add(child);
      const output = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].on('data', (chunk: Buffer) => {
          if (output[stream].length < outputBytesMax) output[stream] += chunk.toString();
        });
      const kill = (): void => killGroup(child, 'SIGKILL');
      const timer = setTimeout(kill, options.timeoutMs ?? 120_000);
      signal.addEventListener('abort', kill, { once: true });
      const done = (code: number | null): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', kill);
        this.#running.delete(child);
        resolve({ code, ...output });
      };
      child.once('error', (error) => {
        output.stderr += `${file}: ${error.message}\n`;
        done(127);
      });
      child.once('close', done);
    });
  }

  /** Ends everything: asks, the youngest first, then insists. */
  async end(): Promise<void> {
    for (const child of this.#order.toReversed()) await this.#endOne(child);
    for (const child of this.#running) killGroup(child, 'SIGKILL');
  }

  /** The last resort, from a process's exit: nothing asynchronous is possible there. */
  killAll(): void {
    for (const child of this.#running) killGroup(child, 'SIGKILL');
  }

  #endOne(child: ChildProcess): Promise<void> {
    if (!this.#running.has(child)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => killGroup(child, 'SIGKILL'), endMs);
      child.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      killGroup(child, 'SIGTERM');
    });
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch {
    // it has ended already
  }
}

/** The JSON line with `"message":"ready"`, when it has come. */
export function readyLine(text: string): Record<string, unknown> | undefined {
  for (const line of text.split('\n')) {
    if (!line.includes('"message":"ready"')) continue;
    try {
      return JSON.parse(line) as Record<string, unknown>;
    } catch {
      // the line is not whole yet
    }
  }
  return undefined;
}
