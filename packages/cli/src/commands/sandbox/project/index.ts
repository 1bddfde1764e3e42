import type { Command } from 'commander';
import { registerAdd } from './add.ts';
import { registerLint } from './lint.ts';
import { registerList } from './list.ts';
import { registerThumbprint } from '../thumbprint.ts';
import { registerRemove } from './remove.ts';

/** `postern sandbox project ...`: pipelines, and how narrowly they are trusted. */
export function registerProject(sandbox: Command): void {
  const project = sandbox.command('project').description('CI pipelines: trust, access, repositories');
  registerAdd(project);
  registerList(project);
  registerRemove(project);
  registerLint(project);
  registerThumbprint(project);
}
