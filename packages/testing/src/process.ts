import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { eventually } from './wait.ts';

/** The checkout. */
export const repositoryRoot = dirname(dirname(dirname(import.meta.dirname)));

/** The `postern` command line, from source, under the Node that runs the tests. */
export const posternCommand: readonly [string, ...string[]] = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  join(repositoryRoot, 'packages/cli/bin/postern.mjs'),
];

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child process with its output gathered. Disposing kills it (SIGKILL) and waits. */
export class Running implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly finished: Promise<Finished>;

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.finished = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
    this.finished.catch(() => {});
  }

  /** Waits until a line of standard error (or output) matches; fails early when the process ends. */
  async line(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    let ended = false;
    void this.finished.then(() => (ended = true));
    return eventually(
      `${pattern} from ${this.child.spawnargs.slice(-4).join(' ')}`,
      () => {
        const match = pattern.exec(this.stderr) ?? pattern.exec(this.stdout);
        if (match === null && ended) throw new Error(`it ended:\n${this.stdout}\n${this.stderr}`);
        return match;
      },
      timeoutMs,
    );
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished> {
    this.child.kill(signal);
    return this.finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    if (this.child.kill('SIGKILL')) await closed;
  }
}

/** Runs a command to its end. */
export function run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  return new Running(command, args, options).finished;
}

/** Runs `postern ARGS...` to its end. */
export function postern(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  const [node, ...rest] = posternCommand;
  return run(node, [...rest, ...args], options);
}

/** Starts a daemon: `postern ARGS...`. */
export function startPostern(args: readonly string[], options: SpawnOptions = {}): Running {
  const [node, ...rest] = posternCommand;
  return new Running(node, [...rest, ...args], options);
}
