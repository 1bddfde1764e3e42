/** Runs Terraform (or OpenTofu) in one stack's folder. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { PosternError } from '@postern/core';

export interface TerraformRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a failed run shows of itself. */
const tailLines = 30;

export class Terraform {
  readonly #binary: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#binary = findBinary(environment);
    this.#environment = {
      ...environment,
      CHECKPOINT_DISABLE: '1',
      TF_IN_AUTOMATION: '1',
      TF_INPUT: '0',
      TF_CLI_ARGS: undefined,
    };
    // Terraform warns at each call of a file that is not there.
    const cli = this.#environment['TF_CLI_CONFIG_FILE'];
    if (cli !== undefined && !existsSync(cli)) delete this.#environment['TF_CLI_CONFIG_FILE'];
  }

  async init(dir: string, step: (line: string) => void, options: { readonly backend?: boolean } = {}): Promise<void> {
    const plugins = this.#environment['POSTERN_TF_PLUGIN_DIR'];
    await this.run(
      dir,
      [
        'init',
        '-input=false',
        '-no-color',
        '-reconfigure',
        ...(options.backend === false ? ['-backend=false'] : []),
        ...(plugins === undefined || plugins === '' ? [] : [`-plugin-dir=${plugins}`]),
      ],
      step,
    );
  }

  /** Throws with Terraform's own words when it fails; `accept` are exit codes that are answers and no failures. */
  async run(
    dir: string,
    args: readonly string[],
    step: (line: string) => void,
    accept: readonly number[] = [0],
  ): Promise<TerraformRun> {
    const child = spawn(this.#binary, args, { cwd: dir, env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const out: string[] = [];
    const err: string[] = [];
    const gather = (stream: NodeJS.ReadableStream, into: string[]): void => {
      createInterface({ input: stream }).on('line', (line) => {
        into.push(line);
        if (
          /: (Creating|Destroying|Modifying|Still|Refreshing|Reading|Creation|Destruction)|^(Plan|Apply|Destroy)/.test(
            line,
          )
        )
          step(line.trim());
      });
    };
    gather(child.stdout, out);
    gather(child.stderr, err);
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (value, signal) => resolve(value ?? (signal === null ? 1 : 130)));
    });
    if (!accept.includes(code))
      throw new PosternError(
        'TERRAFORM',
        `terraform ${args[0]} failed in ${dir}:\n${[...err, ...(err.length === 0 ? out : [])].slice(-tailLines).join('\n')}`,
        {
          hint:
            code === 130
              ? 'it was interrupted; run the command again to go on'
              : 'what was built stays recorded in the state; run the command again after the repair',
        },
      );
    return { code, stdout: out.join('\n'), stderr: err.join('\n') };
  }
}

function findBinary(environment: NodeJS.ProcessEnv): string {
  const named = environment['POSTERN_TERRAFORM'];
  const names = named === undefined || named === '' ? ['terraform', 'tofu'] : [named];
  for (const name of names) {
    const paths = name.includes('/')
      ? [name]
      : (environment['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
    const found = paths.find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  throw new PosternError('TERRAFORM_MISSING', `neither ${names.join(' nor ')} is on PATH`, {
    hint: 'install Terraform 1.10 or newer or OpenTofu, or set POSTERN_TERRAFORM',
  });
}
