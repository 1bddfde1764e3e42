import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { UsageError } from '@postern/core';
import type { RunOptions } from '@postern/sandbox';
import { progress } from '../../io/progress.ts';
import { type ClusterFlags, clusterOptions } from './cluster-options.ts';

/** What plan, deploy and destroy share: the same targets, approval and cluster. */
export interface StackFlags extends ClusterFlags {
  readonly target: readonly string[];
  readonly autoApprove?: boolean;
  readonly ignoreDependencies?: boolean;
  readonly skipDrain?: boolean;
  readonly deleteVolumes?: boolean;
  readonly quiet?: boolean;
  readonly output: 'table' | 'json' | 'yaml';
}

export function stackOptions(command: Command): Command {
  return clusterOptions(command.argument('[dir]', 'the sandbox’s folder', '.'))
    .option(
      '--target <stack>',
      'only this stack (repeatable): network, registry, circleci, eks, kube',
      (value: string, all: readonly string[]) => [...all, value],
      [] as readonly string[],
    )
    .option('--quiet', 'no progress');
}

export async function runOptions(dir: string, flags: StackFlags): Promise<RunOptions & { readonly end: () => void }> {
  const { Cluster } = await import('@postern/sandbox');
  const { systemClock, terminationSignal } = await import('@postern/daemon');
  const live = progress({ quiet: flags.quiet === true });
  let opened: ReturnType<typeof Cluster.open> | undefined;
  return {
    dir,
    targets: flags.target,
    ignoreDependencies: flags.ignoreDependencies === true,
    environment: process.env,
    clock: systemClock,
    signal: terminationSignal(),
    step: (text) => live.step(text),
    done: (text) => live.done(text),
    cluster: () => (opened ??= Cluster.open(flags)),
    end: () => live.end(),
    approve: async (stack, summary) => {
      if (flags.autoApprove === true) return true;
      live.end();
      if (!process.stdin.isTTY)
        throw new UsageError(`${stack} would be changed and nobody can be asked`, {
          hint: 'look at the plan first, then give --auto-approve',
        });
      process.stderr.write(`${summary}\n`);
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      const answer = await terminal.question(`${stack}: go on? Only "yes" does: `).finally(() => terminal.close());
      return answer.trim() === 'yes';
    },
  };
}
