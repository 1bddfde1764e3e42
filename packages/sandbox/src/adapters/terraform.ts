/** Terraform on one stack of a sandbox: a child that outlives us, its lines in `state/log`, one run of a sandbox at a time. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PosternError } from '@postern/core';
import {
  findTerraform,
  lockState,
  readRecord,
  runChild,
  stillRuns,
  terraformEnvironment,
  waitFor,
} from '@postern/terraform/run';
import type { TerraformStackName } from '../stacks/names.ts';

export interface TerraformOptions {
  /** The sandbox's folder. */
  readonly dir: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly step: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface TerraformRun {
  readonly code: number;
  readonly output: string;
}

/** What a failed run shows of itself. */
const tailLines = 30;

/** Another machine may hold the state's lock for as long as a short apply. */
const lockTimeout = '120s';

const progressLine =
  /: (Creating|Destroying|Modifying|Still|Refreshing|Reading|Creation|Destruction)|^(Plan|Apply|Destroy)/;

export function stackDir(dir: string, stack: TerraformStackName): string {
  return join(dir, 'terraform', 'stacks', stack);
}

export function stateFile(dir: string, stack: TerraformStackName): string {
  return join(dir, 'state', `${stack}.tfstate`);
}

/**
 * Held while stacks are changed. An apply of an earlier command that was killed may still go on: it is waited for, so that
 * nothing is planned beside it.
 */
export async function takeTurn({ dir, step, signal }: Omit<TerraformOptions, 'environment'>): Promise<Disposable> {
  const lock = lockState(join(dir, 'state'), 'sandbox');
  const record = readRecord(recordFile(dir));
  try {
    if (record !== undefined && stillRuns(record)) {
      step(`${record.stack}: waiting for the Terraform of an earlier command (process ${record.pid})`);
      await waitFor(
        record,
        (line) => progressLine.test(line) && step(line.trim()),
        signal ?? new AbortController().signal,
      );
    }
    rmSync(recordFile(dir), { force: true });
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
  return lock;
}

export class Terraform {
  readonly #options: TerraformOptions;
  readonly #stack: TerraformStackName;
  readonly #binary: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(stack: TerraformStackName, options: TerraformOptions) {
    // Terraform runs in the stack's folder: what it is told of files must not depend on ours.
    this.#options = { ...options, dir: resolve(options.dir) };
    this.#stack = stack;
    this.#binary = findTerraform(options.environment);
    mkdirSync(this.#logs, { recursive: true, mode: 0o700 });
    this.#environment = terraformEnvironment(options.environment, this.#logs);
  }

  get #logs(): string {
    return join(this.#options.dir, 'state', 'log');
  }

  async init(): Promise<void> {
    await this.#run(['init', '-input=false', '-no-color', '-reconfigure', `-lock-timeout=${lockTimeout}`]);
  }

  /** `changes` also where only outputs would change. */
  async plan(): Promise<TerraformRun & { readonly changes: boolean }> {
    const done = await this.#run(
      [
        'plan',
        '-no-color',
        '-input=false',
        `-lock-timeout=${lockTimeout}`,
        '-detailed-exitcode',
        '-out=postern.tfplan',
      ],
      { accept: [0, 2] },
    );
    return { ...done, changes: done.code === 2 };
  }

  /** Of the plan just made. */
  async apply(): Promise<TerraformRun> {
    const args = ['apply', '-no-color', '-input=false', `-lock-timeout=${lockTimeout}`, 'postern.tfplan'];
    return this.#run(args, { changes: true });
  }

  async destroy(): Promise<TerraformRun> {
    const args = ['destroy', '-no-color', '-auto-approve', '-input=false', `-lock-timeout=${lockTimeout}`];
    return this.#run(args, { changes: true });
  }

  /** Addresses in the state; none where there is no state yet. */
  async stateList(): Promise<string> {
    return (await this.#run(['state', 'list'], { accept: [0, 1] })).output;
  }

  /** Throws with Terraform's own words when it fails; `accept` are exit codes that are answers and no failures. */
  async #run(
    args: readonly string[],
    { accept = [0], changes = false }: { readonly accept?: readonly number[]; readonly changes?: boolean } = {},
  ): Promise<TerraformRun> {
    const { dir, step, signal = new AbortController().signal } = this.#options;
    const cwd = stackDir(dir, this.#stack);
    const lines: string[] = [];
    const record = recordFile(dir);
    const code = await runChild({
      binary: this.#binary,
      args,
      cwd,
      env: this.#environment,
      log: join(this.#logs, `${this.#stack}-${args[0]}.log`),
      stack: this.#stack,
      ...(changes ? { record } : {}),
      onLine: (line) => {
        lines.push(line);
        if (progressLine.test(line)) step(line.trim());
      },
      signal,
    });
    if (changes) rmSync(record, { force: true });
    if (!accept.includes(code))
      throw new PosternError(
        'TERRAFORM',
        `${this.#stack}: terraform ${args[0]} ${signal.aborted ? 'was stopped' : 'failed'} in ${cwd}:\n${tail(lines)}`,
        {
          hint: signal.aborted
            ? 'what was finished is in the state; run the command again to go on'
            : 'what was built stays recorded in the state; run the command again after the repair',
        },
      );
    return { code, output: lines.join('\n') };
  }
}

function recordFile(dir: string): string {
  return join(dir, 'state', 'run.json');
}

/** From the first error on; else the end. */
function tail(lines: readonly string[]): string {
  const first = lines.findIndex((line) => /^\W*Error:/.test(line));
  return lines
    .slice(first === -1 ? -tailLines : first)
    .slice(0, tailLines)
    .join('\n');
}

/** Whether this machine has a state file of the stack. */
export function hasLocalState(dir: string, stack: TerraformStackName): boolean {
  return existsSync(stateFile(dir, stack));
}
