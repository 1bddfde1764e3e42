import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage, PosternError } from '@postern/core';
import { inFlight, parseEvent, runChild, type TerraformEvent } from '@postern/terraform/run';
import { readIfThere, writeWhole } from '../generate/files.ts';
import { stateDir } from '../generate/paths.ts';
import type { StackName } from '../stacks/names.ts';
import type { StackJson } from '../stacks/synth.ts';

/**
 * Where Terraform works on one stack: state/work/STACK, with a copy of its JSON. The generated tree stays what `generate`
 * wrote, and a stack that was removed from it can still be destroyed. As deep as terraform/stacks/STACK, because local
 * backends name their files relative to it.
 */
const execute = promisify(execFile);
/** A state of 10,000 resources prints about this much. */
const outputBytesMax = 256 * 2 ** 20;
/** Another machine may hold the state's lock for as long as a short apply. */
const lockTimeout = '120s';

export interface Tools {
  readonly binary: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onEvent: (stack: StackName, event: TerraformEvent) => void;
}

export class Workspace {
  readonly stack: StackName;
  readonly folder: string;
  readonly #dir: string;
  readonly #tools: Tools;

  constructor(dir: string, stack: StackName, tools: Tools) {
    this.stack = stack;
    this.#dir = dir;
    this.#tools = tools;
    this.folder = join(stateDir(dir), 'work', stack);
  }

  /** Puts the configuration there and initialises where providers or backend changed. */
  async prepare(json: StackJson): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    writeWhole(this.#configuration, `${JSON.stringify(json, null, 2)}\n`);
    const { terraform, provider } = json;
    const text = JSON.stringify([terraform, Object.keys(provider ?? {}), this.#tools.env['TF_CLI_CONFIG_FILE']]);
    const wanted = createHash('sha256').update(text).digest('hex');
    const mark = join(this.folder, '.terraform', 'postern-initialised');
    if (readIfThere(mark) === wanted) return;
    rmSync(mark, { force: true });
    const lines: string[] = [];
    const args = ['init', '-input=false', '-no-color', `-lock-timeout=${lockTimeout}`, '-reconfigure'];
    const code = await this.#run(args, 'init.log', (line) => lines.push(line));
    if (code !== 0)
      throw new PosternError('TERRAFORM_INIT', `${this.stack}: terraform init failed:\n${indent(lines)}`, {
        hint: 'offline, name a provider mirror: POSTERN_TF_PLUGIN_DIR or TF_CLI_CONFIG_FILE',
      });
    writeWhole(mark, wanted);
  }

  async plan(destroy: boolean): Promise<TerraformEvent[]> {
    const args = [
      'plan',
      '-json',
      '-input=false',
      `-lock-timeout=${lockTimeout}`,
      '-out=plan.bin',
      ...(destroy ? ['-destroy'] : []),
    ];
    return this.#events(args, 'plan.jsonl', undefined);
  }

  async apply(): Promise<TerraformEvent[]> {
    const args = ['apply', '-json', '-input=false', `-lock-timeout=${lockTimeout}`, 'plan.bin'];
    const events = await this.#events(args, 'apply.jsonl', this.recordFile);
    this.forgetRecord();
    return events;
  }

  get #configuration(): string {
    return join(this.folder, 'cdk.tf.json');
  }

  get recordFile(): string {
    return runRecordFile(this.#dir);
  }

  /** The changes are in the state: nothing is left to find again. */
  forgetRecord(): void {
    rmSync(this.recordFile, { force: true });
    rmSync(join(this.folder, 'plan.bin'), { force: true });
  }

  async #events(args: readonly string[], log: string, record: string | undefined): Promise<TerraformEvent[]> {
    const events: TerraformEvent[] = [];
    const code = await this.#run(
      args,
      log,
      (line) => {
        const event = parseEvent(line);
        if (event === undefined) return;
        events.push(event);
        this.#tools.onEvent(this.stack, event);
      },
      record,
    );
    if (code === 0) return events;
    // Where Terraform told the end of everything it began, it also saved it.
    if (record !== undefined && inFlight(events).length === 0) rmSync(record, { force: true });
    throw failure(this.stack, args[0]!, events, this.#tools.signal.aborted);
  }

  #run(args: readonly string[], log: string, onLine: (line: string) => void, record?: string): Promise<number> {
    const { binary, env, signal } = this.#tools;
    return runChild({
      binary,
      args,
      cwd: this.folder,
      env,
      log: join(this.folder, log),
      onLine,
      signal,
      stack: this.stack,
      ...(record !== undefined && { record }),
    });
  }

  /** A short question: `show -json`, `output -json`, `import`. */
  async ask(args: readonly string[]): Promise<string> {
    const { binary, env, signal } = this.#tools;
    try {
      const { stdout } = await execute(binary, [...args], { cwd: this.folder, env, signal, maxBuffer: outputBytesMax });
      return stdout;
    } catch (error) {
      const stderr = (error as { stderr?: string }).stderr?.trim();
      throw new PosternError(
        'TERRAFORM',
        `${this.stack}: terraform ${args[0]} failed: ${stderr || errorMessage(error)}`,
        { cause: error },
      );
    }
  }

  /**
   * Takes an existing resource into the state. Under a configuration of its own, put back by the next `prepare`: with the whole
   * one, an import fails where a `for_each` elsewhere waits for what is not made yet.
   */
  async import(address: string, type: string, id: string): Promise<void> {
    const json = JSON.parse(readFileSync(this.#configuration, 'utf8')) as StackJson;
    const [, name, key] = /^[a-z0-9_]+\.([^[]+)(?:\["(.*)"\])?$/.exec(address) ?? [];
    if (name === undefined) return;
    const alone = key === undefined ? {} : { for_each: `\${toset([${JSON.stringify(key)}])}` };
    const { terraform, provider } = json;
    writeWhole(this.#configuration, JSON.stringify({ terraform, provider, resource: { [type]: { [name]: alone } } }));
    try {
      await this.ask(['import', '-input=false', '-no-color', address, id]);
    } finally {
      writeWhole(this.#configuration, `${JSON.stringify(json, null, 2)}\n`);
    }
  }

  /** Whether the state holds anything. */
  async applied(): Promise<boolean> {
    const local = localState(this.folder);
    if (local !== undefined) {
      const text = readIfThere(local);
      return text !== undefined && (JSON.parse(text) as { resources?: unknown[] }).resources?.some(managed) === true;
    }
    return (await this.ask(['state', 'list'])).trim() !== '';
  }

  /** What it gave, without what is sensitive. */
  async outputs(): Promise<Record<string, unknown>> {
    const json = JSON.parse(await this.ask(['output', '-json'])) as Record<
      string,
      { sensitive: boolean; value: unknown }
    >;
    return Object.fromEntries(
      Object.entries(json).flatMap(([name, { sensitive, value }]) => (sensitive ? [] : [[name, value]])),
    );
  }
}

export const runRecordFile = (dir: string): string => join(stateDir(dir), 'run.json');

function managed(resource: unknown): boolean {
  const { mode, instances } = resource as { mode?: string; instances?: unknown[] };
  return mode === 'managed' && (instances?.length ?? 0) > 0;
}

/** The file of a local backend; undefined where the state lies elsewhere. */
function localState(folder: string): string | undefined {
  const file = join(folder, 'cdk.tf.json');
  if (!existsSync(file)) return undefined;
  const json = JSON.parse(readFileSync(file, 'utf8')) as { terraform?: { backend?: { local?: { path?: string } } } };
  const path = json.terraform?.backend?.local?.path;
  return path === undefined ? undefined : join(folder, path);
}

/** Guards against replacement would also refuse a wanted destroy. */
export function withoutGuards(json: StackJson): StackJson {
  return JSON.parse(JSON.stringify(json), (key: string, value: unknown) =>
    key === 'prevent_destroy' ? false : value,
  ) as StackJson;
}

function failure(stack: StackName, command: string, events: readonly TerraformEvent[], stopped: boolean): PosternError {
  const problems = events.flatMap((event) => {
    if (event.kind === 'problem' && event.severity === 'error')
      return [
        `${event.address === undefined ? '' : `${event.address}: `}${event.summary}${event.detail === '' ? '' : `: ${event.detail}`}`,
      ];
    return event.kind === 'other' ? [event.text] : [];
  });
  if (stopped)
    return new PosternError('STOPPED', `${stack}: stopped; what was finished is in the state`, {
      hint: 'run the same command again to go on',
    });
  return new PosternError(
    'TERRAFORM',
    `${stack}: terraform ${command} ${problems.length === 0 ? 'ended without a word (was it killed?)' : `failed:\n${indent(problems)}`}`,
    {
      hint: 'mend the cause and run the same command again: what was made stays',
      details: { stack, problems },
    },
  );
}

function indent(lines: readonly string[]): string {
  return lines
    .flatMap((line) => line.split('\n'))
    .map((line) => `  ${line}`)
    .join('\n');
}
