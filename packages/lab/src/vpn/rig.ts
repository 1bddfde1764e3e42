import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCode, PosternError } from '@postern/core';

/**
 * What a rehearsal owns on this machine: namespaces, daemons, a folder. All of it goes with `close`, whatever happened
 * before; and what a killed rehearsal left behind goes when the next one starts (`sweep`).
 */
const folderPrefix = 'postern-vpn-';
/** Interface and namespace names are short; the pid in it tells whose it is. */
const namespacePattern = /^pv(\d+)-/;
/** How long a daemon may take to end on SIGTERM before it is killed. */
const graceMs = 2000;

export class Rig {
  readonly folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #namespaces: string[] = [];

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Only this user reads it: it may hold a key. */
  write(name: string, text: string): string {
    const path = this.path(name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  name(namespace: string): string {
    return `pv${process.pid}-${namespace}`;
  }

  async addNamespaces(namespaces: readonly string[]): Promise<void> {
    for (const namespace of namespaces) {
      await exec('ip', ['netns', 'add', this.name(namespace)]);
      this.#namespaces.push(this.name(namespace));
      await this.in(namespace, 'sysctl', [
        '-qw',
        'net.ipv4.ip_forward=1',
        'net.ipv4.conf.all.rp_filter=0',
        'net.ipv4.conf.default.rp_filter=0',
      ]);
      await this.ip(namespace, ['link set lo up']);
    }
  }

  /** Several `ip` commands inside a namespace, in one process. */
  async ip(namespace: string, lines: readonly string[]): Promise<void> {
    await exec('ip', ['-n', this.name(namespace), '-batch', '-'], `${lines.join('\n')}\n`);
  }

  in(namespace: string, command: string, args: readonly string[], input?: string): Promise<string> {
    return exec('ip', ['netns', 'exec', this.name(namespace), command, ...args], input);
  }

  /**
   * A daemon inside a namespace, with a /run of its own: two IKE daemons share one compiled-in pid file otherwise. It dies
   * with this process even when that is killed (`setpriv --pdeathsig`).
   */
  daemon(namespace: string, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const own = ['ip', 'netns', 'exec', this.name(namespace), 'unshare', '-m', 'sh', '-c'];
    const script = 'mount -t tmpfs none /run && exec "$@"';
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...own, script, 'sh', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    child.on('error', () => {}); // its absence shows in what it should have done
    this.#children.push(child);
    return child;
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => end(child)));
    for (const namespace of this.#namespaces.splice(0)) await removeNamespace(namespace);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await closed;
  clearTimeout(timer);
}

async function removeNamespace(name: string): Promise<void> {
  const pids = await exec('ip', ['netns', 'pids', name]).catch(() => '');
  for (const pid of pids.split('\n').map(Number)) if (pid > 1) kill(pid);
  await exec('ip', ['netns', 'del', name]).catch(() => '');
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}

/** Removes what rehearsals of processes that are no more have left. Returns how many namespaces that was. */
export async function sweep(): Promise<number> {
  mkdirSync(tmpdir(), { recursive: true });
  const listed = await exec('ip', ['netns', 'list']).catch(() => '');
  const stale = listed.split('\n').flatMap((line) => {
    const name = line.split(' ', 1)[0]!;
    const pid = namespacePattern.exec(name)?.[1];
    return pid !== undefined && !alive(Number(pid)) ? [name] : [];
  });
  for (const name of stale) await removeNamespace(name);
  for (const folder of readdirSync(tmpdir())) {
    const pid = folder.startsWith(folderPrefix) ? Number(folder.slice(folderPrefix.length).split('-', 1)[0]) : 0;
    if (pid > 0 && !alive(pid)) rmSync(join(tmpdir(), folder), { recursive: true, force: true });
  }
  return stale.length;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** Runs a command to its end and returns what it printed; an error says which command and what it said. */
export function exec(command: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // 8 MiB: a listing of routes is the longest answer, far below.
    const child = execFile(command, [...args], { maxBuffer: 8 * 2 ** 20 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(
          new PosternError(
            'LAB_COMMAND',
            `${command} ${args.join(' ')} failed: ${stderr.trim() || stdout.trim() || error.message}`,
            { cause: error },
          ),
        );
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
