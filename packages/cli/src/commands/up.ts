import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { terminationSignal } from '@postern/daemon';

interface Options {
  readonly repo?: string;
  readonly once?: true;
  readonly namespaces?: true;
}

/** `postern up`, which `npm start` runs: a real git clone through the tunnel, on this machine. */
export function registerUp(root: Command): void {
  root
    .command('up')
    .description('show it: a git clone from a private host through client, server and agent')
    .option('--repo <path-or-url>', 'the repository to clone (default: this checkout)')
    .option('--once', 'end after the story: exit 0 when all of it held, 1 otherwise')
    .option('--namespaces', 'put product, server and customer into three network namespaces (Linux, root)')
    .addHelpText(
      'after',
      '\nExamples:\n  postern up                              stays up until Ctrl-C and says what to try\n  postern up --once                       for a script or CI\n  sudo postern up --namespaces            the host is then truly unreachable\n  postern up --repo https://github.com/git/git\n',
    )
    .action(async ({ repo, once, namespaces }: Options) => {
      const { runDemo } = await import('@postern/lab/demo');
      await runDemo({
        postern: [process.execPath, '--disable-warning=ExperimentalWarning', join(sourceFolder, '../bin/postern.mjs')],
        repo: repo === undefined ? checkout() : existsSync(repo) ? resolve(repo) : repo,
        once: once === true,
        namespaces: namespaces === true,
        out: process.stdout,
        signal: terminationSignal(),
      });
    });
}

const sourceFolder = dirname(import.meta.dirname);

/** The folder that this source lies in: a git checkout, or the tree of a released archive. */
function checkout(): string {
  return resolve(sourceFolder, '../../..');
}
