/** Which files are meant: a file itself, or every YAML and JSON file below a directory. */
import { lstat, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '@postern/core';
import { type Resources, type SourceFile, loadResources } from '../plan/load.ts';
import { unreadableFile } from './evidence-files.ts';

/** A sandbox has tens of documents; thousands are the wrong directory. */
const filesMax = 2000;

/** Sorted, so that diagnostics come in the same order everywhere. Hidden folders, generated trees and charts are left out. */
export async function sourceFiles(paths: readonly string[]): Promise<SourceFile[]> {
  const found: string[] = [];
  for (const path of paths) await collect(path, true, found);
  if (found.length === 0) throw new UsageError(`no .yaml, .yml or .json file in ${paths.join(', ')}`);
  return Promise.all(
    found.map(async (file) => ({
      file,
      text: await readFile(file, 'utf8').catch((error: unknown) => Promise.reject(unreadableFile(file, error))),
    })),
  );
}

const leftOut = new Set(['node_modules', 'terraform', 'kube', 'state', 'charts', 'evidence', 'releases']);

async function collect(path: string, named: boolean, found: string[]): Promise<void> {
  const stat = await lstat(path).catch((error: unknown) => Promise.reject(unreadableFile(path, error)));
  if (stat.isDirectory()) {
    const entries = (await readdir(path)).toSorted();
    for (const entry of entries)
      if (!entry.startsWith('.') && !leftOut.has(entry)) await collect(join(path, entry), false, found);
  } else if (named || /\.(ya?ml|json)$/.test(path)) {
    if (found.length >= filesMax) throw new UsageError(`more than ${filesMax} files; is it the right directory?`);
    found.push(path);
  }
}

/** Every document of these files and directories, checked. */
export async function loadFiles(paths: readonly string[]): Promise<Resources> {
  return loadResources(await sourceFiles(paths));
}
