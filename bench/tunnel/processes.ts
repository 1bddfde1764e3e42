/** Processes with their children: CPU time from /proc, and an end that leaves none behind. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Running } from '@postern/testing';

/** The clock ticks of /proc/PID/stat. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));
/** What a program may take to end by itself before it is killed. */
const graceMs = 3000;

interface Stat {
  readonly parent: number;
  readonly ticks: number;
}

/** proc(5): the name may hold spaces and brackets, the fields are counted behind its last one. */
function stat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // utime and stime, and the same of children that have ended and were waited for
    return { parent: fields[1]!, ticks: fields[11]! + fields[12]! + fields[13]! + fields[14]! };
  } catch {
    return undefined; // it ended meanwhile
  }
}

/** The process and all below it. */
export function tree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const one = Number(name);
    const parent = Number.isInteger(one) ? stat(one)?.parent : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  const pids = [pid];
  for (const one of pids) pids.push(...(children.get(one) ?? []));
  return pids;
}

/** Of a process and all below it, ended ones too. */
export function cpuSeconds(pid: number): number {
  return tree(pid).reduce((sum, one) => sum + (stat(one)?.ticks ?? 0), 0) / ticksPerSecond;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}

/** Asks a process to end, then kills what is left of it and its children. */
export async function stopTree(running: Running): Promise<void> {
  const { pid, exitCode, signalCode } = running.child;
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  const pids = tree(pid);
  kill(pid, 'SIGTERM');
  const timer = setTimeout(() => {
    for (const one of new Set([...pids, ...tree(pid)])) kill(one, 'SIGKILL');
  }, graceMs);
  await running.finished.catch(() => {});
  clearTimeout(timer);
}
