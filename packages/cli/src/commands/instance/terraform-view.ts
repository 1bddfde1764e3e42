import { createInterface } from 'node:readline/promises';
import { terminationSignal } from '@postern/daemon';
import type { Approval, DeployOptions, Loss, StackPlan, TerraformEvent } from '@postern/infra/deploy';
import { printable } from '../../io/output.ts';
import { progress } from '../../io/progress.ts';

/** What plan, deploy and destroy share: their options, Terraform's events as lines, the question before a change. */

export interface TerraformFlags {
  readonly target: readonly string[];
  readonly ignoreDependencies?: boolean;
  readonly autoApprove?: boolean;
  readonly quiet?: boolean;
}

export function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

/** Builds the options of a run; `end` clears the progress line. */
export function terraformRun(dir: string, flags: TerraformFlags): { options: DeployOptions; end: () => void } {
  const bar = progress({ quiet: flags.quiet === true });
  const options: DeployOptions = {
    dir,
    targets: flags.target,
    ignoreDependencies: flags.ignoreDependencies === true,
    env: process.env,
    signal: terminationSignal(),
    step: (text) => bar.step(text),
    say: (text) => bar.done(text),
    onEvent(stack, event) {
      const shown = eventLine(event);
      if (shown === undefined) return;
      if (shown.stays) bar.done(`${stack}: ${shown.text}`);
      else bar.step(`${stack}: ${shown.text}`);
    },
    async confirm(approval) {
      bar.end();
      process.stderr.write(approvalText(approval));
      if (flags.autoApprove === true) return true;
      return ask(approval);
    },
  };
  return { options, end: () => bar.end() };
}

const doing = { create: 'creating', update: 'changing', delete: 'destroying', replace: 'replacing' } as const;
const did = { create: 'created', update: 'changed', delete: 'destroyed', replace: 'replaced' } as const;

function eventLine(event: TerraformEvent): { text: string; stays: boolean } | undefined {
  switch (event.kind) {
    case 'started':
      return { text: `${event.address}: ${word(doing, event.action)}`, stays: false };
    case 'working':
      return { text: `${event.address}: ${word(doing, event.action)}, ${event.seconds} s`, stays: false };
    case 'finished': {
      if (event.address.startsWith('data.') || event.action === 'noop') return undefined;
      const id = event.id === undefined ? '' : ` (${printable(event.id)})`;
      return { text: `${event.address}: ${word(did, event.action)} in ${event.seconds} s${id}`, stays: true };
    }
    case 'failed':
      return { text: `${event.address}: ${word(doing, event.action)} FAILED`, stays: true };
    case 'problem':
      return event.severity === 'warning' ? { text: `warning: ${event.summary}`, stays: true } : undefined;
    default:
      return undefined;
  }
}

function word(words: Readonly<Record<string, string>>, action: string): string {
  return words[action] ?? action;
}

const signs: Readonly<Record<string, string>> = {
  create: '+',
  update: '~',
  delete: '-',
  replace: '±',
  import: '<',
  move: '>',
  forget: '.',
};

export function planText({ stack, state, after, changes, losses }: StackPlan): string {
  if (state === 'waits') return `${stack}: can be planned when ${after.join(', ')} is applied\n`;
  const counts = (['create', 'update', 'replace', 'delete'] as const)
    .map((action) => ({ action, count: changes.filter((change) => change.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} to ${action}`);
  const removed = state === 'planned' ? '' : ' (switched off in config.yaml)';
  const head = `${stack}${removed}: ${counts.join(', ') || 'no changes'}\n`;
  const lines = changes.map(({ address, action }) => `  ${signs[action] ?? '?'} ${address}\n`);
  return head + lines.join('') + lossText(losses);
}

function lossText(losses: readonly Loss[]): string {
  const told = losses.filter(({ what }) => what !== undefined);
  if (losses.length === 0) return '';
  const lines = told.map(({ address, replaced, what }) => `  ${address}${replaced ? ' (replaced)' : ''}: ${what}\n`);
  const others = losses.length - told.length;
  return `will be lost:\n${lines.join('')}${others > 0 ? `  and ${others} resources that hold nothing by themselves\n` : ''}`;
}

function approvalText({ stacks }: Approval): string {
  return stacks.map(planText).join('');
}

/** `yes` for a change; for a destruction the instance's name, which nobody types by habit. */
async function ask({ kind, instance }: Approval): Promise<boolean> {
  const wanted = kind === 'apply' ? 'yes' : instance;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const question =
      kind === 'apply' ? 'Apply this? Type yes: ' : `Destroy this? Type the instance’s name (${instance}): `;
    return (await Promise.race([lines.question(question), closed])).trim() === wanted;
  } finally {
    lines.close();
  }
}
