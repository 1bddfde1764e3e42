/**
 * From the command line to the running proxy. The process replaces itself (execve) by one that holds the proxy and nothing of what
 * read its configuration: 70 MB instead of 110, in every pod. The process id, the standard streams and the parent stay.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createPlainLogger } from '@postern/daemon/log-lines';
import { terminationSignal } from '@postern/daemon/lifecycle';
import type { Plan } from './plan.ts';
import { followConfiguration, type Handover } from './reload.ts';

/** A machine under load still compiles forty files in this time; after it the start goes on without the cache. */
const warmMs = 20_000;

export async function startDnsProxy(plan: Plan, configFile: string): Promise<void> {
  const handover: Handover = {
    plan,
    // The same command line prints a new plan whenever a file changes.
    planCommand: [...process.execArgv, process.argv[1]!, 'dns-proxy', '--config', configFile, '--print-plan'],
    ...(process.connected ? { launcherPid: process.ppid } : {}),
  };
  const folder = scratchFolder(handover);
  if (folder !== undefined && process.platform !== 'win32') replaceProcess(folder);
  const { runProxy } = await import('./proxy.ts');
  const log = createPlainLogger('dns-proxy');
  const signal = terminationSignal();
  await runProxy({ plan, log, signal, onNewPlan: (use) => followConfiguration(handover, { log, signal, use }) });
}

/** Private (mode 0700), because the next process runs what lies in it. Undefined on a read-only file system. */
function scratchFolder(handover: Handover): string | undefined {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'postern-dns-'));
    writeFileSync(join(folder, 'plan.json'), JSON.stringify(handover), { mode: 0o600 });
    return folder;
  } catch {
    return undefined;
  }
}

function replaceProcess(folder: string): void {
  const main = join(import.meta.dirname, `main${extname(import.meta.filename)}`);
  // Garbage here is small and short-lived, and what lives is 9 MB (the cache lies outside the heap). A nursery of 1 MB holds the
  // garbage, and V8 is told to collect early instead of growing to what the machine has: together -45 MB under load (measured).
  // Packets are freed where they are collected, because on a busy machine the thread that would do it comes too late (-8 MB at the peak).
  const sweep = '--no-concurrent-array-buffer-sweeping';
  const memory = ['--max-semi-space-size=1', '--optimize-for-size', '--max-old-space-size=64', sweep];
  const args = ['--disable-warning=ExperimentalWarning', ...memory, main];
  // One malloc arena: packets are allocated by one thread, and what lies free in the others' arenas is never given back (-6 MB).
  const env = { MALLOC_ARENA_MAX: '1', ...process.env, NODE_COMPILE_CACHE: join(folder, 'code') };
  // From source, the part of Node that strips types would stay in memory (17 MB). A first run leaves its results for the second.
  if (main.endsWith('.ts')) spawnSync(process.execPath, [...args, '--warm'], { env, stdio: 'ignore', timeout: warmMs });
  process.execve?.(process.execPath, [process.execPath, ...args, folder], env);
}
