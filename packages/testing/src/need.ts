import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** sbin folders are not on every user's PATH, and daemons live there. */
const extraFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path of a program, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...extraFolders];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** For `{ skip: need('git', 'haproxy') }`: false when all are there, else the sentence that names what is missing. */
export function need(...programs: string[]): string | false {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}

/** Network namespaces: Linux, root, iproute2, and a kernel that lets us. */
export function needNamespaces(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root for network namespaces';
  const missing = need('ip');
  if (missing !== false) return missing;
  const name = `postern-probe-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) spawnSync('ip', ['netns', 'del', name]);
  return made ? false : 'needs a kernel that allows network namespaces';
}

/** For what is not a program: `needThat('TLS mirror', () => ...)`. */
export function needThat(what: string, there: boolean): string | false {
  return there ? false : `needs ${what}`;
}
