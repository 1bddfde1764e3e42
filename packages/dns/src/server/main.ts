/**
 * The entry of the running proxy: `main.ts FOLDER`, where the folder holds its plan and is removed. `main.ts --warm` only loads
 * the code, so that Node's compile cache is filled.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage, PosternError } from '@postern/core/errors';
import { terminationSignal } from '@postern/daemon/lifecycle';
import { createPlainLogger } from '@postern/daemon/log-lines';
import { runProxy } from './proxy.ts';
import { followConfiguration, type Handover } from './reload.ts';

/** How soon a proxy ends whose launcher was killed. */
const launcherLookMs = 1000;

async function main(folder: string): Promise<void> {
  const handover = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as Handover;
  const { plan, launcherPid } = handover;
  if (plan.admin !== undefined) await import('./admin.ts');
  rmSync(folder, { recursive: true, force: true });
  delete process.env['NODE_COMPILE_CACHE'];
  if (launcherPid !== undefined)
    setInterval(() => {
      if (process.ppid !== launcherPid) process.exit(137);
    }, launcherLookMs).unref();
  const log = createPlainLogger('dns-proxy');
  const signal = terminationSignal();
  await runProxy({ plan, log, signal, onNewPlan: (use) => followConfiguration(handover, { log, signal, use }) });
}

function report(error: unknown): void {
  if (error instanceof PosternError) {
    process.stderr.write(`postern: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`postern: internal error: ${error instanceof Error ? error.stack : errorMessage(error)}\n`);
    process.exitCode = 1;
  }
}

const [, , folder = '--warm'] = process.argv;
if (folder === '--warm') await import('./admin.ts');
else await main(folder).catch(report);
