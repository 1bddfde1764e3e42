import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PosternError } from '@postern/core';
import type { Children, Finished } from './children.ts';

/** The repository that is cloned: a bare copy of what the person named, made whole enough to be served. */
export interface Served {
  /** The folder of bare repositories. */
  readonly root: string;
  /** `postern.git` */
  readonly name: string;
  readonly commit: string;
  readonly commits: number;
}

/**
 * Makes `<scratch>/repos/<name>.git` from a path or a URL. Works from a shallow checkout, from a detached HEAD (as CI makes them), and
 * from a source tree without git, which becomes a repository of one commit.
 */
export async function serveable(
  source: string,
  scratch: string,
  children: Children,
  signal: AbortSignal,
): Promise<Served> {
  const root = join(scratch, 'repos');
  mkdirSync(root, { recursive: true });
  const isPath = existsSync(source);
  if (!isPath && !/^[a-z+]+:\/\/|^[^/]+@[^/]+:/.test(source))
    throw new PosternError('REPO', `--repo ${source} is neither a folder nor a URL`, { exitCode: 2 });
  const name = `${basename(source.replace(/[/\\]+$/, '')).replace(/\.git$/, '') || 'repository'}.git`;
  const bare = join(root, name);
  // The person's own git configuration counts only for a URL, where it holds their credentials and proxies.
  const env = { ...(isPath ? isolatedGit(scratch) : {}), GIT_TERMINAL_PROMPT: '0' };
  const git = async (...args: string[]): Promise<Finished> => children.run(['git', ...args], { env }, signal);
  const must = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await git(...args);
    if (code === 0) return stdout.trim();
    throw new PosternError('GIT', `git ${args[0] === '-C' ? args[2] : args[0]} failed`, { hint: stderr.trim() });
  };
  const inside = isPath && (await git('-C', source, 'rev-parse', '--git-dir')).code === 0;
  const origin = isPath && !inside ? await snapshot(source, scratch, must) : source;
  // --no-local: a plain copy of objects would keep alternates and grafts that point outside.
  await must('clone', '--quiet', '--bare', '--no-local', origin, bare);
  const head = await git('-C', bare, 'rev-parse', '--verify', 'HEAD^{commit}');
  if (head.code !== 0)
    throw new PosternError('REPO', `${source} has no commit to clone`, {
      hint: 'commit something, or name another --repo',
    });
  const commit = head.stdout.trim();
  if ((await git('-C', bare, 'symbolic-ref', '--quiet', 'HEAD')).code !== 0) {
    await must('-C', bare, 'update-ref', 'refs/heads/detached', commit);
    await must('-C', bare, 'symbolic-ref', 'HEAD', 'refs/heads/detached');
  }
  const commits = Number(await must('-C', bare, 'rev-list', '--count', 'HEAD'));
  return { root, name, commit, commits };
}

/** git without the person's settings: a url.insteadOf or an http.proxy of theirs would be another demo. */
export function isolatedGit(scratch: string): Record<string, string> {
  const file = join(scratch, 'gitconfig');
  // The checkout may belong to another user (a container's mount); it is only read.
  if (!existsSync(file))
    writeFileSync(file, '[safe]\n\tdirectory = *\n[advice]\n\tdetachedHead = false\n[init]\n\tdefaultBranch = main\n');
  return { GIT_CONFIG_GLOBAL: file, GIT_CONFIG_NOSYSTEM: '1' };
}

/** A source tree without git: one commit of everything but what npm installed. */
async function snapshot(
  source: string,
  scratch: string,
  must: (...args: string[]) => Promise<string>,
): Promise<string> {
  const copy = join(scratch, basename(source));
  cpSync(source, copy, { recursive: true, filter: (path) => basename(path) !== 'node_modules' });
  await must('init', '--quiet', copy);
  await must('-C', copy, 'add', '--all');
  const author = ['-c', 'user.name=postern', '-c', 'user.email=postern@localhost'];
  await must('-C', copy, ...author, 'commit', '--quiet', '-m', 'The source tree');
  return copy;
}
