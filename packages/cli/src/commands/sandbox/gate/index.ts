import type { Command } from 'commander';
import { registerEvaluate } from './evaluate.ts';
import { registerReasons } from './reasons.ts';

/** `postern sandbox gate ...`: the verdict alone, usable in any pipeline. */
export function registerGate(sandbox: Command): void {
  const gate = sandbox.command('gate').description('the quality gate: may this image be installed?');
  registerEvaluate(gate);
  registerReasons(gate);
}
