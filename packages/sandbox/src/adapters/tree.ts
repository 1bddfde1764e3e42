/** Writes a generated tree: changed files only, each by rename, and removes what an earlier run wrote and this one does not. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PosternError, errorCode } from '@postern/core';

export interface TreeFile {
  readonly path: string;
  readonly text: string;
}

export interface TreeResult {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
}

const listFile = '.postern/sandbox-generated.json';

export async function writeTree(dir: string, files: readonly TreeFile[]): Promise<TreeResult> {
  const before = await readList(dir);
  const written: string[] = [];
  for (const { path, text } of files) {
    if ((await readText(join(dir, path))) === text) continue;
    await replace(join(dir, path), text);
    written.push(path);
  }
  const wanted = new Set(files.map((file) => file.path));
  const removed = before.filter((path) => !wanted.has(path));
  for (const path of removed) await rm(join(dir, path), { force: true });
  await replace(join(dir, listFile), `${JSON.stringify([...wanted].toSorted(), null, 2)}\n`);
  return { written, removed, unchanged: files.length - written.length };
}

/** Only paths of the kind we write: an edited list must not make us delete elsewhere. */
async function readList(dir: string): Promise<string[]> {
  const text = await readText(join(dir, listFile));
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value)
      ? value.filter(
          (path): path is string =>
            typeof path === 'string' && /^(terraform|kube)\/[\w./-]+$/.test(path) && !path.includes('..'),
        )
      : [];
  } catch {
    return [];
  }
}

/** New files only: `init` and `import` never write over what somebody has edited. */
export async function writeNew(dir: string, files: readonly TreeFile[], force: boolean): Promise<string[]> {
  if (!force)
    for (const { path } of files)
      if ((await readText(join(dir, path))) !== undefined)
        throw new PosternError('EXISTS', `${join(dir, path)} exists`, { hint: '--force writes over it', exitCode: 2 });
  for (const { path, text } of files) await replace(join(dir, path), text);
  return files.map((file) => join(dir, file.path));
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}
