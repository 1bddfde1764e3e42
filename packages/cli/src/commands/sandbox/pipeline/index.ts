import type { Command } from 'commander';
import { registerGenerate } from './generate.ts';

/** `postern sandbox pipeline ...`: CI configuration for projects. */
export function registerPipeline(sandbox: Command): void {
  registerGenerate(
    sandbox.command('pipeline').description('CI configuration: build, push by digest, submit the release'),
  );
}
